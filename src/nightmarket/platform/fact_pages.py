"""Facts for people to look at: the newest first, and those that name one thing. Consumers use `facts.read`."""

from datetime import datetime
from uuid import UUID

from .database import Connection, Record
from .facts import Cursor, Fact

PAGE_LIMIT = 100
LOOKED_AT = 400
"""Rows that a search for one thing looks through, from its beginning and from the newest back."""

_COLUMNS = "id, epoch, xid::text::bigint AS xid, sequence, at, kind, amount, payload"

_NEWEST = f"""
SELECT {_COLUMNS} FROM platform.fact
WHERE ($1::uuid IS NULL OR id < $1) AND starts_with(kind, $2) ORDER BY id DESC LIMIT $3
"""
_NAMING = f"""
SELECT {_COLUMNS} FROM (
    (SELECT * FROM platform.fact WHERE id >= $2 ORDER BY id LIMIT $3)
    UNION (SELECT * FROM platform.fact WHERE id >= $2 ORDER BY id DESC LIMIT $3)
) AS looked_at
WHERE position($1::bytea IN payload) > 0 OR position($5::bytea IN payload) > 0 ORDER BY id LIMIT $4
"""


def _fact(row: Record) -> Fact:
    cursor = Cursor(row["epoch"], row["xid"], row["sequence"])
    return Fact(row["id"], cursor, row["at"], row["kind"], row["amount"], row["payload"])


async def newest(connection: Connection, kind: str = "", before: UUID | None = None, limit: int = 50) -> list[Fact]:
    """Facts whose kind begins with `kind`, newest first, older than the given one."""
    return [_fact(row) for row in await connection.fetch(_NEWEST, before, kind, min(limit, PAGE_LIMIT))]


async def naming(connection: Connection, thing: UUID, since: datetime, limit: int = PAGE_LIMIT) -> list[Fact]:
    """Facts since an instant that name the thing, oldest first; bounded by LOOKED_AT, so some may be missed."""
    start = UUID(int=int(since.timestamp() * 1000) << 80)
    # facts of older releases hold ids as text
    rows = await connection.fetch(_NAMING, thing.bytes, start, LOOKED_AT, limit, str(thing).encode())
    return [_fact(row) for row in rows]
