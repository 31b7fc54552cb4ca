"""What is wrong with an offer, and the checks that every part of it shares."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from nightmarket.kernel.money import MAX_AMOUNT, known_currency

from .conditions import Goods

MAX_WORD_LETTERS = 80
MAX_CONDITION_VALUES = 1_000
"""Merchants, products, variants, categories, brands, regions or other words that one condition lists."""


class Flaw(msgspec.Struct, frozen=True):
    """One thing wrong with an offer: where, a stable word, and a sentence that says how to mend it."""

    field: str
    reason: str
    detail: str


def amount_flaws(field: str, amounts: Mapping[str, int], least: int = 1) -> Iterator[Flaw]:
    """Amounts are of known currencies and within bounds."""
    for currency, amount in amounts.items():
        if not known_currency(currency):
            yield Flaw(field, "unknown_currency", f"{currency!r} is not a currency code; use ISO 4217 such as EUR.")
        elif not least <= amount <= MAX_AMOUNT:
            text = f"An amount lies between {least} and {MAX_AMOUNT} minor units."
            yield Flaw(f"{field}.{currency}", "out_of_range", text)


def word_flaws(field: str, words: Iterable[str]) -> Iterator[Flaw]:
    """Words are words, and not too many."""
    words = list(words)
    if len(words) > MAX_CONDITION_VALUES:
        yield Flaw(field, "too_many", f"A condition lists at most {MAX_CONDITION_VALUES} of them.")
    for word in words:
        if not word.strip() or len(word) > MAX_WORD_LETTERS or unprintable(word):
            text = f"{word[:MAX_WORD_LETTERS]!r} is not a word of 1 to {MAX_WORD_LETTERS} letters."
            yield Flaw(field, "malformed", text)


def goods_flaws(field: str, goods: Goods) -> Iterator[Flaw]:
    """Goods are named in bounds and with words that are words."""
    for name, ids in (("merchants", goods.merchants), ("products", goods.products), ("variants", goods.variants)):
        if len(ids) > MAX_CONDITION_VALUES:
            yield Flaw(f"{field}.{name}", "too_many", f"A condition lists at most {MAX_CONDITION_VALUES} of them.")
    yield from word_flaws(f"{field}.categories", goods.categories)
    yield from word_flaws(f"{field}.brands", goods.brands)


def unprintable(text: str) -> bool:
    """Control characters, and halves of characters that UTF-8 cannot write."""
    return any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text)
