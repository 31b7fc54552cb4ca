"""The checkout's form: what a buyer types, what may be wrong with it, and what it means."""

import re
from uuid import UUID

from nightmarket.bootstrap import PROVIDER, Shop
from nightmarket.entrypoints.pages import Form, Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.orders.contract import TRANSFER, Contact, Destination, SessionView
from nightmarket.payments.contract import CardForm

CARD, BANK = "card", "transfer"
HANDLERS = {CARD: PROVIDER, BANK: TRANSFER}
DELIVERY = "delivery-"

NEEDED = {
    "email": say_later("Enter your e-mail address."),
    "first_name": say_later("Enter your first name."),
    "last_name": say_later("Enter your last name."),
    "street": say_later("Enter the street and house number."),
    "city": say_later("Enter the town or city."),
    "country": say_later("Choose a country."),
}

FIELDS = (
    "email", "first_name", "last_name", "phone", "country", "street", "extended", "postal_code", "city", "region",
    "pay", "number", "expiry", "cvc", "name",
)  # fmt: skip
"""In the order of the page, which is the order in which errors are listed."""

REFUSED = {
    "email": say_later("Write the e-mail address like name@example.org."),
    "country": say_later("Choose a country from the list."),
    "street": say_later("Write the street in up to 120 printable letters."),
    "city": say_later("Write the town in up to 120 printable letters."),
    "first_name": say_later("Write the first name in up to 120 printable letters."),
    "last_name": say_later("Write the last name in up to 120 printable letters."),
    "postal_code": say_later("Write the postal code in up to 20 printable letters."),
    "phone": say_later("Write the telephone number in up to 40 printable letters."),
    "region": say_later("Write the region in up to 120 printable letters."),
    "extended": say_later("Write the addition in up to 120 printable letters."),
}
"""By field: what to do when the order desk refuses what was typed."""

CARD_WORDS = {
    "number": say_later("Check the card number: that is not one."),
    "card_unknown": say_later("Only test cards work here, such as 4242 4242 4242 4242. Never type a real card."),
    "card_expired": say_later("This card has expired. Use another one."),
    "expiry": say_later("Type month and year as on the card, like 04/29."),
    "cvc": say_later("Type the security code: three digits, four on American Express."),
    "name": say_later("Type the name as it stands on the card."),
}
"""By the problem's code or else its field."""

_NO_POSTAL_CODE = (
    "AE AG AO AW BF BI BJ BO BS BW BZ CD CF CG CI CM DJ DM ER FJ GA GD GH GM GQ GY HK JM KI KM KN LC ML "
    "MO MR MW NR PA QA RW SB SC SL SO SR ST SY TD TG TL TO TT TV UG VU WS YE ZW"
)
WITHOUT_POSTAL_CODE = frozenset(_NO_POSTAL_CODE.split())
"""Countries that use none (UPU)."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]{2,}")


def prefilled(view: SessionView, visit: Visit) -> Form:
    """The form as it stands in the session."""
    form = Form({"country": visit.country, "pay": CARD})
    contact, to = view.body.contact, view.body.destination
    if contact is not None:
        form.values |= {
            "email": contact.email,
            "first_name": contact.first_name,
            "last_name": contact.last_name,
            "phone": contact.phone,
        }
    if to is not None:
        form.values |= {
            "country": to.country,
            "street": to.street,
            "extended": to.extended,
            "postal_code": to.postal_code,
            "city": to.city,
            "region": to.region,
        }
    form.values |= {f"{DELIVERY}{merchant}": option for merchant, option in view.body.options.items()}
    return form


def chosen_deliveries(form: Form) -> dict[UUID, str]:
    """The delivery option per merchant, as far as these are ids."""
    found: dict[UUID, str] = {}
    for name, option in form.values.items():
        tail = name.removeprefix(DELIVERY)
        if name != tail and re.fullmatch(r"[0-9a-f]{32}", tail):
            found[UUID(tail)] = option
    return found


def country_of(form: Form, visit: Visit) -> str:
    """The country that was chosen, if it is written like one."""
    country = form.get("country").upper()
    return country if re.fullmatch(r"[A-Z]{2}", country) else visit.country


def check_buyer(form: Form, visit: Visit) -> None:
    """Note what is missing; finer points are the order desk's."""
    for name, words in NEEDED.items():
        if not form.get(name):
            form.wrong(name, visit.say(words))
    email = form.get("email")
    if email and not _EMAIL.fullmatch(email):
        note_refused(form, "email", visit)
    if not form.get("postal_code") and form.get("country").upper() not in WITHOUT_POSTAL_CODE:
        form.wrong("postal_code", visit.say("Enter the postal code."))
    if form.get("pay") not in HANDLERS:
        form.wrong("pay", visit.say("Choose how to pay."))


def note_refused(form: Form, field: str | None, visit: Visit) -> None:
    """Note what the order desk refused beside its field."""
    name = (field or "").rpartition(".")[2]
    if name in REFUSED:
        words = REFUSED[name]
        form.wrong(name, visit.say(words))
    else:
        form.wrong("email", visit.say("Something in this form cannot be taken as it is. Check each field."))


def card_token(form: Form, shop: Shop, visit: Visit) -> str:
    """The token for the card that was typed, or notes on what is wrong with it. The number goes no further."""
    card = CardForm(form.get("number"), form.get("expiry"), form.get("cvc"), form.get("name"))
    today = shop.clock.now().date()
    for problem in shop.cards.check(card, today):
        field = problem.field or "number"
        form.wrong(field, visit.say(CARD_WORDS.get(problem.code) or CARD_WORDS[field]))
    return "" if form.errors else shop.cards.tokenise(card, today).token


def forget_card(form: Form) -> None:
    """Number and security code are never written into a page again."""
    for name in ("number", "cvc"):
        form.values.pop(name, None)


def contact_of(form: Form) -> Contact:
    return Contact(form.get("email"), form.get("first_name"), form.get("last_name"), form.get("phone"))


def destination_of(form: Form) -> Destination:
    return Destination(
        country=form.get("country"),
        street=form.get("street"),
        city=form.get("city"),
        postal_code=form.get("postal_code"),
        region=form.get("region"),
        extended=form.get("extended"),
        first_name=form.get("first_name"),
        last_name=form.get("last_name"),
        phone=form.get("phone"),
    )
