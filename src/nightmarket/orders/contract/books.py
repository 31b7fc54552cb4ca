"""Reading orders: for consumers of facts, and for people who look after orders."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from nightmarket.orders.model.board import BoardFilter, CoursePoint, MerchantFigure, OrderFigure, OrderSummary
from nightmarket.orders.model.order import OrderRow
from nightmarket.platform.database import Connection


class OrderReader(Protocol):
    """Reads orders inside a transaction of someone else, for consumers of facts."""

    async def rows(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, Sequence[OrderRow]]:
        """The rows of each order that exists."""
        ...


class OrderBooks(OrderReader, Protocol):
    """Queries for people who look after orders, on a connection that sees what they may see: through
    `Database.as_merchant` only the rows of that merchant, whatever is asked for."""

    async def confirmed(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, UUID]:
        """The key of the address that was confirmed for each of these orders, where one was."""
        ...

    async def board(
        self,
        connection: Connection,
        chosen: BoardFilter,
        *,
        before: tuple[datetime, UUID] | None = None,
        limit: int = 50,
    ) -> Sequence[OrderSummary]:
        """Orders, newest first, placed before the given (placed_at, id)."""
        ...

    async def figures(
        self, connection: Connection, since: datetime, *, merchant: UUID | None = None
    ) -> Sequence[OrderFigure]:
        """How many orders were placed since, and what they came to, by state and currency. Needs a transaction."""
        ...

    async def course(
        self, connection: Connection, since: datetime, step_seconds: int, *, merchant: UUID | None = None
    ) -> Sequence[CoursePoint]:
        """Orders placed since in steps of time, by state and currency, in order of time; at most 10,000 points."""
        ...

    async def by_merchant(self, connection: Connection, since: datetime, limit: int) -> Sequence[MerchantFigure]:
        """What each merchant's part of the paid orders placed since came to, most orders first."""
        ...

    async def parts(self, connection: Connection, merchant: UUID, since: datetime, limit: int) -> Sequence[OrderRow]:
        """One merchant's rows of the orders placed since, newest first; at most 20,000."""
        ...

    async def rehearsed(
        self, connection: Connection, client: UUID, since: datetime, after: UUID, limit: int
    ) -> Sequence[OrderRow]:
        """Rows of the orders that a rehearsal's client has placed since, in order of id after a given one; may end
        within an order. The figures, courses, parts and boards of this contract leave them out, but for a board that
        asks for them."""
        ...
