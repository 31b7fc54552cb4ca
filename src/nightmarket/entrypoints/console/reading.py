"""What forms have in common: instants, amounts, percentages, names, and refusals beside their fields."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.money import minor_digits, parse_amount
from nightmarket.kernel.problems import InvalidInput, Problem

CURRENCIES = ("EUR", "USD", "GBP", "CHF", "CNY", "JPY")
NO_TIME = say_later("Give day and time.")
NO_AMOUNT = say_later("Write an amount such as 1234.50, with nothing between the thousands.")
NO_NUMBER = say_later("Write a whole number.")
NO_PERCENT = say_later("Write a percentage such as 15 or 12.5.")


def instant(desk: Desk, form: Form, name: str) -> datetime | None:
    """Day and time in UTC, or a note beside the field."""
    try:
        at = datetime.fromisoformat(form.get(name))
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        form.wrong(name, desk.say(NO_TIME))
        return None


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
