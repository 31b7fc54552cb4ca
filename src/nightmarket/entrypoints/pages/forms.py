"""Forms as people send them: what was typed is kept, and each field may have one sentence that says what is wrong."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import decode
from nightmarket.kernel.money import minor_digits, parse_amount
from nightmarket.kernel.problems import InvalidInput

from .words import say_later

NO_AMOUNT = say_later("Write an amount such as 1234.50, with nothing between the thousands.")
NO_ID = say_later("The form lacks its id; load the page again.")


class Form(msgspec.Struct):
    """The fields of a form and what is wrong with them. Values are kept as typed, to be shown again."""

    values: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    lists: dict[str, list[str]] = msgspec.field(default_factory=dict[str, list[str]])
    errors: dict[str, str] = msgspec.field(default_factory=dict[str, str])

    @classmethod
    def of(cls, fields: Mapping[str, list[str]]) -> "Form":
        """From a parsed body; of a repeated field the last counts."""
        return cls({name: values[-1] for name, values in fields.items()}, dict(fields))

    def get(self, name: str, default: str = "") -> str:
        """What was typed, without the spaces around it."""
        return self.values.get(name, default).strip()

    def number(self, name: str, default: int) -> int:
        """A whole number of at most nine digits, else `default`: absurd ones are refused by the room they are for."""
        text = self.get(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default

    def once(self, prefix: str) -> UUID:
        """The id that came with the form: sending it twice makes one thing. Raises InvalidInput without one."""
        try:
            return decode(prefix, self.get("once"))
        except InvalidInput:
            raise InvalidInput(NO_ID, field="once") from None

    def wrong(self, name: str, message: str) -> None:
        """Note what is wrong with a field; the first note stays."""
        self.errors.setdefault(name, message)

    def sort_errors(self, order: Sequence[str]) -> None:
        """List errors in the order of the page's fields."""
        places = {name: place for place, name in enumerate(order)}
        self.errors = dict(sorted(self.errors.items(), key=lambda pair: places.get(pair[0], len(places))))

    def error(self, name: str) -> str:
        return self.errors.get(name, "")


def typed_amount(text: str, currency: str) -> int:
    """Minor units of an amount as people type it, with a comma or a point. Raises InvalidInput, of `1,000` too where
    the currency has two decimals: it would be one."""
    plain = text.replace(",", ".")
    if len(plain.partition(".")[2]) > minor_digits(currency):
        raise InvalidInput(NO_AMOUNT)
    try:
        return parse_amount(plain, currency)
    except InvalidInput:
        raise InvalidInput(NO_AMOUNT) from None
