"""What forms have in common: instants, amounts, percentages, names, and refusals beside their fields."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages import Form, typed_amount
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.languages import LANGUAGES, pick
from nightmarket.kernel.problems import InvalidInput, Problem
from nightmarket.promotions.contract.festivals import Festival, NoSuchTime, TimeTwice, local_instant, local_text

CURRENCIES = ("EUR", "USD", "GBP", "CHF", "CNY", "JPY")
NO_TIME = say_later("Give day and time.")
NO_NUMBER = say_later("Write a whole number.")
NO_PERCENT = say_later("Write a percentage such as 15 or 12.5.")
SKIPPED = say_later("The clocks of this zone skip this time; choose another.")
TWICE = say_later("The clocks of this zone show this time twice; choose one before or after that hour.")
WAS, ZONE = "_was", "_zone"
"""What a field of day and time carries along: the instant that it was filled with, and by which clocks."""


def shown(zone: ZoneInfo, instants: Mapping[str, datetime]) -> dict[str, str]:
    """The values of fields of day and time by the zone's clocks, with what `time_of` needs to take them back."""
    values: dict[str, str] = {}
    for name, at in instants.items():
        values |= {name: local_text(at, zone), name + WAS: at.isoformat(), name + ZONE: zone.key}
    return values


def time_of(form: Form, name: str, zone: ZoneInfo) -> datetime:
    """The instant of a field by the zone's clocks; what nobody changed is the instant that it was, to the second.
    Raises NoSuchTime, TimeTwice, or ValueError for what is no time."""
    typed, was = form.get(name), _was(form, name)
    return was if was is not None and typed == local_text(was, zone) else local_instant(typed, zone)


def instant(desk: Desk, form: Form, name: str, zone: ZoneInfo | None = None) -> datetime | None:
    """Day and time by the zone's clocks, without `zone` those by which the form showed them; or a note beside it."""
    try:
        return time_of(form, name, zone or _clocks(desk, form, name))
    except NoSuchTime:
        form.wrong(name, desk.say(SKIPPED))
    except TimeTwice:
        form.wrong(name, desk.say(TWICE))
    except (ValueError, OverflowError):
        form.wrong(name, desk.say(NO_TIME))
    return None


def _clocks(desk: Desk, form: Form, name: str) -> ZoneInfo:
    key = form.get(name + ZONE)
    return ZoneInfo(key) if key != desk.zone.key and key in available_timezones() else desk.zone


def _was(form: Form, name: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(form.get(name + WAS))
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def zone_name(desk: Desk, key: str) -> str:
    """What a time zone is called in the reader's language, at this time of the year."""
    return desk.visit.formats.within(ZoneInfo(key)).zone_name(desk.now)


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
    text = form.get(name)
    if not text:
        return 0
    try:
        return typed_amount(text, currency)
    except InvalidInput as refused:
        form.wrong(name, desk.say(refused.detail))
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
