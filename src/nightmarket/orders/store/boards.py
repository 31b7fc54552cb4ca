"""Orders as people look over them, and what they come to."""

from datetime import datetime
from uuid import UUID

from nightmarket.orders.model.board import BoardFilter, CoursePoint, MerchantFigure, OrderFigure, OrderSummary
from nightmarket.orders.model.order import OrderRow, OrderState
from nightmarket.platform.database import Connection

from .rows import row_of

REAL = "uuid_extract_version(owner) IS DISTINCT FROM 15"
"""Of orders that are no rehearsal's: see `platform.access.is_shadow`."""

SHADOW = "uuid_extract_version(owner) = 15"


async def board(
    connection: Connection, chosen: BoardFilter, before: tuple[datetime, UUID] | None, limit: int
) -> list[OrderSummary]:
    """Orders, newest first, each as one; walks `order_by_placed` back from the cursor, of shadows `order_shadow`."""
    records = await connection.fetch(
        f"""
        SELECT id, placed_at, state, currency, handler, sum(total)::bigint AS total, count(*)::integer AS merchants
        FROM orders.order
        WHERE placed_at <= coalesce($1::timestamptz, 'infinity')
            AND ($1::timestamptz IS NULL OR (placed_at, id) < ($1, $2))
            AND ($3::smallint IS NULL OR state = $3) AND ($4::uuid IS NULL OR merchant = $4)
            AND {SHADOW if chosen.shadows else REAL}
        GROUP BY placed_at, id, state, currency, handler ORDER BY placed_at DESC, id DESC LIMIT $5
        """,
        *(before or (None, None)),
        chosen.state,
        chosen.merchant,
        limit,
    )
    return [
        OrderSummary(
            id=record["id"],
            placed_at=record["placed_at"],
            state=OrderState(record["state"]),
            currency=record["currency"],
            handler=record["handler"],
            total=record["total"],
            merchants=record["merchants"],
        )
        for record in records
    ]


async def figures(tx: Connection, since: datetime, merchant: UUID | None) -> list[OrderFigure]:
    """How many orders were placed since, and what they came to, by state and currency: 2 µs an order, since the room
    to work in lets the rows of an order meet in memory."""
    await tx.execute("SET LOCAL work_mem = '64MB'")
    records = await tx.fetch(
        f"""
        SELECT state, currency, count(*) AS orders, sum(total)::bigint AS total FROM (
            SELECT id, state, currency, sum(total) AS total FROM orders.order
            WHERE placed_at >= $1 AND ($2::uuid IS NULL OR merchant = $2) AND {REAL} GROUP BY id, state, currency
        ) AS whole GROUP BY state, currency ORDER BY state, currency
        """,
        since,
        merchant,
    )
    return [OrderFigure(OrderState(record[0]), record[1], record[2], record[3]) for record in records]


COURSE_POINTS = 10_000


async def course(
    connection: Connection, since: datetime, step_seconds: int, merchant: UUID | None
) -> list[CoursePoint]:
    """How many orders were placed in each step of time since, and what they came to."""
    records = await connection.fetch(
        f"""
        SELECT date_bin(make_interval(secs => $2), placed_at, $1) AS at, state, currency, count(*), sum(total)::bigint
        FROM (
            SELECT id, min(placed_at) AS placed_at, state, currency, sum(total) AS total FROM orders.order
            WHERE placed_at >= $1 AND ($3::uuid IS NULL OR merchant = $3) AND {REAL} GROUP BY id, state, currency
        ) AS whole GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT $4
        """,
        since,
        step_seconds,
        merchant,
        COURSE_POINTS,
    )
    return [CoursePoint(record[0], OrderState(record[1]), record[2], record[3], record[4]) for record in records]


async def by_merchant(connection: Connection, since: datetime, limit: int) -> list[MerchantFigure]:
    """Each merchant's part of the paid orders placed since."""
    records = await connection.fetch(
        f"""
        SELECT merchant, currency, count(*), sum(total)::bigint FROM orders.order
        WHERE placed_at >= $1 AND state = $2 AND {REAL}
        GROUP BY merchant, currency ORDER BY count(*) DESC, merchant, currency
        LIMIT $3
        """,
        since,
        OrderState.PAID,
        limit,
    )
    return [MerchantFigure(*record) for record in records]


async def parts(connection: Connection, merchant: UUID, since: datetime, limit: int) -> list[OrderRow]:
    """A merchant's rows of the orders placed since, newest first."""
    records = await connection.fetch(
        f"""
        SELECT * FROM orders.order WHERE placed_at >= $2 AND merchant = $1 AND {REAL}
        ORDER BY placed_at DESC, id DESC LIMIT $3
        """,
        merchant,
        since,
        limit,
    )
    return [row_of(record) for record in records]


async def of_owners(
    connection: Connection, owners: tuple[UUID, UUID], since: datetime, after: UUID, limit: int
) -> list[OrderRow]:
    """Rows of the orders placed since by owners whose ids lie between two shadows', in order of id after a given one.
    May end within an order."""
    first, last = owners
    records = await connection.fetch(
        f"""
        SELECT * FROM orders.order WHERE owner BETWEEN $1 AND $2 AND placed_at >= $3 AND id > $4 AND {SHADOW}
        ORDER BY id, merchant LIMIT $5
        """,
        first,
        last,
        since,
        after,
        limit,
    )
    return [row_of(record) for record in records]
