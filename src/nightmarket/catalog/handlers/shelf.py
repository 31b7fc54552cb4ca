"""A merchant's own tables."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from nightmarket.catalog.contract import Merchant, Place
from nightmarket.catalog.contract.shelf import ShelfRow
from nightmarket.catalog.store import directory
from nightmarket.catalog.store import shelf as store
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.database import Connection

ROWS_LIMIT = 200
PRODUCTS_LIMIT = 5_000
MAX_WORDS = 100


class StoredShelf:
    """Implements `contract.Shelf`."""

    async def merchant(self, connection: Connection, merchant: UUID) -> Merchant | None:
        return (await directory.read_merchants(connection, [merchant])).get(merchant)

    async def places(self, connection: Connection, merchant: UUID) -> Sequence[Place]:
        return await directory.places(connection, [merchant])

    async def rows(
        self, connection: Connection, merchant: UUID, *, after: str, limit: int, words: str = ""
    ) -> Sequence[ShelfRow]:
        _check(limit, ROWS_LIMIT)
        return await store.rows(connection, merchant, after, limit, words.strip()[:MAX_WORDS])

    async def by_sku(self, connection: Connection, merchant: UUID, variants: Sequence[UUID]) -> Sequence[ShelfRow]:
        _check(max(1, len(variants)), ROWS_LIMIT)
        return await store.by_id(connection, merchant, variants)

    async def tallies_of(
        self, connection: Connection, merchant: UUID, products: Sequence[UUID]
    ) -> Mapping[UUID, Sequence[UUID]]:
        _check(max(1, len(products)), PRODUCTS_LIMIT)
        return await store.tallies_of(connection, merchant, products)


def _check(amount: int, most: int) -> None:
    if not 1 <= amount <= most:
        raise InvalidInput(f"Ask for 1 to {most} rows; {amount} is not possible.", field="limit")
