"""Brands by their first letter."""

import unicodedata
from collections.abc import Iterable

from nightmarket.catalog.contract import Brand

OTHERS = "#"
"""Names that begin with a figure or a sign."""


def letter_of(name: str) -> str:
    """The letter that a name stands under: É under E, Chinese under its own first letter."""
    first = unicodedata.normalize("NFKD", name.strip()[:1] or OTHERS)[:1].upper()
    return first if first.isalpha() else OTHERS


def by_letter(brands: Iterable[Brand]) -> list[tuple[str, list[Brand]]]:
    """Letters in order, Latin ones first, others last; names in order."""
    found: dict[str, list[Brand]] = {}
    for brand in sorted(brands, key=lambda one: (one.name.casefold(), one.slug)):
        found.setdefault(letter_of(brand.name), []).append(brand)
    return sorted(found.items(), key=lambda pair: (pair[0] == OTHERS, pair[0] > "Z", pair[0]))
