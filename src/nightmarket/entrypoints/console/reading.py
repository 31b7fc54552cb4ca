"""What forms have in common: instants, amounts, percentages, names, and refusals beside their fields."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.languages import LANGUAGES, pick
from nightmarket.kernel.money import minor_digits, parse_amount
from nightmarket.kernel.problems import InvalidInput, Problem
from nightmarket.promotions.contract.festivals import Festival, NoSuchTime, local_instant

UTC = ZoneInfo("UTC")
CURRENCIES = ("EUR", "USD", "GBP", "CHF", "CNY", "JPY")
NO_TIME = say_later("Give day and time.")
NO_AMOUNT = say_later("Write an amount such as 1234.50, with nothing between the thousands.")
NO_NUMBER = say_later("Write a whole number.")
NO_PERCENT = say_later("Write a percentage such as 15 or 12.5.")


SKIPPED = say_later("The clocks of this zone skip this time; choose another.")


def instant(desk: Desk, form: Form, name: str, zone: ZoneInfo = UTC) -> datetime | None:
    """Day and time as the zone's clocks show them, or a note beside the field."""
    try:
        return local_instant(form.get(name), zone)
    except NoSuchTime:
        form.wrong(name, desk.say(SKIPPED))
    except (ValueError, OverflowError):
        form.wrong(name, desk.say(NO_TIME))
    return None


def zoned_name(desk: Desk, festival: Festival) -> str:
    """A festival to choose, with the zone of its clocks."""
    return f"{pick(festival.name, desk.visit.language) or ''} ({festival.zone})"


def zone_words(desk: Desk, festivals: Sequence[Festival]) -> str:
    """Beside a field of day and time: by which clocks, those of the festival that the form chooses."""
    zones = {one.zone for one in festivals}
    if len(zones) == 1:
        return desk.say("Day and time in %(zone)s, the festival's time zone.", zone=zones.pop())
    return desk.say("Day and time in the time zone of the chosen festival; it stands beside its name.")


def money(desk: Desk, form: Form, name: str, currency: str) -> int:
    """Minor units; 0 for nothing typed, and with a note for what is no amount."""
    text = form.get(name).replace(",", ".")
    if not text:
        return 0
    try:
        if len(text.partition(".")[2]) <= minor_digits(currency):
            return parse_amount(text, currency, field=name)
    except InvalidInput:
        pass
    form.wrong(name, desk.say(NO_AMOUNT))
    return 0


def whole(desk: Desk, form: Form, name: str) -> int:
    """A whole number; 0 for nothing typed, and with a note for what is none."""
    if not form.get(name):
        return 0
    number = form.number(name, -1)
    if number < 0:
        form.wrong(name, desk.say(NO_NUMBER))
    return max(0, number)


def basis_points(desk: Desk, form: Form, name: str) -> int:
    """A percentage as typed, in hundredths of a percent."""
    head, _, decimals = form.get(name).replace(",", ".").partition(".")
    digits = f"{head}{decimals:0<2}"
    if head and len(decimals) <= 2 and digits.isascii() and digits.isdigit() and len(head) <= 3:
        return int(digits)
    form.wrong(name, desk.say(NO_PERCENT))
    return 0


def names(form: Form, prefix: str) -> dict[str, str]:
    """A name in the languages in which it was written."""
    return {language: text for language in LANGUAGES if (text := form.get(f"{prefix}_{language}"))}


def currency_of(form: Form) -> str:
    found = form.get("currency", CURRENCIES[0])
    return found if found in CURRENCIES else CURRENCIES[0]


def note(desk: Desk, form: Form, problem: Problem, fields: Mapping[str, str], first: str) -> None:
    """Put each flaw beside its field; what belongs to none stands at the first."""
    flaws: list[Any] = list(problem.fields.get("flaws", ())) or [{"field": problem.field, "detail": problem.detail}]
    for flaw in flaws:
        field = str(flaw["field"] or "")
        place = fields.get(field) or fields.get(field.partition(".")[0]) or first
        form.wrong(place, desk.say(str(flaw["detail"])))
