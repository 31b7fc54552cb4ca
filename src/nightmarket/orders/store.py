"""All queries on the tables of orders. Lock order: sessions by id; an order changes only under its session's lock."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import cache
from struct import Struct
from uuid import UUID

import msgspec

from nightmarket.platform.copying import NULL, copy_rows, microseconds
from nightmarket.platform.database import Connection, Record

from .model.board import BoardFilter, CoursePoint, MerchantFigure, OrderFigure, OrderSummary
from .model.order import OrderBody, OrderRow, OrderState
from .model.session import SessionBody

PACK = msgspec.msgpack.Encoder(uuid_format="bytes")
SESSION_BODY = msgspec.msgpack.Decoder(SessionBody)
ORDER_BODY = msgspec.msgpack.Decoder(OrderBody)

REAL = "uuid_extract_version(owner) IS DISTINCT FROM 15"
"""Of orders that are no rehearsal's: see `platform.access.is_shadow`."""

SHADOW = "uuid_extract_version(owner) = 15"

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


async def lock_sessions(tx: Connection, ids: Iterable[UUID]) -> list[Record]:
    """Lock sessions in order of id: (id, owner, kind, state, attempt, version, body, expires_at)."""
    return await tx.fetch(
        """
        SELECT id, owner, kind, state, attempt, version, body, expires_at FROM orders.session
        WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE
        """,
        list(ids),
    )


async def try_lock_sessions(tx: Connection, ids: Iterable[UUID]) -> list[Record]:
    """As `lock_sessions`, leaving out those that someone else is at."""
    return await tx.fetch(
        """
        SELECT id, owner, kind, state, attempt, version, body, expires_at FROM orders.session
        WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE SKIP LOCKED
        """,
        list(ids),
    )


async def read_session(connection: Connection, id: UUID) -> Record | None:
    return await connection.fetchrow(
        """
        SELECT id, owner, kind, state, attempt, version, body, expires_at FROM orders.session WHERE id = $1
        """,
        id,
    )


NewSession = tuple[UUID, UUID, int, int, bytes, bytes, datetime, datetime]
"""id, owner, kind, state, request, body, created_at, expires_at."""


async def insert_sessions(tx: Connection, rows: Sequence[NewSession]) -> set[UUID]:
    """Insert sessions where missing; returns the ids that were new."""
    columns = zip(*rows, strict=True)
    made = await tx.fetch(
        """
        INSERT INTO orders.session (id, owner, kind, state, request, body, created_at, expires_at)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::smallint[], $5::bytea[], $6::bytea[],
            $7::timestamptz[], $8::timestamptz[]) ORDER BY 1
        ON CONFLICT DO NOTHING RETURNING id
        """,
        *columns,
    )
    return {row[0] for row in made}


async def requests(tx: Connection, ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """The fingerprint of the request that made each session."""
    rows = await tx.fetch("SELECT id, request FROM orders.session WHERE id = ANY($1::uuid[])", ids)
    return {row["id"]: row["request"] for row in rows}


async def write_bodies(tx: Connection, rows: Sequence[tuple[UUID, int, bytes, datetime]]) -> None:
    """Replace state, body and expiry of locked sessions: (id, state, body, expires_at)."""
    ids, states, bodies, expiries = zip(*rows, strict=True)
    await tx.execute(
        """
        UPDATE orders.session AS s SET state = d.state, body = d.body, expires_at = d.expires_at,
            version = s.version + 1
        FROM unnest($1::uuid[], $2::smallint[], $3::bytea[], $4::timestamptz[]) AS d(id, state, body, expires_at)
        WHERE s.id = d.id
        """,
        ids,
        states,
        bodies,
        expiries,
    )


async def identify(tx: Connection, session: UUID, identity: UUID) -> None:
    """Note whose proven address stands behind a session; the last one counts."""
    await tx.execute(
        """
        INSERT INTO orders.buyer (session, identity) VALUES ($1, $2)
        ON CONFLICT (session) DO UPDATE SET identity = EXCLUDED.identity
        """,
        session,
        identity,
    )


async def identities(connection: Connection, sessions: Sequence[UUID]) -> dict[UUID, UUID]:
    """The proven address's key behind each session that has one."""
    query = "SELECT session, identity FROM orders.buyer WHERE session = ANY($1::uuid[])"
    rows = await connection.fetch(query, sessions)
    return {row["session"]: row["identity"] for row in rows}


async def mark_sessions(tx: Connection, ids: Sequence[UUID], state: int) -> None:
    await tx.execute("UPDATE orders.session SET state = $2 WHERE id = ANY($1::uuid[])", ids, state)


async def reopen_sessions(tx: Connection, ids: Sequence[UUID], state: int) -> None:
    """Let sessions be completed again: the next attempt counts one more."""
    await tx.execute(
        "UPDATE orders.session SET state = $2, attempt = attempt + 1 WHERE id = ANY($1::uuid[])", ids, state
    )


async def insert_orders(
    tx: Connection, rows: Sequence[OrderRow], replaced: Sequence[UUID], listed: AbstractSet[UUID] = frozenset()
) -> None:
    """Write order rows; those of earlier, failed attempts of the same orders go first. The first row of each order that
    is `listed` names its owner once more, where the index of owners' lists finds it."""
    if replaced:
        await tx.execute("DELETE FROM orders.order WHERE id = ANY($1::uuid[])", replaced)
    await copy_rows(tx, "orders", "order", ORDER_COLUMNS, packed(rows, listed))


@cache
def _head(handler: int, currency: int, due: bool) -> Struct:
    """A row up to its body, with texts of those lengths, for COPY."""
    return Struct(f"!h i16s i16s i16s ih ih i{handler}s i{currency}s iq iq {'iq' if due else 'i'} i")


_LISTED = Struct("!i16s").pack


def packed(rows: Sequence[OrderRow], listed: AbstractSet[UUID]) -> list[bytes]:
    """Rows of orders for COPY, in pieces."""
    encode = PACK.encode
    pieces: list[bytes] = []
    instants: dict[datetime, int] = {}
    before: UUID | None = None
    for row in rows:
        body, id = encode(row.body), row.id
        handler, currency = row.handler.encode(), row.currency.encode()
        due = row.due_at
        for at in (row.placed_at, due):
            if at is not None and at not in instants:
                instants[at] = microseconds(at)
        head = _head(len(handler), len(currency), due is not None).pack(
            *(12, 16, id.bytes, 16, row.merchant.bytes, 16, row.owner.bytes, 2, row.state, 2, row.attempt),
            *(len(handler), handler, len(currency), currency, 8, row.total, 8, instants[row.placed_at]),
            *((-1,) if due is None else (8, instants[due])),
            len(body),
        )
        pieces += (head, body, _LISTED(16, row.owner.bytes) if listed and id in listed and id != before else NULL)
        before = id
    return pieces


async def move_orders(tx: Connection, ids: Sequence[UUID], state: OrderState, due_at: datetime | None = None) -> None:
    """Put all rows of orders into a state; callers hold the sessions' locks and have checked the move."""
    await tx.execute("UPDATE orders.order SET state = $2, due_at = $3 WHERE id = ANY($1::uuid[])", ids, state, due_at)


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
    """Look after these orders later: (order, when). Callers hold the sessions' locks."""
    if not orders:
        return
    ids, instants = zip(*orders, strict=True)
    await tx.execute(
        """
        UPDATE orders.order AS o SET due_at = d.due_at FROM unnest($1::uuid[], $2::timestamptz[]) AS d(id, due_at)
        WHERE o.id = d.id AND o.due_at IS NOT NULL
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


async def due(connection: Connection, now: datetime, limit: int) -> list[UUID]:
    """Orders that want looking after, the longest waiting first."""
    rows = await connection.fetch("SELECT id FROM orders.order WHERE due_at <= $1 ORDER BY due_at LIMIT $2", now, limit)
    return list(dict.fromkeys(row["id"] for row in rows))


async def page(connection: Connection, after: UUID, limit: int) -> list[OrderRow]:
    """Order rows in order of id, for the audit; `after` the last id seen. May end within an order."""
    records = await connection.fetch(
        "SELECT * FROM orders.order WHERE id > $1 ORDER BY id, merchant LIMIT $2", after, limit
    )
    return [row_of(record) for record in records]


async def session_states(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    """State and attempt of each session."""
    rows = await connection.fetch("SELECT id, state, attempt FROM orders.session WHERE id = ANY($1::uuid[])", ids)
    return {row["id"]: (row["state"], row["attempt"]) for row in rows}


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


async def sessions_page(connection: Connection, after: UUID, limit: int) -> list[Record]:
    """Sessions in order of id: (id, owner, state)."""
    return await connection.fetch(
        "SELECT id, owner, state FROM orders.session WHERE id > $1 ORDER BY id LIMIT $2", after, limit
    )


async def delete_unplaced(tx: Connection, ids: Sequence[UUID], owner: UUID) -> int:
    """Delete an owner's sessions that no order came of; returns how many."""
    status = await tx.execute(
        """
        DELETE FROM orders.session AS s WHERE id = ANY($1::uuid[]) AND owner = $2
            AND NOT EXISTS (SELECT FROM orders.order WHERE id = s.id)
        """,
        ids,
        owner,
    )
    return int(status.rpartition(" ")[2])


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


async def write_notes(tx: Connection, order: UUID, notes: Sequence[tuple[str, int, datetime, str]]) -> list[str]:
    """Add notes to an order where it has none with that id: (id, kind, at, body as JSON).
    Returns the ids of those that are new."""
    ids, kinds, instants, bodies = zip(*notes, strict=True)
    rows = await tx.fetch(
        """
        INSERT INTO orders.note (order_id, id, kind, at, body)
        SELECT $1, n.id, n.kind, n.at, n.body::jsonb
        FROM unnest($2::text[], $3::smallint[], $4::timestamptz[], $5::text[]) AS n(id, kind, at, body)
        ON CONFLICT DO NOTHING RETURNING id
        """,
        order,
        ids,
        kinds,
        instants,
        bodies,
    )
    return [row["id"] for row in rows]


async def notes(connection: Connection, order: UUID, limit: int) -> list[tuple[int, str]]:
    """An order's notes as (kind, body as JSON), oldest first."""
    query = "SELECT kind, body::text AS body FROM orders.note WHERE order_id = $1 ORDER BY at, id LIMIT $2"
    return [(row["kind"], row["body"]) for row in await connection.fetch(query, order, limit)]


async def known_addresses(connection: Connection, email: str, limit: int) -> list[bytes]:
    query = "SELECT body FROM orders.known_address WHERE email = $1 ORDER BY id LIMIT $2"
    return [row["body"] for row in await connection.fetch(query, email, limit)]


async def remember_addresses(tx: Connection, rows: Sequence[tuple[str, str, bytes]]) -> None:
    """Remember addresses of e-mail addresses: (email, id, body)."""
    emails, ids, bodies = zip(*rows, strict=True)
    await tx.execute(
        """
        INSERT INTO orders.known_address (email, id, body)
        SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[]) ON CONFLICT DO NOTHING
        """,
        emails,
        ids,
        bodies,
    )
