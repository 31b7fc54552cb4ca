"""What carts, prices and pages may ask of the catalogue."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection

from .goods import Attribute, Brand, Card, Category, Listing, Merchant, Place, Product, Rival, Texts


class Catalog(Protocol):
    """Queries; implemented in `handlers.py`, joined in bootstrap."""

    async def listings(self, variants: Iterable[UUID]) -> Mapping[UUID, Listing]:
        """The listings of those variants that exist. Cached in process and renewed by `catalog.product_changed`."""
        ...

    def forget(self, variants: Iterable[UUID]) -> None:
        """Drop cached listings; called by the follower of `catalog.product_changed`."""
        ...

    def forget_merchants(self, merchants: Iterable[UUID]) -> None:
        """Drop cached listings of these merchants; called by the follower of `catalog.merchant_changed`."""
        ...

    def forget_categories(self, categories: Iterable[str]) -> None:
        """Drop cached listings in or below these categories; called by the follower of `catalog.reference_changed`."""
        ...

    async def product(self, slug: str) -> Product | None:
        """The live product of an open merchant that has this slug."""
        ...

    async def cards(
        self,
        *,
        category: str | None = None,
        merchant: UUID | None = None,
        brand: str | None = None,
        after: str | None = None,
        limit: int = 48,
    ) -> Sequence[Card]:
        """Live products of open merchants for a list page, in slug order, `after` a slug; at most 200."""
        ...

    async def merchants(self, *, open_only: bool = False) -> Sequence[Merchant]:
        """Merchants by name: all of them, for the console; with `open_only`, those whose goods are shown."""
        ...

    async def places(self) -> Sequence[Place]: ...

    async def categories(self) -> Sequence[Category]: ...

    async def cards_of(self, products: Sequence[UUID]) -> Sequence[Card]:
        """The cards of these products, in the order asked for; those not live are absent. At most 200."""
        ...

    async def find(self, merchant: str, sku: str) -> UUID | None:
        """The variant with that SKU at the merchant with that slug."""
        ...

    async def rivals(self, product: UUID) -> Sequence[Rival]:
        """Other open merchants' live variants with a GTIN of this product's, by GTIN. At most 50."""
        ...

    async def brands(self) -> Sequence[Brand]:
        """Brands that have live goods, by name."""
        ...

    async def brand(self, slug: str) -> Brand | None:
        """The brand with this slug, also if none of its goods is live."""
        ...

    async def attributes(self) -> Sequence[Attribute]:
        """All typed attributes, by position then key."""
        ...


class StockLevels(Protocol):
    """Port: how much of a variant is left, for pages; never used to decide an order (tallies do)."""

    async def available(self, tallies: Sequence[UUID]) -> Mapping[UUID, int]: ...


class StockRow(msgspec.Struct, frozen=True):
    """For the console: one variant at one place; `cursor` is what to give as `after` for the next page."""

    variant: UUID
    sku: str
    title: Texts
    merchant: UUID
    merchant_name: str
    place: str
    tally: UUID

    @property
    def cursor(self) -> str:
        return f"{self.sku}\t{self.tally}"


class StockBooks(Protocol):
    """Queries for people who look after stock, in order of SKU."""

    async def stock_rows(
        self, tx: Connection, *, merchant: UUID | None, after: str, limit: int, words: str = ""
    ) -> Sequence[StockRow]:
        """A page of rows; with `words`, those in whose SKU or title they stand, whatever their case."""
        ...

    async def stock_of(self, tx: Connection, tallies: Sequence[UUID]) -> Sequence[StockRow]:
        """The rows that these tallies count; tallies of other things are absent."""
        ...

    async def assortments(self, tx: Connection) -> Mapping[UUID, tuple[int, int]]:
        """Products and variants of each merchant that has some."""
        ...


class WholeGoods(Protocol):
    """Whole products inside a transaction of someone else, shown or not: for those who index or hand them on."""

    async def products(self, connection: Connection, wanted: Sequence[UUID]) -> Mapping[UUID, Product]:
        """Those that exist. At most 500."""
        ...

    async def ids(
        self, connection: Connection, after: UUID | None, limit: int, *, merchant: UUID | None = None
    ) -> Sequence[UUID]:
        """A page of the ids of all products, or of a merchant's, in order; `after` is the last of the page before."""
        ...

    async def kin(self, connection: Connection, products: Sequence[UUID]) -> Mapping[UUID, UUID]:
        """Each of the products that exists, and every other with the same master, with its master (or itself)."""
        ...
