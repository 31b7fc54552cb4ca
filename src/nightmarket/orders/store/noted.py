"""What is noted of orders and of those who order."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from nightmarket.platform.database import Connection


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
