"""Products, variants and stock as they are stored."""

from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Attribute as AttributeDefinition
from nightmarket.catalog.contract import Media, ProductKind, ProductState, ProductText, Texts

from .rows import Attribute


class ProductRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A product's own row."""

    id: UUID
    merchant: UUID
    slug: str
    category: str
    brand: str
    texts: dict[str, ProductText]
    attributes: dict[str, Attribute]
    media: tuple[Media, ...]
    version: int
    brand_slug: str | None = None
    kind: ProductKind = ProductKind.GOODS
    state: ProductState = ProductState.LIVE
    size_chart: str | None = None
    shelves: tuple[str, ...] = ()
    """Further categories, in order of slug."""


class VariantRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A variant's row."""

    id: UUID
    product: UUID
    merchant: UUID
    sku: str
    gtin: str | None
    options: dict[str, Texts]
    prices: dict[str, int]
    media: tuple[Media, ...]
    for_sale: bool
    position: int
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    retired: bool = False
    """No longer shown, nor for sale; kept because stock and orders refer to it."""
    costs: dict[str, int] = {}
    """What a piece costs its merchant, in minor units per currency, where that is known; no shopper ever sees it."""


class StockRecord(msgspec.Struct, frozen=True):
    """Which tally counts a variant at a place, and whose count was taken last."""

    variant: UUID
    place: UUID
    merchant: UUID
    tally: UUID
    counted_by: UUID | None = None
    counted_line: int | None = None


class PastVersion(msgspec.Struct, frozen=True):
    """Which version was replaced, when, and by whom."""

    version: int
    replaced_at: datetime
    replaced_by: str


class Stored(msgspec.Struct):
    """What the catalogue knows already about the rows of one transaction."""

    products: dict[UUID, ProductRecord]
    variants: dict[UUID, VariantRecord]
    stock: dict[tuple[UUID, UUID], StockRecord]
    slugs: dict[str, UUID]
    """Products that have one of the slugs which new products would like."""
    folded: dict[tuple[UUID, str], str]
    """SKUs by merchant and lower-case SKU, of those that resemble new ones."""
    size_charts: frozenset[str] = frozenset()
    """Those of the size charts named that exist."""
    attributes: dict[str, AttributeDefinition] = {}
    """Definitions of those of the attributes named that are typed."""
