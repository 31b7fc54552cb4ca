"""Queries on the rows of orders. An order changes only under its session's lock."""

from collections.abc import Sequence
from datetime import datetime
from struct import Struct
from uuid import UUID

import msgspec

from nightmarket.orders.model.order import OrderBody, OrderRow, OrderState, first_due
from nightmarket.orders.model.prepared import Placing
from nightmarket.platform.copying import ID, NULL, copy_rows, fields, microseconds
from nightmarket.platform.database import Connection, Record
from nightmarket.platform.pipeline import later

_PACK = msgspec.msgpack.Encoder(uuid_format="bytes")
ORDER_BODY = msgspec.msgpack.Decoder(OrderBody)

ORDER_COLUMNS = (
    "id",
    "merchant",
    "owner",
    "state",
    "attempt",
    "handler",
    "currency",
    "total",
    "placed_at",
    "due_at",
    "body",
    "listed_for",
)


async def insert_orders(tx: Connection, placings: Sequence[Placing]) -> None:
    """Write the rows of orders; those of earlier, failed attempts of the same orders go first. The first row of each
    order that is listed names its owner once more, where the index of owners' lists finds it."""
    replaced = [placing.id for placing in placings if placing.attempt]
    if replaced:
        await tx.execute("DELETE FROM orders.order WHERE id = ANY($1::uuid[])", replaced)
    await copy_rows(tx, "orders", "order", ORDER_COLUMNS, packed(placings))


_FIRST = fields(len(ORDER_COLUMNS)) + ID
_SUMS = Struct("!q24si").pack


def _words(placing: Placing) -> tuple[bytes, bytes]:
    """What of a row follows from neither its ids nor its price: state, attempt, handler and currency, up to the length
    of its total; and its instants."""
    handler, currency = placing.handler.encode(), placing.order.currency.encode()
    words = Struct(f"!ihihi{len(handler)}si{len(currency)}si")
    state = (2, OrderState.PENDING, 2, placing.attempt)
    instants = (8, microseconds(placing.at), 8, microseconds(first_due(placing.handler, placing.at)))
    return words.pack(*state, len(handler), handler, len(currency), currency, 8), _INSTANTS(*instants)


_INSTANTS = Struct("!iqiq").pack


def packed(placings: Sequence[Placing]) -> list[bytes]:
    """Rows of orders for COPY, in pieces."""
    pieces: list[bytes] = []
    known: dict[tuple[int, str, str, datetime], tuple[bytes, bytes]] = {}
    for placing in placings:
        id, owner, order, ending = placing.id.bytes, placing.owner.bytes, placing.order, placing.ending
        said = (placing.attempt, placing.handler, order.currency, placing.at)
        both = known.get(said)
        if both is None:
            both = known[said] = _words(placing)
        words, instants = both
        last = ID + owner if placing.listed else NULL
        for part in order.parts:
            sums = _SUMS(part.total, instants, len(part.body) + len(ending))
            pieces += (_FIRST, id, ID, part.merchant, ID, owner, words, sums, part.body, ending, last)
            last = NULL
    return pieces


async def move_orders(tx: Connection, ids: Sequence[UUID], state: OrderState, due_at: datetime | None = None) -> None:
    """Put all rows of orders into a state; callers hold the sessions' locks and have checked the move."""
    await tx.execute("UPDATE orders.order SET state = $2, due_at = $3 WHERE id = ANY($1::uuid[])", ids, state, due_at)


async def pay_orders(tx: Connection, ids: Sequence[UUID], state: OrderState, session: int) -> None:
    """Put all rows of orders, and their sessions, which the caller holds, into the states of what is paid."""
    await later(
        tx,
        """
        WITH moved AS (UPDATE orders.order SET state = $2, due_at = NULL WHERE id = ANY($1::uuid[]))
        UPDATE orders.session SET state = $3, prepared = NULL WHERE id = ANY($1::uuid[])
        """,
        ids,
        state,
        session,
    )


async def rewrite(tx: Connection, rows: Sequence[OrderRow]) -> None:
    """Write what rows come to and pack; callers hold the sessions' locks."""
    if rows:
        await tx.execute(
            """
            UPDATE orders.order AS o SET total = n.total, body = n.body
            FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bytea[]) AS n(id, merchant, total, body)
            WHERE o.id = n.id AND o.merchant = n.merchant
            """,
            [row.id for row in rows],
            [row.merchant for row in rows],
            [row.total for row in rows],
            [_PACK.encode(row.body) for row in rows],
        )


async def renumber(tx: Connection, attempts: Sequence[tuple[UUID, int]]) -> None:
    """Let orders be the outcome of another attempt: (order, attempt)."""
    ids, numbers = zip(*attempts, strict=True)
    await tx.execute(
        """
        UPDATE orders.order AS o SET attempt = d.attempt FROM unnest($1::uuid[], $2::smallint[]) AS d(id, attempt)
        WHERE o.id = d.id
        """,
        ids,
        numbers,
    )


async def postpone(tx: Connection, orders: Sequence[tuple[UUID, datetime]]) -> None:
    """Look after these orders later: (order, when), each noted for then. Callers hold the sessions' locks."""
    if not orders:
        return
    ids, instants = zip(*orders, strict=True)
    await tx.execute(
        """
        WITH later AS (SELECT * FROM unnest($1::uuid[], $2::timestamptz[]) AS d(id, due_at)), noted AS (
            INSERT INTO orders.awaited (due_at, orders) SELECT due_at, array_agg(id) FROM later GROUP BY due_at
        )
        UPDATE orders.order AS o SET due_at = d.due_at FROM later AS d WHERE o.id = d.id AND o.due_at IS NOT NULL
        """,
        ids,
        instants,
    )


def row_of(record: Record) -> OrderRow:
    return OrderRow(
        id=record["id"],
        merchant=record["merchant"],
        owner=record["owner"],
        state=OrderState(record["state"]),
        attempt=record["attempt"],
        handler=record["handler"],
        currency=record["currency"],
        total=record["total"],
        placed_at=record["placed_at"],
        due_at=record["due_at"],
        body=ORDER_BODY.decode(record["body"]),
    )


async def orders(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, tuple[OrderRow, ...]]:
    """The rows of each order, in order of merchant."""
    records = await connection.fetch("SELECT * FROM orders.order WHERE id = ANY($1::uuid[]) ORDER BY id, merchant", ids)
    found: dict[UUID, list[OrderRow]] = {}
    for record in records:
        found.setdefault(record["id"], []).append(row_of(record))
    return {id: tuple(rows) for id, rows in found.items()}


async def latest(connection: Connection, before: datetime | None, limit: int) -> list[OrderRow]:
    records = await connection.fetch(
        """
        SELECT * FROM orders.order WHERE placed_at < coalesce($1::timestamptz, 'infinity')
        ORDER BY placed_at DESC, id, merchant LIMIT $2
        """,
        before,
        limit,
    )
    return [row_of(record) for record in records]


NOTES_AT_ONCE = 16
"""Rows of `orders.awaited` that one look reads, each of up to a batch of orders."""


async def due(connection: Connection, now: datetime, limit: int) -> tuple[list[int], list[UUID]]:
    """The oldest notes of orders that may want looking after, and which of these do, the longest waiting first."""
    notes = await connection.fetch(
        "SELECT id, orders FROM orders.awaited WHERE due_at <= $1 ORDER BY due_at LIMIT $2", now, NOTES_AT_ONCE
    )
    if not notes:
        return [], []
    rows = await connection.fetch(
        "SELECT id FROM orders.order WHERE id = ANY($1::uuid[]) AND due_at <= $2 ORDER BY due_at LIMIT $3",
        [id for note in notes for id in note["orders"]],
        now,
        limit,
    )
    return [note["id"] for note in notes], list(dict.fromkeys(row["id"] for row in rows))


async def forget_notes(tx: Connection, notes: Sequence[int], now: datetime) -> None:
    """Delete notes of which no order wants looking after any more; one that does later is noted for then."""
    await tx.execute(
        """
        DELETE FROM orders.awaited AS a WHERE id = ANY($1::bigint[])
            AND NOT EXISTS (SELECT FROM orders.order AS o WHERE o.id = ANY(a.orders) AND o.due_at <= $2)
        """,
        notes,
        now,
    )


async def unnoted(connection: Connection, ids: Sequence[UUID]) -> list[UUID]:
    """Which of these orders want looking after at a time for which nothing is noted: nobody would look."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT o.id FROM orders.order AS o WHERE o.id = ANY($1::uuid[]) AND o.due_at IS NOT NULL
            AND NOT EXISTS (SELECT FROM orders.awaited AS a WHERE a.due_at = o.due_at AND o.id = ANY(a.orders))
        """,
        ids,
    )
    return [row["id"] for row in rows]


async def page(connection: Connection, after: UUID, limit: int) -> list[OrderRow]:
    """Order rows in order of id, for the audit; `after` the last id seen. May end within an order."""
    records = await connection.fetch(
        "SELECT * FROM orders.order WHERE id > $1 ORDER BY id, merchant LIMIT $2", after, limit
    )
    return [row_of(record) for record in records]


async def listed(
    connection: Connection, owner: UUID, state: OrderState | None, before: tuple[datetime, UUID] | None, limit: int
) -> list[UUID]:
    """The orders in an owner's list, newest first; walks `order_listed` back from the cursor."""
    records = await connection.fetch(
        """
        SELECT id FROM orders.order
        WHERE listed_for = $1 AND ($2::timestamptz IS NULL OR (placed_at, id) < ($2, $3))
            AND ($4::smallint IS NULL OR state = $4)
        ORDER BY placed_at DESC, id DESC LIMIT $5
        """,
        owner,
        *(before or (None, None)),
        state,
        limit,
    )
    return [record["id"] for record in records]


async def give_to(tx: Connection, ids: Sequence[UUID], owner: UUID) -> None:
    """Make orders and their sessions another owner's, in that one's list; callers hold the sessions' locks."""
    await tx.execute("UPDATE orders.session SET owner = $2 WHERE id = ANY($1::uuid[])", ids, owner)
    await tx.execute(
        """
        UPDATE orders.order AS o SET owner = $2,
            listed_for = CASE WHEN NOT EXISTS (
                SELECT FROM orders.order AS p WHERE p.id = o.id AND p.merchant < o.merchant) THEN $2::uuid END
        WHERE id = ANY($1::uuid[])
        """,
        ids,
        owner,
    )
