"""Answers those who go through the whole catalogue."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from nightmarket.catalog.contract import Product
from nightmarket.catalog.store import products as product_store
from nightmarket.catalog.store import whole_goods
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.database import Connection

AT_ONCE = 500


class StoredWholeGoods:
    """Implements `contract.WholeGoods`."""

    async def products(self, connection: Connection, wanted: Sequence[UUID]) -> Mapping[UUID, Product]:
        if len(wanted) > AT_ONCE:
            raise InvalidInput(f"Ask for at most {AT_ONCE} products at once.", field="wanted")
        return await product_store.products(connection, wanted)

    async def ids(
        self, connection: Connection, after: UUID | None, limit: int, *, merchant: UUID | None = None
    ) -> Sequence[UUID]:
        return await whole_goods.ids(connection, after, limit, merchant)

    async def kin(self, connection: Connection, products: Sequence[UUID]) -> Mapping[UUID, UUID]:
        return await whole_goods.kin(connection, products)
