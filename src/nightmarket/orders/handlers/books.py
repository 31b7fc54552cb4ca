"""Orders as people look over them, on a connection of theirs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from nightmarket.orders import store
from nightmarket.orders.contract import (
    BoardFilter,
    CoursePoint,
    MerchantFigure,
    OrderFigure,
    OrderRow,
    OrderSummary,
)
from nightmarket.platform.access import shadows_of
from nightmarket.platform.database import Connection

BOARD_LIMIT = 200
PARTS_LIMIT = 20_000
"""Rows that a merchant's figures are made of at most; each is unpacked."""


class StoredOrderBooks:
    """Implements `contract.OrderBooks`."""

    async def rows(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, Sequence[OrderRow]]:
        return await store.orders(connection, ids)

    async def confirmed(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, UUID]:
        return await store.identities(connection, ids)

    async def board(
        self,
        connection: Connection,
        chosen: BoardFilter,
        *,
        before: tuple[datetime, UUID] | None = None,
        limit: int = 50,
    ) -> Sequence[OrderSummary]:
        return await store.board(connection, chosen, before, min(limit, BOARD_LIMIT))

    async def figures(
        self, connection: Connection, since: datetime, *, merchant: UUID | None = None
    ) -> Sequence[OrderFigure]:
        return await store.figures(connection, since, merchant)

    async def course(
        self, connection: Connection, since: datetime, step_seconds: int, *, merchant: UUID | None = None
    ) -> Sequence[CoursePoint]:
        return await store.course(connection, since, max(60, step_seconds), merchant)

    async def by_merchant(self, connection: Connection, since: datetime, limit: int) -> Sequence[MerchantFigure]:
        return await store.by_merchant(connection, since, min(limit, BOARD_LIMIT))

    async def parts(self, connection: Connection, merchant: UUID, since: datetime, limit: int) -> Sequence[OrderRow]:
        return await store.parts(connection, merchant, since, min(limit, PARTS_LIMIT))

    async def rehearsed(
        self, connection: Connection, client: UUID, since: datetime, after: UUID, limit: int
    ) -> Sequence[OrderRow]:
        return await store.of_owners(connection, shadows_of(client), since, after, min(limit, PARTS_LIMIT))
