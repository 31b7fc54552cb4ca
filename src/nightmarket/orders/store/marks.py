"""Queries on older marks: idempotency keys for which their sessions have no more room."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from nightmarket.platform.database import Connection


async def older_marks(tx: Connection, pairs: Sequence[tuple[UUID, bytes]]) -> dict[tuple[UUID, bytes], bytes]:
    """Of these (session, key) the ones that are known, each with the digest of its request's body."""
    sessions, keys = zip(*pairs, strict=True)
    rows = await tx.fetch(
        """
        SELECT m.session, m.key, m.body FROM orders.older_mark m
        JOIN unnest($1::uuid[], $2::bytea[]) AS d(session, key) ON m.session = d.session AND m.key = d.key
        """,
        sessions,
        keys,
    )
    return {(row["session"], row["key"]): row["body"] for row in rows}


async def insert_older_marks(tx: Connection, rows: Sequence[tuple[UUID, bytes, bytes, datetime]]) -> None:
    """Keep (session, key, body, moved_at), the first of each session and key."""
    await tx.execute(
        """
        INSERT INTO orders.older_mark (session, key, body, moved_at)
        SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::timestamptz[]) ON CONFLICT DO NOTHING
        """,
        *zip(*rows, strict=True),
    )


async def sweep_older_marks(tx: Connection, before: datetime, limit: int) -> int:
    """Delete those that were moved before; returns how many."""
    rows = await tx.fetch(
        """
        DELETE FROM orders.older_mark WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM orders.older_mark WHERE moved_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))
        RETURNING 1
        """,
        before,
        limit,
    )
    return len(rows)
