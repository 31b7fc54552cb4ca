"""What a cart or session may contain: bounds, shapes and clean words. Each refusal names the field and the way out."""

import re
import unicodedata
from uuid import UUID

import msgspec
from babel.core import Locale

from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.money import known_currency
from nightmarket.kernel.problems import InvalidInput
from nightmarket.kernel.quantity import check_line_quantity

from .declining import MAX_DECLINED
from .session import (
    ANYWHERE,
    MAX_CODES,
    MAX_LINES,
    CartLine,
    Contact,
    Destination,
    LineInput,
    SessionBody,
    SessionInput,
)

MAX_WORD = 120
MAX_EMAIL = 254
MAX_CODE = 40
MAX_LINE_ID = 64
MAX_PURPOSES, MAX_PURPOSE = 20, 160
"""Consents of one buyer, and letters of a purpose with its part."""

_EMAIL = re.compile(r"[^@\s<>\"'(),;:\\\[\]]+@[^@\s<>\"'(),;:\\\[\]]+\.[^@\s.<>\"'(),;:\\\[\]]{2,}")
_COUNTRIES = frozenset(code for code in map(str, Locale("en").territories) if re.fullmatch("[A-Z]{2}", code))


def body_of(wanted: SessionInput) -> SessionBody:
    """The body that a request describes; raises InvalidInput with the field that is wrong."""
    if not known_currency(wanted.currency):
        raise InvalidInput(f"{wanted.currency!r} is not a currency; use ISO 4217 such as EUR.", field="currency")
    if wanted.language not in LANGUAGES:
        raise InvalidInput(f"Choose one of these languages: {', '.join(LANGUAGES)}.", field="language")
    if len(wanted.codes) > MAX_CODES:
        raise InvalidInput(f"At most {MAX_CODES} codes fit into one order; leave some out.", field="codes")
    codes = tuple(dict.fromkeys(_word(code, "codes", MAX_CODE) for code in wanted.codes))
    return SessionBody(
        currency=wanted.currency,
        language=wanted.language,
        lines=_lines(wanted.lines),
        contact=_contact(wanted.contact) if wanted.contact else None,
        destination=_destination(wanted.destination, wanted.estimate) if wanted.destination else None,
        options=_options(wanted),
        codes=tuple(code for code in codes if code),
        cart=wanted.cart,
        seat=wanted.seat,
        purse=wanted.purse,
        declined=_declined(wanted.declined),
        visitor=wanted.visitor,
    )


def _lines(wanted: tuple[LineInput, ...]) -> tuple[CartLine, ...]:
    if len(wanted) > MAX_LINES:
        raise InvalidInput(f"At most {MAX_LINES} different items fit into one cart.", field="line_items")
    lines: dict[UUID, CartLine] = {}
    taken = {line.id for line in wanted if line.id}
    number = 0
    for index, line in enumerate(wanted):
        field = f"line_items[{index}].quantity"
        check_line_quantity(line.quantity, field=field)
        if line.id and len(line.id) > MAX_LINE_ID:
            raise InvalidInput(f"A line's id has at most {MAX_LINE_ID} letters.", field=f"line_items[{index}].id")
        known = lines.get(line.variant)
        if known is not None:
            quantity = check_line_quantity(known.quantity + line.quantity, field=field)
            lines[line.variant] = msgspec.structs.replace(known, quantity=quantity)
            continue
        id = line.id
        while not id:
            number += 1
            id = f"li_{number}" if f"li_{number}" not in taken else None
        lines[line.variant] = CartLine(id, line.variant, line.quantity)
    if len({line.id for line in lines.values()}) < len(lines):
        raise InvalidInput("Two lines have the same id; give each its own.", field="line_items")
    return tuple(lines.values())


def _contact(contact: Contact) -> Contact:
    email = contact.email.strip()
    if email and (len(email) > MAX_EMAIL or not _EMAIL.fullmatch(email)):
        raise InvalidInput("That does not look like an e-mail address; write it like name@example.com.", field="email")
    return Contact(
        email=email,
        first_name=_word(contact.first_name, "first_name"),
        last_name=_word(contact.last_name, "last_name"),
        phone=_word(contact.phone, "phone", 40),
        consent=_consent(contact.consent) if contact.consent else contact.consent,
    )


def _declined(offers: tuple[UUID, ...]) -> tuple[UUID, ...]:
    if len(offers) > MAX_DECLINED:
        raise InvalidInput(f"At most {MAX_DECLINED} offers can be declined in one order.", field="discounts.declined")
    return tuple(sorted({*offers}))


def _options(wanted: SessionInput) -> dict[str, str]:
    options = {merchant.hex: _word(option, "fulfillment") for merchant, option in wanted.options.items()}
    if wanted.option:
        options[ANYWHERE] = _word(wanted.option, "fulfillment")
    return options


def _consent(given: dict[str, bool]) -> dict[str, bool]:
    if len(given) > MAX_PURPOSES:
        raise InvalidInput(f"At most {MAX_PURPOSES} consents fit into one order.", field="consent")
    return {_word(purpose, "consent", MAX_PURPOSE): granted for purpose, granted in given.items()}


def _destination(to: Destination, estimate: bool) -> Destination:
    country = to.country.strip().upper()
    if country not in _COUNTRIES:
        raise InvalidInput("Choose a country; its code has two letters, such as DE.", field="country")
    street, city = _word(to.street, "street"), _word(to.city, "city")
    if not street and not estimate:
        raise InvalidInput("Enter the street and house number.", field="street")
    if not city and not estimate:
        raise InvalidInput("Enter the town or city.", field="city")
    return Destination(
        country=country,
        street=street,
        city=city,
        postal_code=_word(to.postal_code, "postal_code", 20),
        region=_word(to.region, "region"),
        extended=_word(to.extended, "extended"),
        first_name=_word(to.first_name, "first_name"),
        last_name=_word(to.last_name, "last_name"),
        phone=_word(to.phone, "phone", 40),
        id=_word(to.id, "id", MAX_LINE_ID) or "home",
    )


def _word(text: str, field: str, limit: int = MAX_WORD) -> str:
    """A short single-line text: trimmed, NFC, without control characters or direction overrides."""
    clean = unicodedata.normalize("NFC", text.strip())
    if len(clean) > limit:
        raise InvalidInput(f"At most {limit} characters fit here.", field=field)
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co") and letter != "\u200d" for letter in clean):
        raise InvalidInput("This has characters that cannot be printed; type it again.", field=field)
    return clean
