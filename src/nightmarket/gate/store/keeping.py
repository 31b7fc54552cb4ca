"""What was measured, what may go, and what the audit looks at."""

from datetime import datetime
from uuid import UUID

from nightmarket.gate.contract import CAPACITIES_SHOWN, Capacity
from nightmarket.platform.database import Connection

from .room_rows import FORGOTTEN_HOURS

FINDINGS_LIMIT = 100
"""Rows that one rule of the audit names at most."""


async def over_with_tickets(tx: Connection, now: datetime) -> UUID | None:
    """The room that ended first of those whose tickets may go; nobody else sweeps it until the transaction ends."""
    return await tx.fetchval(
        f"""
        SELECT id FROM gate.room
        WHERE ended_at <= $1::timestamptz - interval '{FORGOTTEN_HOURS} hours' AND swept_at IS NULL
        ORDER BY ended_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
        """,
        now,
    )


async def sweep_tickets(tx: Connection, id: UUID, limit: int) -> int:
    """Let so many tickets of a room go, and count them in its row."""
    row = await tx.fetchrow(
        """
        WITH gone AS (
            DELETE FROM gate.ticket WHERE ctid = ANY (ARRAY(SELECT ctid FROM gate.ticket WHERE room = $1 LIMIT $2))
            RETURNING lane, admitted_at),
        sums AS (SELECT count(*) AS n, count(*) FILTER (WHERE lane = 1) AS guests, count(admitted_at) AS used FROM gone)
        UPDATE gate.room r SET swept_tickets = r.swept_tickets + n, swept_guests = r.swept_guests + guests,
            swept_used = r.swept_used + used
        FROM sums WHERE r.id = $1 RETURNING n
        """,
        id,
        limit,
    )
    return row[0] if row else 0


async def note_swept(tx: Connection, id: UUID, now: datetime) -> None:
    await tx.execute("UPDATE gate.room SET swept_at = $2 WHERE id = $1", id, now)


async def sweep_capacities(tx: Connection, kept: int, limit: int) -> int:
    """Let measurements go that are older than the newest `kept`."""
    done = await tx.execute(
        """
        DELETE FROM gate.capacity WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM gate.capacity ORDER BY at DESC, source OFFSET $1 LIMIT $2))
        """,
        kept,
        limit,
    )
    return int(done.rpartition(" ")[2])


async def insert_capacity(tx: Connection, measured: Capacity) -> None:
    await tx.execute(
        """
        INSERT INTO gate.capacity (at, source, orders_per_second, at_least) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING
        """,
        measured.at,
        measured.source,
        measured.orders_per_second,
        measured.at_least,
    )


async def capacities(connection: Connection) -> list[Capacity]:
    """The newest measurements first."""
    rows = await connection.fetch(
        f"SELECT at, orders_per_second, source, at_least FROM gate.capacity ORDER BY at DESC LIMIT {CAPACITIES_SHOWN}"
    )
    return [Capacity(row[0], row[1], row[2], row[3]) for row in rows]


_AUDITS = {
    "a place belongs to one ticket": """
        SELECT room || ' ' || lane || ' ' || number, '1 ticket', count(*) || ' tickets' FROM gate.ticket
        WHERE number > 0 GROUP BY room, lane, number HAVING count(*) > 1 LIMIT $1
    """,
    "numbered places lie behind the draw and are counted": """
        SELECT t.room || ' ' || t.id, 'within the line', t.number::text
        FROM gate.ticket t JOIN gate.room r ON r.id = t.room JOIN gate.line l ON l.room = t.room
        WHERE t.number > 0 AND (r.drawn_at IS NULL
            OR t.number <= CASE t.lane WHEN 0 THEN r.drawn ELSE r.drawn_guests END
            OR t.number > CASE t.lane WHEN 0 THEN l.last_known ELSE l.last_guest END) LIMIT $1
    """,
    "the draw has the tickets that it says": """
        SELECT r.id::text, r.drawn || ' + ' || r.drawn_guests, d.known || ' + ' || d.guests FROM gate.room r,
            LATERAL (SELECT count(*) FILTER (WHERE lane = 0) AS known, count(*) FILTER (WHERE lane = 1) AS guests
                FROM gate.ticket t WHERE t.room = r.id AND t.draw IS NOT NULL) d
        WHERE r.drawn_at IS NOT NULL AND r.swept_tickets = 0 AND r.swept_at IS NULL
            AND (d.known, d.guests) <> (r.drawn, r.drawn_guests) LIMIT $1
    """,
    "the secret fits its fingerprint": """
        SELECT id::text, encode(seed_hash, 'hex'), encode(sha256(seed), 'hex') FROM gate.room
        WHERE sha256(seed) <> seed_hash LIMIT $1
    """,
}


async def audit(connection: Connection) -> list[tuple[str, str, str, str]]:
    """Rows that break an invariant: rule, row, what was expected and found."""
    return [
        (rule, row[0], row[1], row[2])
        for rule, query in _AUDITS.items()
        for row in await connection.fetch(query, FINDINGS_LIMIT)
    ]


async def drawn_rooms(connection: Connection) -> list[tuple[UUID, bytes]]:
    """Every room that was drawn, with its secret."""
    rows = await connection.fetch("SELECT id, seed FROM gate.room WHERE drawn_at IS NOT NULL ORDER BY id")
    return [(row[0], row[1]) for row in rows]
