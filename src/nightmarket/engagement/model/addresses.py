"""What an address may look like. Each refusal names the field; bounds are those of a checkout's destination."""

import re
import unicodedata

import msgspec
from babel.core import Locale

from nightmarket.kernel.problems import InvalidInput

MAX_WORD = 120
MAX_POSTAL_CODE = 20
MAX_PHONE = 40

COUNTRIES = frozenset(code for code in map(str, Locale("en").territories) if re.fullmatch("[A-Z]{2}", code))
NEEDED = ("first_name", "last_name", "street", "city")


class AddressInput(msgspec.Struct, frozen=True, kw_only=True):
    """An address as typed; `country` is ISO 3166-1 alpha-2."""

    first_name: str
    last_name: str
    street: str
    city: str
    country: str
    extended: str = ""
    postal_code: str = ""
    region: str = ""
    phone: str = ""


def checked(wanted: AddressInput) -> AddressInput:
    """The address in clean words; raises InvalidInput with the field that is wrong."""
    country = wanted.country.strip().upper()
    if country not in COUNTRIES:
        raise InvalidInput("Choose a country; its code has two letters, such as DE.", field="country")
    words = {
        name: word(getattr(wanted, name), name, _limit(name))
        for name in ("first_name", "last_name", "street", "extended", "postal_code", "city", "region", "phone")
    }
    for name in NEEDED:
        if not words[name]:
            raise InvalidInput(f"Fill in {name.replace('_', ' ')}.", field=name)
    return AddressInput(country=country, **words)


def word(text: str, field: str, limit: int = MAX_WORD) -> str:
    """A short single-line text: trimmed, NFC, without control characters or direction overrides."""
    clean = unicodedata.normalize("NFC", text.strip())
    if len(clean) > limit:
        raise InvalidInput(f"At most {limit} characters fit here.", field=field)
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co") and letter != "\u200d" for letter in clean):
        raise InvalidInput("This has characters that cannot be printed; type it again.", field=field)
    return clean


def same_place(one: AddressInput, other: AddressInput) -> bool:
    """Whether both say the same, whatever the case of their letters and the telephone."""
    names = ("first_name", "last_name", "street", "extended", "postal_code", "city", "region", "country")
    return all(getattr(one, name).casefold() == getattr(other, name).casefold() for name in names)


def _limit(name: str) -> int:
    return {"postal_code": MAX_POSTAL_CODE, "phone": MAX_PHONE}.get(name, MAX_WORD)
