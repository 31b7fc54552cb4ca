"""What an offer must fulfil to be published; everything that is wrong with it, at once."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.money import BASIS_POINTS, MAX_AMOUNT, known_currency
from nightmarket.kernel.quantity import MAX_STOCK

from .offers import AmountOff, FreeShipping, Offer, PercentOff, PurchaseLimit, plain_code, uses_tally

MAX_NAME_LETTERS = 120
MAX_WORD_LETTERS = 80
MAX_CONDITION_VALUES = 1_000
"""Merchants, products, variants, categories, brands, regions or segments that one condition lists."""

MAX_BUYER_LIMIT = 1_000_000
"""Orders or units that a limit per buyer may allow."""

CODE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{1,30})[A-Za-z0-9]")


class Flaw(msgspec.Struct, frozen=True):
    """One thing wrong with an offer: where, a stable word, and a sentence that says how to mend it."""

    field: str
    reason: str
    detail: str


def flaws(offer: Offer) -> list[Flaw]:
    """All that keeps the offer from being published by itself; empty when nothing does."""
    return [*_frame(offer), *_window(offer), *_effect(offer), *_condition(offer), *_uses(offer), *_scarce(offer)]


def collide(one: Offer, other: Offer) -> bool:
    """Whether two offers have the same code at the same time."""
    if one.id == other.id or one.code is None or other.code is None or plain_code(one.code) != plain_code(other.code):
        return False
    return one.starts_at < other.ends_at and other.starts_at < one.ends_at


def _frame(offer: Offer) -> Iterator[Flaw]:
    if offer.revision < 1:
        yield Flaw("revision", "too_small", "Revisions are counted from 1.")
    if not offer.name:
        yield Flaw("name", "missing", "Give the offer a name in at least one language.")
    for language, text in offer.name.items():
        field = f"name.{language}"
        if language not in LANGUAGES:
            yield Flaw("name", "unknown_language", f"{language!r} is none of {', '.join(LANGUAGES)}.")
        elif not text.strip():
            yield Flaw(field, "empty", "Give the offer a name, or leave this language out.")
        elif len(text) > MAX_NAME_LETTERS:
            yield Flaw(field, "too_long", f"A name has at most {MAX_NAME_LETTERS} letters.")
        elif _unprintable(text):
            yield Flaw(field, "control_characters", "A name has no line breaks or control characters.")
    if offer.code is not None and not CODE.fullmatch(offer.code):
        yield Flaw(
            "code",
            "malformed",
            "A code has 3 to 32 letters A-Z, digits, - or _, and begins and ends with a letter or digit.",
        )
    if offer.exclusive is not None:
        yield from _words("exclusive", [offer.exclusive])


def _window(offer: Offer) -> Iterator[Flaw]:
    aware = True
    for field, instant in (("starts_at", offer.starts_at), ("ends_at", offer.ends_at)):
        if instant.tzinfo is None:
            aware = False
            yield Flaw(field, "no_time_zone", "An instant needs its offset, such as 2026-11-11T00:00:00+08:00.")
    if aware and offer.ends_at <= offer.starts_at:
        yield Flaw("ends_at", "before_start", "An offer ends after it starts; the instant of its end is not included.")


def _effect(offer: Offer) -> Iterator[Flaw]:
    match offer.effect:
        case PercentOff(basis_points=basis_points):
            if not 1 <= basis_points <= BASIS_POINTS:
                yield Flaw("effect.basis_points", "out_of_range", "A percentage lies over 0 % and is at most 100 %.")
        case AmountOff(amounts=amounts):
            if not amounts:
                yield Flaw("effect.amounts", "missing", "Give an amount in at least one currency.")
            yield from _amounts("effect.amounts", amounts)
            yield from _without_minimum("effect.amounts", amounts, offer)
        case FreeShipping(up_to=up_to):
            yield from _amounts("effect.up_to", up_to)
            yield from _without_minimum("effect.up_to", up_to, offer)
        case PurchaseLimit(units=units):
            if not 1 <= units <= MAX_BUYER_LIMIT:
                yield Flaw("effect.units", "out_of_range", f"A limit lies between 1 and {MAX_BUYER_LIMIT} units.")
            yield from _bare(offer)


def _amounts(field: str, amounts: Mapping[str, int]) -> Iterator[Flaw]:
    for currency, amount in amounts.items():
        if not known_currency(currency):
            yield Flaw(field, "unknown_currency", f"{currency!r} is not a currency code; use ISO 4217 such as EUR.")
        elif not 1 <= amount <= MAX_AMOUNT:
            yield Flaw(f"{field}.{currency}", "out_of_range", f"An amount lies between 1 and {MAX_AMOUNT} minor units.")


def _without_minimum(field: str, amounts: Mapping[str, int], offer: Offer) -> Iterator[Flaw]:
    """An offer never applies in a currency in which it has an amount but no minimum, though others have one."""
    minimum = offer.condition.at_least
    for currency in amounts.keys() - minimum.keys() if minimum else ():
        yield Flaw(f"{field}.{currency}", "no_minimum", f"Say in at_least what {currency} carts must come to as well.")


def _condition(offer: Offer) -> Iterator[Flaw]:
    condition = offer.condition
    yield from _amounts("condition.at_least", condition.at_least)
    ids = {"merchants": condition.merchants, "products": condition.products, "variants": condition.variants}
    words = {
        "categories": condition.categories,
        "brands": condition.brands,
        "regions": condition.regions,
        "segments": condition.segments,
    }
    for name, values in (ids | words).items():
        if len(values) > MAX_CONDITION_VALUES:
            yield Flaw(f"condition.{name}", "too_many", f"A condition lists at most {MAX_CONDITION_VALUES} of them.")
    for name, texts in words.items():
        yield from _words(f"condition.{name}", texts)
    if offer.funder is not None and condition.merchants and offer.funder not in condition.merchants:
        yield Flaw(
            "condition.merchants", "not_the_funder", "Who pays for an offer can only discount lines of their own."
        )


def _uses(offer: Offer) -> Iterator[Flaw]:
    if offer.max_uses is None:
        return
    if not 1 <= offer.max_uses <= MAX_STOCK:
        yield Flaw("max_uses", "out_of_range", f"A cap lies between 1 and {MAX_STOCK} orders.")
    if offer.uses not in {None, uses_tally(offer.id)}:
        yield Flaw("uses", "two_caps", "Leave the tally out: with max_uses the offer gets its own.")


def _scarce(offer: Offer) -> Iterator[Flaw]:
    yield from _amounts("budget", offer.budget)
    yield from _without_minimum("budget", offer.budget, offer)
    for currency, amount in offer.budget.items():
        if MAX_STOCK < amount <= MAX_AMOUNT:
            yield Flaw(f"budget.{currency}", "out_of_range", f"A budget has at most {MAX_STOCK} minor units.")
    cap = offer.per_buyer
    if cap is None:
        return
    if cap.uses is None and cap.units is None:
        yield Flaw("per_buyer", "missing", "Say how many orders or units one buyer may have, or leave the limit out.")
    for name, most in (("uses", cap.uses), ("units", cap.units)):
        if most is not None and not 1 <= most <= MAX_BUYER_LIMIT:
            yield Flaw(f"per_buyer.{name}", "out_of_range", f"A limit lies between 1 and {MAX_BUYER_LIMIT}.")
    if cap.units is not None and isinstance(offer.effect, FreeShipping):
        yield Flaw("per_buyer.units", "not_for_delivery", "Delivery has no units; limit the orders of a buyer instead.")


def _bare(limit: Offer) -> Iterator[Flaw]:
    """A purchase limit is for goods at any price, so nothing of a discount goes with it."""
    condition = limit.condition
    extras = {
        "code": limit.code,
        "max_uses": limit.max_uses,
        "uses": limit.uses,
        "exclusive": limit.exclusive,
        "per_buyer": limit.per_buyer,
        "budget": limit.budget,
        "condition.regions": condition.regions,
        "condition.segments": condition.segments,
        "condition.at_least": condition.at_least,
    }
    for field, value in extras.items():
        if value:
            yield Flaw(field, "not_for_limits", "A purchase limit is for goods and a time only; leave this out.")


def _words(field: str, words: Iterable[str]) -> Iterator[Flaw]:
    for word in words:
        if not word.strip() or len(word) > MAX_WORD_LETTERS or _unprintable(word):
            yield Flaw(
                field, "malformed", f"{word[:MAX_WORD_LETTERS]!r} is not a word of 1 to {MAX_WORD_LETTERS} letters."
            )


def _unprintable(text: str) -> bool:
    """Control characters, and halves of characters that UTF-8 cannot write."""
    return any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text)
