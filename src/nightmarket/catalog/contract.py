"""What others may ask of the catalogue: merchants, products, variants, prices, and where their stock is counted."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection

Texts = dict[str, str]
"""One text per language code; see `kernel.languages.pick` for what is shown when one is missing."""


class Stock(msgspec.Struct, frozen=True):
    """Where units of a variant lie, and the tally that counts them."""

    place: UUID
    tally: UUID


class Listing(msgspec.Struct, frozen=True):
    """All that cart, price and checkout must know of one variant. `prices` are minor units per currency."""

    variant: UUID
    product: UUID
    merchant: UUID
    sku: str
    slug: str
    category: str
    brand: str
    title: Texts
    options: dict[str, Texts]
    prices: dict[str, int]
    stock: tuple[Stock, ...]
    image: str | None = None
    """SHA-256 of the picture in the media store."""
    for_sale: bool = True


class Merchant(msgspec.Struct, frozen=True):
    """One who sells here."""

    id: UUID
    slug: str
    name: str
    tagline: Texts
    story: Texts
    image: str | None = None
    hue: int = 35


class Media(msgspec.Struct, frozen=True):
    """A picture of a product: its hash in the media store, its words, its size in pixels and its main colour."""

    image: str
    alt: Texts
    width: int
    height: int
    colour: str


class Variant(msgspec.Struct, frozen=True):
    """One thing that can be bought."""

    id: UUID
    sku: str
    gtin: str | None
    options: dict[str, Texts]
    prices: dict[str, int]
    stock: tuple[Stock, ...]
    media: tuple[Media, ...] = ()
    for_sale: bool = True


class Product(msgspec.Struct, frozen=True):
    """A product page's worth of knowledge. `texts` per language: title, summary, description, highlights."""

    id: UUID
    slug: str
    merchant: Merchant
    category: str
    brand: str
    texts: dict[str, "ProductText"]
    attributes: dict[str, object]
    media: tuple[Media, ...]
    variants: tuple[Variant, ...]
    version: int
    updated_at: datetime


class ProductText(msgspec.Struct, frozen=True):
    """The words of a product in one language; plain text, shown escaped."""

    title: str
    summary: str = ""
    description: str = ""
    highlights: tuple[str, ...] = ()


class Card(msgspec.Struct, frozen=True):
    """A product in a list: title per language, the picture, the lowest price per currency, the tallies of its stock."""

    product: UUID
    slug: str
    merchant: UUID
    merchant_name: str
    category: str
    title: Texts
    summary: Texts
    media: Media | None
    prices_from: dict[str, int]
    variants: int
    tallies: tuple[UUID, ...]


class Category(msgspec.Struct, frozen=True):
    slug: str
    names: Texts
    parent: str | None
    image: str | None


class ProductChanged(msgspec.Struct, frozen=True):
    """Fact: a product, its variants, prices or texts changed (also its first appearance)."""

    kind: ClassVar[str] = "catalog.product_changed"
    product: UUID
    merchant: UUID
    version: int
    variants: tuple[UUID, ...]


class Catalog(Protocol):
    """Queries; implemented in `handlers.py`, joined in bootstrap."""

    async def listings(self, variants: Iterable[UUID]) -> Mapping[UUID, Listing]:
        """The listings of those variants that exist. Cached in process and renewed by `catalog.product_changed`."""
        ...

    def forget(self, variants: Iterable[UUID]) -> None:
        """Drop cached listings; called by the follower of `catalog.product_changed`."""
        ...

    async def product(self, slug: str) -> Product | None: ...

    async def cards(
        self, *, category: str | None = None, merchant: UUID | None = None, after: str | None = None, limit: int = 48
    ) -> Sequence[Card]:
        """Products for a list page, in slug order, `after` a slug."""
        ...

    async def merchants(self) -> Sequence[Merchant]: ...

    async def categories(self) -> Sequence[Category]: ...

    async def find(self, merchant: str, sku: str) -> UUID | None:
        """The variant with that SKU at the merchant with that slug."""
        ...


class StockLevels(Protocol):
    """Port: how much of a variant is left, for pages; never used to decide an order (tallies do)."""

    async def available(self, tallies: Sequence[UUID]) -> Mapping[UUID, int]: ...


class StockRow(msgspec.Struct, frozen=True):
    """For the console: one variant at one place."""

    variant: UUID
    sku: str
    title: Texts
    merchant: UUID
    merchant_name: str
    place: str
    tally: UUID


class StockBooks(Protocol):
    """Queries for people who look after stock."""

    async def stock_rows(self, tx: Connection, *, merchant: UUID | None, after: str, limit: int) -> Sequence[StockRow]: ...
