"""Lines, tickets and draws."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.gate.contract import Lane
from nightmarket.platform.database import Connection, Record

LANES = (Lane.KNOWN, Lane.GUEST)
PAGE_OF_DRAW = 5_000
"""Rows of a draw that are read at a time."""


class Line(msgspec.Struct, frozen=True):
    """The places given out in a room, and the guests who were let in before the last of the front lane was."""

    last_known: int
    last_guest: int
    guests_served: int


class TicketRow(msgspec.Struct, frozen=True):
    """A ticket as it is kept."""

    room: UUID
    id: UUID
    lane: Lane
    turn: int
    number: int
    issued_at: datetime
    admitted_at: datetime | None
    drawn: bool


class NewTicket(msgspec.Struct, frozen=True):
    """A ticket to write; `draw` for one that takes part in the draw."""

    room: UUID
    id: UUID
    lane: Lane
    number: int
    draw: bytes | None
    turn: int = 0


async def draw(tx: Connection, id: UUID, now: datetime) -> bool:
    """Close the list of those who are drawn. False where that has been done, or the opening was moved meanwhile.

    The lock waits for every transaction that writes a ticket of the room, and those that come meanwhile wait for it and
    see the draw. Locks of rows would let them pass, one after another for as long as a crowd comes.
    """
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('gate.draw ' || $1, 0))", str(id))
    row = await tx.fetchrow(
        "SELECT 1 FROM gate.room WHERE id = $1 AND drawn_at IS NULL AND ended_at IS NULL AND opens_at <= $2 "
        "FOR NO KEY UPDATE",
        id,
        now,
    )
    if row is None:
        return False
    rows = await tx.fetch(
        "SELECT lane, count(*) FROM gate.ticket WHERE room = $1 AND draw IS NOT NULL GROUP BY lane", id
    )
    amounts: dict[int, int] = {row[0]: row[1] for row in rows}
    known, guests = amounts.get(0, 0), amounts.get(1, 0)
    await tx.execute(
        "UPDATE gate.room SET drawn_at = $2, drawn = $3, drawn_guests = $4, version = version + 1 WHERE id = $1",
        id,
        now,
        known,
        guests,
    )
    await tx.execute("UPDATE gate.line SET last_known = $2, last_guest = $3 WHERE room = $1", id, known, guests)
    return True


async def lines(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Line]:
    """The lines of rooms as they stand."""
    rows = await connection.fetch(
        "SELECT room, last_known, last_guest, guests_served FROM gate.line WHERE room = ANY($1)", ids
    )
    return {row[0]: Line(row[1], row[2], row[3]) for row in rows}


async def people(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many tickets rooms have given out."""
    rows = await connection.fetch("SELECT room, count(*) FROM gate.ticket WHERE room = ANY($1) GROUP BY room", ids)
    return {row[0]: row[1] for row in rows}


async def roll(connection: Connection, id: UUID, lane: Lane) -> bytes:
    """All lots of a lane, sorted, one after another."""
    found = await connection.fetchval(
        "SELECT string_agg(draw, ''::bytea ORDER BY draw) FROM gate.ticket WHERE room = $1 AND lane = $2 "
        "AND draw IS NOT NULL",
        id,
        LANES.index(lane),
    )
    return found or b""


async def drawn_tickets(connection: Connection, id: UUID, lane: Lane) -> AsyncIterator[list[UUID]]:
    """The tickets of a draw in their order, some at a time."""
    after: bytes | None = b""
    while after is not None:
        page, after = await page_of_draw(connection, id, lane, after)
        if page:
            yield page


async def page_of_draw(connection: Connection, id: UUID, lane: Lane, after: bytes) -> tuple[list[UUID], bytes | None]:
    """The next tickets of a draw behind a lot, and the lot behind which it goes on; None at the end."""
    rows = await connection.fetch(
        "SELECT id, draw FROM gate.ticket WHERE room = $1 AND lane = $2 AND draw > $3 ORDER BY draw LIMIT $4",
        id,
        LANES.index(lane),
        after,
        PAGE_OF_DRAW,
    )
    return [row[0] for row in rows], rows[-1][1] if len(rows) == PAGE_OF_DRAW else None


async def share_rooms(tx: Connection, ids: Iterable[UUID]) -> dict[UUID, bool]:
    """Of the rooms that give tickets, whether they are drawn; no draw happens until the transaction ends."""
    wanted = sorted(ids)
    await tx.execute(
        "SELECT pg_advisory_xact_lock_shared(hashtextextended('gate.draw ' || id, 0)) FROM unnest($1::uuid[]) AS w(id)",
        wanted,
    )
    rows = await tx.fetch(
        "SELECT id, drawn_at IS NOT NULL FROM gate.room WHERE id = ANY($1) AND ended_at IS NULL", wanted
    )
    return {row[0]: row[1] for row in rows}


async def lock_line(tx: Connection, id: UUID) -> Line:
    """A room's line, held until the transaction ends."""
    row = await tx.fetchrow(
        "SELECT last_known, last_guest, guests_served FROM gate.line WHERE room = $1 FOR UPDATE", id
    )
    assert row is not None
    return Line(row[0], row[1], row[2])


async def write_line(tx: Connection, id: UUID, line: Line) -> None:
    await tx.execute(
        "UPDATE gate.line SET last_known = $2, last_guest = $3, guests_served = $4 WHERE room = $1",
        id,
        line.last_known,
        line.last_guest,
        line.guests_served,
    )


async def tickets(tx: Connection, wanted: Sequence[tuple[UUID, UUID]]) -> Mapping[tuple[UUID, UUID], TicketRow]:
    """Tickets by room and id."""
    rows = await tx.fetch(
        """
        SELECT t.room, t.id, t.lane, t.turn, t.number, t.issued_at, t.admitted_at, t.draw IS NOT NULL
        FROM unnest($1::uuid[], $2::uuid[]) AS w (room, id) JOIN gate.ticket t ON t.room = w.room AND t.id = w.id
        """,
        [room for room, _ in wanted],
        [id for _, id in wanted],
    )
    return {(row[0], row[1]): _ticket(row) for row in rows}


def _ticket(row: Record) -> TicketRow:
    return TicketRow(row[0], row[1], LANES[int(row[2])], row[3], row[4], row[5], row[6], row[7])


async def write_tickets(tx: Connection, new: Sequence[NewTicket], now: datetime) -> None:
    """Write tickets; one that is there already is left as it is, unless this is a later turn of it."""
    new = sorted(new, key=lambda one: (one.room, one.id))
    await tx.execute(
        """
        INSERT INTO gate.ticket AS t (room, id, lane, turn, number, draw, issued_at)
        SELECT *, $7::timestamptz
        FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::integer[], $5::bigint[], $6::bytea[])
        ON CONFLICT (room, id) DO UPDATE SET
            lane = excluded.lane, turn = excluded.turn, number = excluded.number, issued_at = excluded.issued_at,
            admitted_at = NULL
        WHERE t.turn < excluded.turn
        """,
        [one.room for one in new],
        [one.id for one in new],
        [LANES.index(one.lane) for one in new],
        [one.turn for one in new],
        [one.number for one in new],
        [one.draw for one in new],
        now,
    )


async def admit(tx: Connection, wanted: Sequence[tuple[UUID, UUID, int]], now: datetime) -> dict[UUID, datetime]:
    """Mark tickets as used, of the turn named; returns when each was, which is earlier for one used before."""
    rows = await tx.fetch(
        """
        WITH w AS MATERIALIZED (
            SELECT t.room, t.id FROM unnest($1::uuid[], $2::uuid[], $3::integer[]) AS n (room, id, turn)
            JOIN gate.ticket t ON t.room = n.room AND t.id = n.id AND t.turn = n.turn
            ORDER BY t.room, t.id FOR NO KEY UPDATE OF t
        )
        UPDATE gate.ticket t SET admitted_at = coalesce(t.admitted_at, $4::timestamptz)
        FROM w WHERE t.room = w.room AND t.id = w.id RETURNING t.id, t.admitted_at
        """,
        [room for room, _, _ in wanted],
        [id for _, id, _ in wanted],
        [turn for _, _, turn in wanted],
        now,
    )
    return {row[0]: row[1] for row in rows}


async def counts(connection: Connection, id: UUID) -> tuple[int, int, int]:
    """Tickets, how many of them are guests', and how many were used; those that were swept too."""
    row = await connection.fetchrow(
        """
        SELECT r.swept_tickets + t.tickets, r.swept_guests + t.guests, r.swept_used + t.used
        FROM gate.room r, LATERAL (
            SELECT count(*) AS tickets, count(*) FILTER (WHERE lane = 1) AS guests, count(admitted_at) AS used
            FROM gate.ticket WHERE room = r.id) t
        WHERE r.id = $1
        """,
        id,
    )
    return (row[0], row[1], row[2]) if row else (0, 0, 0)
