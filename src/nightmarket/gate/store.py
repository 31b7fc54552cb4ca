"""All SQL of the waiting rooms."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection, Record

from .contract import CAPACITIES_SHOWN, MAX_ROOMS, Capacity, Guards, Lane, Room, Step

LANES = (Lane.KNOWN, Lane.GUEST)
PAGE_OF_DRAW = 5_000
"""Rows of a draw that are read at a time."""

FINDINGS_LIMIT = 100
"""Rows that one rule of the audit names at most."""

FORGOTTEN_HOURS = 24
"""How long an ended room is still remembered."""


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


_ROOM = """
id, name, guards, product, variants, gathers_at, opens_at, ended_at, drawn_at, drawn, drawn_guests, pass_minutes,
follows, seed, seed_hash, version
"""


async def rooms(connection: Connection, now: datetime) -> list[Room]:
    """Every room that is not long over, the newest of them, with its rates."""
    rows = await connection.fetch(
        f"""
        SELECT {_ROOM} FROM gate.room
        WHERE ended_at IS NULL OR ended_at > $1::timestamptz - interval '{FORGOTTEN_HOURS} hours'
        ORDER BY opens_at DESC, id LIMIT {MAX_ROOMS * 2}
        """,
        now,
    )
    steps = await _steps(connection, [row["id"] for row in rows])
    return sorted((_room(row, steps.get(row["id"], ())) for row in rows), key=lambda room: (room.opens_at, room.id))


async def room(tx: Connection, id: UUID) -> Room | None:
    """One room, kept from others that would change it until the transaction ends."""
    row = await tx.fetchrow(f"SELECT {_ROOM} FROM gate.room WHERE id = $1 FOR NO KEY UPDATE", id)
    return _room(row, (await _steps(tx, [id])).get(id, ())) if row else None


async def _steps(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, tuple[Step, ...]]:
    rows = await connection.fetch(
        "SELECT room, at, rate_milli, by FROM gate.step WHERE room = ANY($1) ORDER BY room, at", ids
    )
    found: dict[UUID, tuple[Step, ...]] = {}
    for row in rows:
        found[row[0]] = (*found.get(row[0], ()), Step(row[1], row[2], row[3]))
    return found


def _room(row: Record, steps: tuple[Step, ...]) -> Room:
    return Room(
        id=row["id"],
        name=row["name"],
        guards=Guards(row["guards"]),
        product=row["product"],
        variants=frozenset(row["variants"]),
        gathers_at=row["gathers_at"],
        opens_at=row["opens_at"],
        ended_at=row["ended_at"],
        drawn_at=row["drawn_at"],
        drawn=row["drawn"],
        drawn_guests=row["drawn_guests"],
        pass_minutes=row["pass_minutes"],
        follows=row["follows"],
        seed=row["seed"],
        seed_hash=row["seed_hash"],
        steps=steps,
        version=row["version"],
    )


async def open_rooms(tx: Connection) -> int:
    """How many rooms are not over."""
    return await tx.fetchval("SELECT count(*) FROM gate.room WHERE ended_at IS NULL")


async def insert_room(tx: Connection, made: Room) -> None:
    """Write a room with its first rates and its empty line."""
    await tx.execute(
        """
        INSERT INTO gate.room
            (id, name, guards, product, variants, gathers_at, opens_at, pass_minutes, follows, seed, seed_hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        made.id,
        made.name,
        made.guards.value,
        made.product,
        sorted(made.variants),
        made.gathers_at,
        made.opens_at,
        made.pass_minutes,
        made.follows,
        made.seed,
        made.seed_hash,
    )
    await tx.execute("INSERT INTO gate.line (room) VALUES ($1)", made.id)
    await insert_steps(tx, [(made.id, step) for step in made.steps])


async def insert_steps(tx: Connection, steps: Sequence[tuple[UUID, Step]]) -> None:
    """Write changes of rates."""
    await tx.execute(
        """
        INSERT INTO gate.step (room, at, rate_milli, by)
        SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::text[])
        """,
        [room for room, _ in steps],
        [step.at for _, step in steps],
        [step.rate_milli for _, step in steps],
        [step.by for _, step in steps],
    )


async def set_room(tx: Connection, id: UUID, *, follows: bool, ended_at: datetime | None) -> None:
    """Change what may change of a room."""
    await tx.execute(
        "UPDATE gate.room SET follows = $2, ended_at = $3, version = version + 1 WHERE id = $1", id, follows, ended_at
    )


async def following(tx: Connection) -> list[Room]:
    """The rooms whose rate follows measured capacity, kept from others until the transaction ends."""
    ids = await tx.fetch("SELECT id FROM gate.room WHERE follows AND ended_at IS NULL ORDER BY id LIMIT $1", MAX_ROOMS)
    found = [await room(tx, row[0]) for row in ids]
    return [one for one in found if one is not None and one.follows and one.ended_at is None]


async def draw(tx: Connection, id: UUID, now: datetime) -> bool:
    """Close the list of those who are drawn. False where that has been done.

    The lock waits for every transaction that writes a ticket of the room, and those that come meanwhile wait for it and
    see the draw. Locks of rows would let them pass, one after another for as long as a crowd comes.
    """
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('gate.draw ' || $1, 0))", str(id))
    row = await tx.fetchrow(
        "SELECT 1 FROM gate.room WHERE id = $1 AND drawn_at IS NULL AND ended_at IS NULL FOR NO KEY UPDATE", id
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
    """Tickets, how many of them are guests', and how many were used."""
    row = await connection.fetchrow(
        "SELECT count(*), count(*) FILTER (WHERE lane = 1), count(admitted_at) FROM gate.ticket WHERE room = $1", id
    )
    return (row[0], row[1], row[2]) if row else (0, 0, 0)


async def insert_capacity(tx: Connection, measured: Capacity) -> None:
    await tx.execute(
        "INSERT INTO gate.capacity (at, source, orders_per_second) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        measured.at,
        measured.source,
        measured.orders_per_second,
    )


async def capacities(connection: Connection) -> list[Capacity]:
    """The newest measurements first."""
    rows = await connection.fetch(
        f"SELECT at, orders_per_second, source FROM gate.capacity ORDER BY at DESC LIMIT {CAPACITIES_SHOWN}"
    )
    return [Capacity(row[0], row[1], row[2]) for row in rows]


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
        WHERE r.drawn_at IS NOT NULL AND (d.known, d.guests) <> (r.drawn, r.drawn_guests) LIMIT $1
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
