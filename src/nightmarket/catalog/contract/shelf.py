"""What a merchant's own tables show beside the products: where stock of products lies, and variants with prices."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection

from .goods import Merchant, Place, Texts


class ShelfRow(msgspec.Struct, frozen=True):
    """A variant that is shown, with its prices and, by place code, the tallies of its stock."""

    variant: UUID
    product: UUID
    sku: str
    title: Texts
    options: dict[str, Texts]
    prices: dict[str, int]
    for_sale: bool
    stock: dict[str, UUID]
    costs: dict[str, int] = {}
    """What a piece costs the merchant, where that is known."""


class Kept(msgspec.Struct, frozen=True):
    """A version of a product: since when it is no longer the newest and by whom (None and empty: it is), and all that
    it says as text, by place, such as `texts.en.title` or `variants.LAMP.prices.EUR` (minor units)."""

    version: int
    replaced_at: datetime | None
    replaced_by: str
    content: dict[str, str]


class Shelf(Protocol):
    """Queries on a connection that sees what the asker may see; `merchant` is asked for besides."""

    async def merchant(self, connection: Connection, merchant: UUID) -> Merchant | None: ...

    async def places(self, connection: Connection, merchant: UUID) -> Sequence[Place]:
        """A merchant's places by code."""
        ...

    async def rows(
        self, connection: Connection, merchant: UUID, *, after: str, limit: int, words: str = ""
    ) -> Sequence[ShelfRow]:
        """Variants that are not retired, in order of SKU, `after` a SKU, at most 200; `words` stand in SKU or title."""
        ...

    async def of_products(self, connection: Connection, merchant: UUID, products: Sequence[UUID]) -> Sequence[ShelfRow]:
        """The variants of these products, in order of SKU, at most 500 of them; products of others are absent."""
        ...

    async def open_stock(
        self, tx: Connection, merchant: UUID, wanted: Sequence[tuple[UUID, UUID]], at: datetime
    ) -> Mapping[tuple[UUID, UUID], UUID]:
        """The tallies of a merchant's variants at its places, made with nothing in them where they are missing; at
        most 500. Raises NotFound for a variant or a place that is not the merchant's."""
        ...

    async def by_id(self, connection: Connection, merchant: UUID, variants: Sequence[UUID]) -> Sequence[ShelfRow]:
        """These variants of the merchant, in order of SKU; those of others are absent. At most 500."""
        ...

    async def versions(self, connection: Connection, merchant: UUID, product: UUID) -> Sequence[Kept]:
        """The newest version and those that it replaced, latest first; at most 21. Empty for what is not theirs."""
        ...

    async def tallies_of(
        self, connection: Connection, merchant: UUID, products: Sequence[UUID]
    ) -> Mapping[UUID, Sequence[UUID]]:
        """The tallies that count each product's stock; at most 5,000 products."""
        ...
