"""Segments: named rules over what is known of shoppers with accounts. Pure; the rules are evaluated in the store."""

import re
from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from uuid import UUID

import msgspec

from nightmarket.kernel.languages import LANGUAGES

SEGMENT = "seg"
"""Prefix of the ids outside."""

MAX_SEGMENTS = 100
MAX_NAME_LETTERS = 120
MAX_DAYS = 3_660
MAX_ORDERS = 10_000
MAX_AMOUNT = 10**12
MAX_NAMED = 50
"""Categories, brands, merchants, products or countries that one rule names."""

WORD = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


class Took(StrEnum):
    """What somebody did in a festival's time."""

    ORDERED = "ordered"
    """Paid for an order."""
    USED = "used"
    """Paid for an order that had an offer."""
    UNUSED = "unused"
    """Paid for none that had an offer, whether or not they ordered."""


class SegmentRules(msgspec.Struct, frozen=True, omit_defaults=True):
    """What makes somebody a member: all that is said must hold, and of each set one is enough.

    `last_days`, categories, brands, merchants and products say which paid orders count for the numbers and the amount;
    where they stand alone, one such order is asked for.
    """

    name: dict[str, str]
    first_from: date | None = None
    """The first order was on this day or later."""
    first_before: date | None = None
    """The first order was before this day."""
    last_days: int = 0
    """Only orders of so many days up to now; 0: all."""
    categories: frozenset[str] = frozenset()
    """The goods' own category, or one above it."""
    brands: frozenset[str] = frozenset()
    merchants: frozenset[UUID] = frozenset()
    products: frozenset[UUID] = frozenset()
    orders_from: int = 0
    orders_until: int | None = None
    """At most so many; 0 means none."""
    spent: dict[str, int] = {}
    """What such orders come to together, at least, in one of these currencies (minor units)."""
    festival: UUID | None = None
    took: Took = Took.UNUSED
    """What was done in the time of `festival`."""
    languages: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    """Countries: of the usual address, or else of the last order."""

    @property
    def names_goods(self) -> bool:
        return bool(self.categories or self.brands or self.merchants or self.products)

    @property
    def least_orders(self) -> int:
        """How many orders it asks for, where that is said or follows."""
        alone = (self.last_days or self.names_goods) and self.orders_until is None and not self.spent
        return self.orders_from or (1 if alone else 0)

    @property
    def asks_nothing(self) -> bool:
        asked = (self.first_from, self.first_before, self.least_orders, self.spent, self.festival)
        return not (any(asked) or self.orders_until is not None or self.languages or self.regions)


class SegmentFlaw(msgspec.Struct, frozen=True):
    """What is wrong with rules: where, and how to mend it."""

    field: str
    detail: str


def segment_flaws(word: str, rules: SegmentRules) -> list[SegmentFlaw]:
    """All that keeps rules from being a segment; a word is what offers ask for."""
    return [*_names(word, rules.name), *_numbers(rules), *_sets(rules)]


def _names(word: str, names: dict[str, str]) -> Iterator[SegmentFlaw]:
    if WORD.fullmatch(word) is None:
        yield SegmentFlaw("word", "The short name has 1 to 40 letters a to z, digits and dashes.")
    if not names.get("en"):
        yield SegmentFlaw("name", "Give the segment a name in English.")
    for text in names.values():
        if not text.strip() or len(text) > MAX_NAME_LETTERS or not text.isprintable():
            yield SegmentFlaw("name", "A name has 1 to 120 visible letters.")


def _numbers(rules: SegmentRules) -> Iterator[SegmentFlaw]:
    if rules.first_from and rules.first_before and rules.first_before <= rules.first_from:
        yield SegmentFlaw("first_before", "The second day comes after the first one.")
    if not 0 <= rules.last_days <= MAX_DAYS:
        yield SegmentFlaw("last_days", "Write a number of days up to 3660.")
    most = rules.orders_until
    if not 0 <= rules.orders_from <= MAX_ORDERS or (most is not None and not 0 <= most <= MAX_ORDERS):
        yield SegmentFlaw("orders_from", "Write numbers of orders up to 10000.")
    elif most is not None and most < rules.least_orders:
        yield SegmentFlaw("orders_until", "The most orders are at least as many as the fewest.")
    if any(not 0 < amount <= MAX_AMOUNT for amount in rules.spent.values()):
        yield SegmentFlaw("spent", "Write an amount such as 100.00.")


def _sets(rules: SegmentRules) -> Iterator[SegmentFlaw]:
    for name in ("categories", "brands", "merchants", "products", "languages", "regions"):
        if len(getattr(rules, name)) > MAX_NAMED:
            yield SegmentFlaw(name, "Name at most 50.")
    if not rules.languages <= set(LANGUAGES):
        yield SegmentFlaw("languages", "Choose from the languages of the shop.")
    if any(re.fullmatch(r"[A-Z]{2}", region) is None for region in rules.regions):
        yield SegmentFlaw("regions", "Write countries by their two letters, such as DE.")
    if rules.asks_nothing:
        yield SegmentFlaw("word", "Say at least one thing that makes somebody a member.")
