"""What lies on the shelf, as a person counts it: typed as a number, kept as a change of the tally.

The change is the difference to what the form showed, so that units sold since then stay sold.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages import Form, Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import derive
from nightmarket.platform.database import Connection
from nightmarket.tally.contract import Adjustment

from .fields import is_blank, rows_of

MAX_UNITS = 10_000_000
CAUSE = "counted by the merchant"
_WHOLE = re.compile(r"[0-9]{1,8}")


class Count(NamedTuple):
    """A change of stock at a place, from the number that the form showed; `field` is where it was typed."""

    sku: str
    place: str
    delta: int
    field: str


class CountRefused(Exception):
    """The tally holds more for orders than would be left; `field` is where it was typed."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def whole(text: str) -> int | None:
    """A number of units; None for what is none."""
    return int(text) if _WHOLE.fullmatch(text) and int(text) <= MAX_UNITS else None


def read_counts(form: Form, places: Mapping[UUID, str], visit: Visit) -> list[Count]:
    """The changes of stock that the product's form asks for; notes what is no number."""
    found: list[Count] = []
    for number, row in enumerate(row for row in rows_of(form) if not is_blank(row)):
        for code in places.values():
            field = f"variants-{number}-stock-{code}"
            text, was = row.get(f"stock-{code}", ""), whole(row.get(f"was-{code}", "0") or "0")
            if not text:
                continue
            typed = whole(text)
            if typed is None or was is None:
                form.wrong(field, visit.say(say_later("Write a whole number of units, such as 12.")))
            elif typed != was:
                found.append(Count(row.get("sku", ""), code, typed - was, field))
    return found


async def count(
    desk: Desk, tx: Connection, merchant: UUID, wanted: Sequence[tuple[UUID, UUID, Count]], form: Form
) -> None:
    """Change the tallies of these variants at these places; each form counts once. Raises CountRefused."""
    once = form.once("adj")
    now = desk.now
    tallies = await desk.shop.shelf.open_stock(tx, merchant, [(one[0], one[1]) for one in wanted], now)
    changes = {
        derive("counted", once, tallies[variant, place]): (tallies[variant, place], one)
        for variant, place, one in wanted
    }
    taken = await desk.shop.tallies.adjust(
        tx, [Adjustment(id, tally, one.delta, CAUSE) for id, (tally, one) in changes.items()], now
    )
    for id, (_, one) in changes.items():
        if not taken[id]:
            raise CountRefused(one.field)
