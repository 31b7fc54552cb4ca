"""What a merchant's own tables show beside the products: where stock of products lies, and variants with prices."""

from collections.abc import Mapping, Sequence
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

    async def by_sku(self, connection: Connection, merchant: UUID, variants: Sequence[UUID]) -> Sequence[ShelfRow]:
        """These variants of the merchant, in order of SKU; those of others are absent. At most 200."""
        ...

    async def tallies_of(
        self, connection: Connection, merchant: UUID, products: Sequence[UUID]
    ) -> Mapping[UUID, Sequence[UUID]]:
        """The tallies that count each product's stock; at most 5,000 products."""
        ...
