"""Numbers, money, times and lists as people type them; what cannot be read is noted beside its field."""

import re
from collections.abc import Iterable, Mapping

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages import Form, typed_amount
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.problems import InvalidInput
from nightmarket.kernel.quantity import MAX_STOCK
from nightmarket.promotions.contract import Hours, Step

NO_PERCENT = say_later("Write a percentage such as 15 or 12.5.")
NO_HOURS = say_later("Write hours such as mon-fri 18:00-24:00, one line each.")
NO_STEP = say_later("Write steps such as 3: 10% or 100.00: 15.00, one line each.")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOURS = re.compile(
    r"(?:(?P<first>[a-z]{3})(?:\s*-\s*(?P<last>[a-z]{3}))?\s+)?(?P<from>\d{1,2}:\d\d)\s*-\s*(?P<until>\d{1,2}:\d\d)"
)


class Fields:
    """Reads the fields of one form in one currency."""

    def __init__(self, desk: Desk, form: Form, currency: str) -> None:
        self.desk, self.form, self.currency = desk, form, currency

    def wrong(self, name: str, text: str) -> None:
        self.form.wrong(name, self.desk.say(text))

    def whole(self, name: str) -> int | None:
        """A whole number over zero, None where the field is empty."""
        text = self.form.get(name)
        if not text:
            return None
        if are_digits(text, 11) and 0 < int(text) <= MAX_STOCK:
            return int(text)
        self.wrong(name, say_later("Write a whole number such as 100, or leave it empty."))
        return None

    def percent(self, name: str, text: str | None = None) -> int:
        """Basis points; 0, with the error noted, where there are none."""
        typed = (self.form.get(name) if text is None else text).replace(",", ".").removesuffix("%").strip()
        whole, _, decimals = typed.partition(".")
        if are_digits(whole, 3) and (not decimals or are_digits(decimals, 2)):
            return int(whole) * 100 + int(f"{decimals:0<2}")
        self.wrong(name, NO_PERCENT)
        return 0

    def money(self, name: str, text: str | None = None) -> int:
        """Minor units of the form's currency; 0 where the field is empty."""
        typed = self.form.get(name) if text is None else text.strip()
        if not typed:
            return 0
        try:
            return typed_amount(typed, self.currency)
        except InvalidInput as refused:
            self.wrong(name, refused.detail)
            return 0

    def amounts(self, name: str) -> Mapping[str, int]:
        amount = self.money(name)
        return {self.currency: amount} if amount else {}

    def words(self, name: str) -> frozenset[str]:
        """What is written between commas."""
        return frozenset(word.strip() for word in re.split(r"[,\n]", self.form.get(name)) if word.strip())

    def hours(self, name: str, zone: str) -> tuple[Hours, ...]:
        found: list[Hours] = []
        for line in self.form.get(name).casefold().splitlines():
            if not line.strip():
                continue
            match = HOURS.fullmatch(line.strip())
            if match is None or not {match["first"], match["last"]} <= {*DAYS, None}:
                self.wrong(name, NO_HOURS)
                continue
            days: frozenset[int] = frozenset()
            if match["first"]:
                first = DAYS.index(match["first"])
                last = DAYS.index(match["last"]) if match["last"] else first
                days = frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))
            found.append(Hours(_minute(match["from"]), _minute(match["until"]), days, zone))
        return tuple(found)

    def steps(self, name: str) -> tuple[Step, ...]:
        """`3: 10%` is from three pieces on, `100.00: 15.00` from that amount on; whichever way each side is written."""
        found: list[Step] = []
        for line in self.form.get(name).splitlines():
            if not line.strip():
                continue
            asked, colon, given = (part.strip() for part in line.partition(":"))
            if not colon or not asked or not given:
                self.wrong(name, NO_STEP)
                continue
            by_amount = "." in asked or "," in asked
            units = int(asked) if are_digits(asked, 6) else 0
            if not by_amount and not units:
                self.wrong(name, NO_STEP)
            percent = self.percent(name, given) if given.endswith("%") else 0
            minus = {} if given.endswith("%") else {self.currency: self.money(name, given)}
            amounts = {self.currency: self.money(name, asked)} if by_amount else {}
            found.append(Step(units, amounts, percent, minus))
        return tuple(found)


def are_digits(text: str, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= most


def hours_text(hours: Iterable[Hours]) -> str:
    """Hours as `Fields.hours` reads them, a line each."""
    return "\n".join(line for one in hours for line in _lines(one))


def _lines(one: Hours) -> list[str]:
    span = f"{_clock(one.from_minute)}-{_clock(one.until_minute)}"
    days = sorted(one.weekdays)
    if not days:
        return [span]
    if len(days) > 1 and days == list(range(days[0], days[-1] + 1)):
        return [f"{DAYS[days[0]]}-{DAYS[days[-1]]} {span}"]
    return [f"{DAYS[day]} {span}" for day in days]


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _minute(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)
