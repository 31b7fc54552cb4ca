"""Revisions of festivals."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection
from nightmarket.promotions.contract.festivals import MAX_FESTIVALS, REVISIONS_SHOWN, Festival, Revision

_NEWEST = """
SELECT body FROM (
    SELECT DISTINCT ON (id) id, body FROM promotions.festival ORDER BY id, revision DESC
) AS latest ORDER BY id DESC LIMIT $1
"""
_LAST = "SELECT body FROM promotions.festival WHERE id = $1 ORDER BY revision DESC LIMIT 1"
_REVISIONS = "SELECT body, at, by FROM promotions.festival WHERE id = $1 ORDER BY revision DESC LIMIT $2"
_INSERT = """
INSERT INTO promotions.festival (id, revision, body, at, by) VALUES ($1, $2, $3::jsonb, $4, $5) ON CONFLICT DO NOTHING
"""


def _festival(body: str) -> Festival:
    return msgspec.json.decode(body, type=Festival)


async def newest(connection: Connection) -> list[Festival]:
    """The newest revision of each, at most MAX_FESTIVALS."""
    return [_festival(row[0]) for row in await connection.fetch(_NEWEST, MAX_FESTIVALS)]


async def count(connection: Connection) -> int:
    return await connection.fetchval("SELECT count(DISTINCT id) FROM promotions.festival")


async def last(connection: Connection, id: UUID) -> Festival | None:
    """The newest revision of one."""
    body = await connection.fetchval(_LAST, id)
    return _festival(body) if body else None


async def revisions(connection: Connection, id: UUID) -> Sequence[Revision]:
    """The newest first."""
    rows = await connection.fetch(_REVISIONS, id, REVISIONS_SHOWN)
    return [Revision(_festival(row["body"]), row["at"], row["by"]) for row in rows]


async def insert(tx: Connection, festival: Festival, at: datetime, by: str) -> bool:
    """Write a revision; False where it is there already."""
    body = msgspec.json.encode(festival).decode()
    return await tx.execute(_INSERT, festival.id, festival.revision, body, at, by) == "INSERT 0 1"
