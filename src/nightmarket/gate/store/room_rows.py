"""Rooms and their rates."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from nightmarket.gate.contract import MAX_ROOMS, PAST_SHOWN, Guards, Room, Step
from nightmarket.platform.database import Connection, Record

FORGOTTEN_HOURS = 24
"""How long an ended room is still remembered."""

REMEMBERED_ROOMS = 40
"""Rooms that have just ended of which each process knows; of those that live, which are MAX_ROOMS at most, all."""

_ROOM = """
id, name, guards, product, variants, gathers_at, opens_at, ended_at, drawn_at, drawn, drawn_guests, pass_minutes,
follows, seed, seed_hash, version, swept_at
"""


async def rooms(connection: Connection, now: datetime) -> list[Room]:
    """Every room that is not over, and the newest of those that have just ended, with their rates."""
    rows = await connection.fetch(
        f"""
        (SELECT {_ROOM} FROM gate.room WHERE ended_at IS NULL)
        UNION ALL
        (SELECT {_ROOM} FROM gate.room WHERE ended_at > $1::timestamptz - interval '{FORGOTTEN_HOURS} hours'
         ORDER BY ended_at DESC, id LIMIT {REMEMBERED_ROOMS})
        """,
        now,
    )
    steps = await _steps(connection, [row["id"] for row in rows])
    return sorted((_room(row, steps.get(row["id"], ())) for row in rows), key=lambda room: (room.opens_at, room.id))


async def room(tx: Connection, id: UUID) -> Room | None:
    """One room, kept from others that would change it until the transaction ends."""
    row = await tx.fetchrow(f"SELECT {_ROOM} FROM gate.room WHERE id = $1 FOR NO KEY UPDATE", id)
    return _room(row, (await _steps(tx, [id])).get(id, ())) if row else None


async def is_made(connection: Connection, id: UUID) -> bool:
    """Whether there is a room with this id, whatever became of it."""
    return await connection.fetchval("SELECT EXISTS (SELECT FROM gate.room WHERE id = $1)", id)


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
        swept_at=row["swept_at"],
    )


async def past(connection: Connection, before: UUID | None) -> list[Room]:
    """Rooms that are over, the newest first; ids tell when a room was made."""
    rows = await connection.fetch(
        f"SELECT {_ROOM} FROM gate.room WHERE ended_at IS NOT NULL AND ($1::uuid IS NULL OR id < $1) "
        "ORDER BY id DESC LIMIT $2",
        before,
        PAST_SHOWN,
    )
    return [_room(row, ()) for row in rows]


async def open_rooms(tx: Connection) -> int:
    """How many rooms are not over; whoever makes one meanwhile waits until the transaction ends."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('gate.rooms', 0))")
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


async def edit_room(tx: Connection, edited: Room) -> None:
    """Write what was edited; before the opening its only rate is the one that holds from then on."""
    await tx.execute(
        """
        UPDATE gate.room SET name = $2, pass_minutes = $3, gathers_at = $4, opens_at = $5, version = version + 1
        WHERE id = $1
        """,
        edited.id,
        edited.name,
        edited.pass_minutes,
        edited.gathers_at,
        edited.opens_at,
    )


async def move_steps(tx: Connection, id: UUID, step: Step) -> None:
    """Before the opening nothing of the rates has counted yet: the last of them holds from the new instant on."""
    await tx.execute("DELETE FROM gate.step WHERE room = $1", id)
    await insert_steps(tx, [(id, step)])


async def following(tx: Connection) -> list[Room]:
    """The rooms whose rate follows measured capacity, kept from others until the transaction ends."""
    ids = await tx.fetch("SELECT id FROM gate.room WHERE follows AND ended_at IS NULL ORDER BY id LIMIT $1", MAX_ROOMS)
    found = [await room(tx, row[0]) for row in ids]
    return [one for one in found if one is not None and one.follows and one.ended_at is None]
