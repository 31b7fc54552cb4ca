"""What others may ask of search: goods that fit words and filters, counts for each filter, suggestions while typing."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection

__all__ = [
    "BRAND",
    "CATEGORY",
    "MERCHANT",
    "PAGES",
    "PAGE_HITS",
    "Ask",
    "FacetCounts",
    "Filters",
    "Found",
    "Hit",
    "Indexer",
    "OfferScope",
    "Search",
    "Sort",
    "Suggestions",
    "TermCount",
]

CATEGORY, BRAND, MERCHANT = "category", "brand", "merchant"
"""Facets of every shop; a typed attribute's facet is `a.` and its key."""

ATTRIBUTE_PREFIX = "a."

PAGE_HITS = 24
PAGES = 40
"""Pages that can be turned; whoever looks further is better served by a filter."""

MAX_FILTER_VALUES = 20
"""Values of one facet that may be chosen together."""

MAX_FACETS = 12
"""Facets that may be filtered by together."""


class Sort(StrEnum):
    """In which order hits come."""

    RELEVANCE = "relevance"
    CHEAPEST = "cheapest"
    DEAREST = "dearest"
    NEWEST = "newest"
    BEST_SELLING = "best-selling"


class OfferScope(msgspec.Struct, frozen=True):
    """What a live offer touches; empty members mean any. Used for the filter "on offer"."""

    merchants: tuple[UUID, ...] = ()
    products: tuple[UUID, ...] = ()
    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    """Names, as in the offer."""


class Filters(msgspec.Struct, frozen=True):
    """What hits must fulfil. Of one facet's values any will do; of the facets all must hold.

    `terms` are values by facet. Prices are minor units of the currency asked in.
    """

    terms: dict[str, tuple[str, ...]] = {}
    least: int | None = None
    most: int | None = None
    in_stock: bool = False
    on_offer: bool = False

    @property
    def any(self) -> bool:
        return bool(self.terms or self.in_stock or self.on_offer or self.least is not None or self.most is not None)


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A question. `scope` is what the page is about (facet and value) and cannot be taken away by a filter."""

    text: str = ""
    language: str = "en"
    currency: str = "EUR"
    filters: Filters = Filters()
    scope: tuple[str, str] | None = None
    merchant: UUID | None = None
    """Of what several sell, show this merchant's product."""
    sort: Sort = Sort.RELEVANCE
    page: int = 1
    hits: int = PAGE_HITS
    exact: bool = False
    """Take the words as they are typed: no corrections."""
    facets: bool = True


class Hit(msgspec.Struct, frozen=True):
    """A card: the product to show, and at how many merchants the same thing is sold."""

    product: UUID
    merchants: int
    in_stock: bool


class TermCount(msgspec.Struct, frozen=True):
    """A value of a facet and how many goods have it, with everything else applied. `labels` is empty where the value
    is its own name or others know it (categories, merchants)."""

    value: str
    labels: dict[str, str]
    goods: int
    chosen: bool = False


class FacetCounts(msgspec.Struct, frozen=True):
    """A facet's values, most goods first, the chosen ones always among them."""

    key: str
    terms: tuple[TermCount, ...]


class Found(msgspec.Struct, frozen=True):
    """The answer. `total` is exact unless `capped`: then it is at least that, and the counts are of that many."""

    hits: tuple[Hit, ...]
    total: int
    capped: bool = False
    facets: tuple[FacetCounts, ...] = ()
    in_stock: int = 0
    on_offer: int = 0
    least: int | None = None
    most: int | None = None
    """The prices between which goods lie, with everything but the price filter applied."""
    text: str = ""
    """What was searched for: the words typed, or the corrected ones."""
    corrected: bool = False
    nearest: tuple[str, ...] = ()
    """Words that are known and near to those that found nothing."""
    relaxed: bool = False
    """Nothing had all of the words; these have some."""
    language: str = "en"
    """The language whose words found them."""


class Suggestions(msgspec.Struct, frozen=True):
    """What somebody who has typed this much may want. Categories and brands are slugs."""

    products: tuple[UUID, ...] = ()
    words: tuple[str, ...] = ()


class Search(Protocol):
    """Queries. Never raises for what somebody typed."""

    async def search(self, ask: Ask) -> Found: ...

    async def suggest(self, text: str, language: str) -> Suggestions:
        """Products and words that begin with or hold what was typed; empty below one letter."""
        ...

    async def brands(self) -> Mapping[str, int]:
        """How many goods each brand has, by slug."""
        ...


class Indexer(Protocol):
    """Keeps what search reads true to the catalogue."""

    async def mark_everything(self) -> int:
        """Mark all goods to be indexed anew; what is there stays usable meanwhile. Returns how many."""
        ...

    async def step(self) -> int:
        """Index some of what is marked; returns how many products, 0 when nothing is left."""
        ...

    async def stand(self) -> int:
        """See to stock and sales of what moved; returns how many products."""
        ...

    async def rebuild(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Index everything now. Raises NothingToIndex for an empty shop. Returns how many products."""
        ...

    async def waiting(self, connection: Connection) -> int:
        """Products that are marked and not yet indexed."""
        ...
