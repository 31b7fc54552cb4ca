"""Queries on carts and checkout sessions. Locks are taken in order of id."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.orders.model.session import SessionBody, SessionKind, SessionState
from nightmarket.platform.database import Connection, Record
from nightmarket.platform.pipeline import ahead, later

PACK = msgspec.msgpack.Encoder(uuid_format="bytes")

SESSION_BODY = msgspec.msgpack.Decoder(SessionBody)


async def lock_sessions(tx: Connection, ids: Iterable[UUID]) -> list[Record]:
    """Lock sessions in order of id: (id, owner, kind, state, attempt, version, body, expires_at, prepared)."""
    return await tx.fetch(
        """
        SELECT id, owner, kind, state, attempt, version, body, expires_at, prepared FROM orders.session
        WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE
        """,
        list(ids),
    )


_PLAIN = f"""
SELECT id, owner, prepared, xmin AS seen, ctid AS place FROM orders.session
WHERE id = ANY($1::uuid[]) AND kind = {SessionKind.CHECKOUT:d} AND attempt = 0 AND expires_at >= $2
    AND state IN ({SessionState.READY:d}, {SessionState.INCOMPLETE:d}) AND prepared IS NOT NULL
ORDER BY id
"""


async def plain_sessions(tx: Connection, ids: Sequence[UUID], now: datetime) -> list[Record]:
    """Of these the open checkouts that nobody has tried to complete before and whose order was prepared, in order of id
    and without a lock: (id, owner, prepared, seen, place), of which any change of the row changes `seen`. `place` is
    where this version of it lies, which spares looking for it twice."""
    return await tx.fetch(_PLAIN, ids, now)


_HOLD = """
WITH held AS (SELECT 1 FROM orders.session WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE)
SELECT 1 FROM held HAVING count(*) < 0
"""
"""Returns nothing."""


async def hold_sessions(tx: Connection, ids: Iterable[UUID]) -> None:
    """As `lock_sessions`, for whoever has nothing to read in them."""
    await ahead(tx, _HOLD, list(ids))


async def try_lock_sessions(tx: Connection, ids: Iterable[UUID]) -> list[Record]:
    """As `lock_sessions`, leaving out those that someone else is at."""
    return await tx.fetch(
        """
        SELECT id, owner, kind, state, attempt, version, body, expires_at FROM orders.session
        WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE SKIP LOCKED
        """,
        list(ids),
    )


async def open_bodies(
    connection: Connection, ids: Sequence[UUID], states: Sequence[int], now: datetime
) -> list[tuple[UUID, SessionBody]]:
    """Of these sessions the ones in such a state whose time is not up: owner and what is packed."""
    rows = await connection.fetch(
        """
        SELECT owner, body FROM orders.session
        WHERE id = ANY($1::uuid[]) AND state = ANY($2::int[]) AND expires_at > $3
        """,
        ids,
        states,
        now,
    )
    return [(row[0], SESSION_BODY.decode(row[1])) for row in rows]


async def read_session(connection: Connection, id: UUID) -> Record | None:
    return await connection.fetchrow(
        """
        SELECT id, owner, kind, state, attempt, version, body, expires_at FROM orders.session WHERE id = $1
        """,
        id,
    )


NewSession = tuple[UUID, UUID, int, int, bytes, bytes, datetime, datetime, bytes | None]
"""id, owner, kind, state, request, body, created_at, expires_at, prepared."""


async def insert_sessions(tx: Connection, rows: Sequence[NewSession]) -> set[UUID]:
    """Insert sessions where missing; returns the ids that were new."""
    columns = zip(*rows, strict=True)
    made = await tx.fetch(
        """
        INSERT INTO orders.session (id, owner, kind, state, request, body, created_at, expires_at, prepared)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::smallint[], $5::bytea[], $6::bytea[],
            $7::timestamptz[], $8::timestamptz[], $9::bytea[]) ORDER BY 1
        ON CONFLICT DO NOTHING RETURNING id
        """,
        *columns,
    )
    return {row[0] for row in made}


async def requests(tx: Connection, ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """The fingerprint of the request that made each session."""
    rows = await tx.fetch("SELECT id, request FROM orders.session WHERE id = ANY($1::uuid[])", ids)
    return {row["id"]: row["request"] for row in rows}


NewBody = tuple[UUID, int, bytes, datetime, bytes | None]
"""id, state, body, expires_at, prepared."""


async def write_bodies(tx: Connection, rows: Sequence[NewBody]) -> None:
    """Replace what locked sessions contain. What was prepared of the body before goes with it."""
    ids, states, bodies, expiries, prepared = zip(*rows, strict=True)
    await tx.execute(
        """
        UPDATE orders.session AS s SET state = d.state, body = d.body, expires_at = d.expires_at,
            prepared = d.prepared, version = s.version + 1
        FROM unnest($1::uuid[], $2::smallint[], $3::bytea[], $4::timestamptz[], $5::bytea[])
            AS d(id, state, body, expires_at, prepared)
        WHERE s.id = d.id
        """,
        ids,
        states,
        bodies,
        expiries,
        prepared,
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
    """Close sessions. Nothing more is prepared of them, which leaves room on the page for the row's new version."""
    await tx.execute("UPDATE orders.session SET state = $2, prepared = NULL WHERE id = ANY($1::uuid[])", ids, state)


async def place_sessions(tx: Connection, ids: Sequence[UUID], state: int, due_at: datetime) -> None:
    """Close sessions whose orders were placed, to be looked after at that time (see `awaited`)."""
    await later(
        tx,
        """
        WITH noted AS (INSERT INTO orders.awaited (due_at, orders) VALUES ($3, $1))
        UPDATE orders.session SET state = $2, prepared = NULL WHERE id = ANY($1::uuid[])
        """,
        ids,
        state,
        due_at,
    )


PLACE_SEEN = """
WITH noted AS (INSERT INTO orders.awaited (due_at, orders) VALUES ($3, $1)), placed AS (
    UPDATE orders.session AS s SET state = $2, prepared = NULL
    FROM unnest($1::uuid[], $4::xid[], $5::tid[]) AS d(id, seen, place)
    WHERE s.ctid = d.place AND s.id = d.id AND s.xmin = d.seen RETURNING 1
)
SELECT ('so many sessions are as they were read: ' || count(*))::integer FROM placed
HAVING count(*) <> cardinality($1::uuid[])
"""
"""Returns nothing."""


async def place_seen(tx: Connection, sessions: Sequence[Record], state: int, due_at: datetime) -> None:
    """As `place_sessions`, of `plain_sessions`, in their order: the transaction fails if one of them is no longer as it
    was read."""
    ids = [one["id"] for one in sessions]
    seen, places = [one["seen"] for one in sessions], [one["place"] for one in sessions]
    await later(tx, PLACE_SEEN, ids, state, due_at, seen, places)


async def reopen_sessions(tx: Connection, ids: Sequence[UUID], state: int) -> None:
    """Let sessions be completed again: the next attempt counts one more."""
    await tx.execute(
        "UPDATE orders.session SET state = $2, attempt = attempt + 1 WHERE id = ANY($1::uuid[])", ids, state
    )


async def session_states(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    """State and attempt of each session."""
    rows = await connection.fetch("SELECT id, state, attempt FROM orders.session WHERE id = ANY($1::uuid[])", ids)
    return {row["id"]: (row["state"], row["attempt"]) for row in rows}


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
