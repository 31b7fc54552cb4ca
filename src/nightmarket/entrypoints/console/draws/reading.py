"""What the forms of draws and surprise prices have in common: instants, amounts, names, and refusals beside fields."""

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

REFUSED = (
    say_later("Give it a name in at least one language."),
    say_later("A name has 1 to 120 visible letters."),
    say_later("Tickets close after they open."),
    say_later("The closing lies in the past."),
    say_later("Tickets may be taken for a year at most."),
    say_later("Say in up to 200 letters where the public value comes from."),
    say_later("Give the draw a budget."),
    say_later("The prizes are worth more than the budget; raise it, or give fewer prizes."),
    say_later("Say for what there is a ticket: one to ten rules."),
    say_later("Say from which amount on an order earns a ticket."),
    say_later("Write the address of a page of this shop, such as /brands/lumen."),
    say_later("A draw has one to twenty kinds of prizes."),
    say_later("A draw gives at most 10000 prizes."),
    say_later("A draw gives at most 1000 vouchers."),
    say_later("Say how many there are and what one is worth."),
    say_later("A voucher holds for 1 to 366 days."),
    say_later("A voucher takes off up to 100 % or an amount."),
    say_later("Say what the voucher takes off."),
    say_later("Name the least order in each of its currencies."),
    say_later("The terms of this draw announce no public value."),
    say_later("The value is noted once, after the list of tickets is closed."),
    say_later("Write the value in 1 to 200 visible letters, exactly as its source has it."),
    say_later("The reveal lies in the past."),
    say_later("The reveal lies at most 90 days ahead."),
    say_later("Those who booked hear of the price before the others, or with them."),
    say_later("The price holds for a while after its reveal."),
    say_later("Choose goods with one to fifty variants."),
    say_later("Write the price."),
    say_later("The surprise price is lower than the list price of each variant."),
    say_later("Write the price with at least one digit replaced by a question mark."),
    say_later("These goods have a surprise price at that time already."),
    say_later("It has been told already; retire its offer to end the price."),
)
"""What promotions refuse, in their words, so that they are translated."""


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
