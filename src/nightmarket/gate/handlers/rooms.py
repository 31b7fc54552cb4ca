"""What operators do with rooms: make one, change how fast people come in, end it; and what measurements do to rates."""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from nightmarket.gate import store
from nightmarket.gate.contract import (
    CAPACITY_SHARE_MILLI,
    FREE_RATE_MILLI,
    LEAD_SECONDS,
    LEAST_PASS_MINUTES,
    MAX_NAME_LETTERS,
    MAX_RATE_MILLI,
    MAX_ROOMS,
    MAX_STEPS,
    MOST_GATHER_HOURS,
    MOST_PASS_MINUTES,
    Capacity,
    CapacityNoted,
    Flaw,
    Guards,
    NewRoom,
    Room,
    RoomChanged,
    RoomEdit,
    Step,
)
from nightmarket.gate.errors import RoomNotFound, RoomRefused
from nightmarket.gate.model import hash_of, in_force, last_rate, step_instant
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import Ids
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import Facts

SEED_BYTES = 32
MAX_SOURCE_LETTERS = 100
MAX_ORDERS_PER_SECOND = 1_000_000.0
UNMEASURED = "Nobody has measured yet what the shop can do, so write a rate."


def share_of(measured: Capacity) -> int:
    """The rate (thousandths a second) that a measured capacity allows."""
    return max(1, min(MAX_RATE_MILLI, int(measured.orders_per_second * CAPACITY_SHARE_MILLI)))


class Operating:
    """Changes rooms. Every change is a fact, by which all processes learn of it."""

    def __init__(self, facts: Facts, clock: Clock, ids: Ids) -> None:
        self._facts = facts
        self._clock = clock
        self._ids = ids

    async def flaws(self, connection: Connection, new: NewRoom) -> Sequence[Flaw]:
        """All that is wrong with a new room, at once; nothing where it is made already."""
        if new.id is not None and await store.is_made(connection, new.id):
            return []
        found = [*_flaws(new), *_time_flaws(new.gathers_at, new.opens_at, self._clock.now())]
        if new.rate_milli is None and in_force(await store.capacities(connection)) is None:
            found.append(Flaw("rate", UNMEASURED))
        return found

    def edit_flaws(self, room: Room, edit: RoomEdit) -> Sequence[Flaw]:
        """All that is wrong with what a room is to become, at once."""
        now, found = self._clock.now(), list(_word_flaws(edit.name.strip(), edit.pass_minutes))
        if _gathering(edit) == (room.gathers_at, room.opens_at):
            return found
        if room.drawn_at is not None or now + timedelta(seconds=LEAD_SECONDS) > room.opens_at:
            return [*found, Flaw("opens_at", "The doors are open, so their opening cannot be moved any more.")]
        return [*found, *_time_flaws(edit.gathers_at, edit.opens_at, now)]

    async def make(self, tx: Connection, new: NewRoom, by: str) -> Room:
        now = self._clock.now()
        made = await store.room(tx, new.id) if new.id is not None else None
        if made is not None:
            return made
        _refuse(await self.flaws(tx, new))
        if await store.open_rooms(tx) >= MAX_ROOMS:
            raise RoomRefused(f"There are {MAX_ROOMS} rooms already; end one that is no longer needed.")
        rate = new.rate_milli if new.rate_milli is not None else share_of(await _newest(tx))
        opens_at = max(new.opens_at, now + timedelta(seconds=LEAD_SECONDS))
        seed = os.urandom(SEED_BYTES)
        room = Room(
            id=new.id or self._ids.new(),
            name=new.name.strip(),
            guards=new.guards,
            product=new.product,
            variants=new.variants,
            gathers_at=max(min(new.gathers_at, opens_at), now),
            opens_at=opens_at,
            ended_at=None,
            drawn_at=None,
            drawn=0,
            drawn_guests=0,
            pass_minutes=new.pass_minutes,
            follows=new.rate_milli is None,
            seed=seed,
            seed_hash=hash_of(seed),
            steps=(Step(opens_at, rate, by),),
            version=1,
        )
        await store.insert_room(tx, room)
        await self._tell(tx, room.id, "made", now)
        return room

    async def set_rate(self, tx: Connection, id: UUID, rate_milli: int | None, by: str) -> Room:
        now = self._clock.now()
        room = await _living(tx, id)
        follows = room.follows
        if rate_milli is None:
            rate_milli, follows = share_of(await _newest(tx)), True
        elif rate_milli not in (0, FREE_RATE_MILLI):
            follows = False
        if not (0 <= rate_milli <= MAX_RATE_MILLI or rate_milli == FREE_RATE_MILLI):
            raise RoomRefused(f"Let in between 0 and {MAX_RATE_MILLI // 1_000} people a second.", field="rate")
        if rate_milli == last_rate(room.steps) and follows == room.follows:
            return room
        await self._step(tx, room, rate_milli, by, now)
        await store.set_room(tx, id, follows=follows, ended_at=None)
        await self._tell(tx, id, "rate", now)
        return await _living(tx, id)

    async def edit(self, tx: Connection, id: UUID, edit: RoomEdit) -> Room:
        """Name and length of a visit at any time; when people gather and the doors open only until they do, since what
        was drawn and called afterwards stays. Asked twice for the same, it is done once."""
        now = self._clock.now()
        room = await _living(tx, id)
        told = msgspec.structs.replace(
            room,
            name=edit.name.strip(),
            pass_minutes=edit.pass_minutes,
            gathers_at=_gathering(edit)[0],
            opens_at=edit.opens_at,
        )
        if told == room:
            return room
        if edit.version != room.version:
            raise RoomRefused("Somebody has changed this room meanwhile; look at it again.", field="name")
        moved = (told.gathers_at, told.opens_at) != (room.gathers_at, room.opens_at)
        _refuse(self.edit_flaws(room, edit))
        if moved:
            told = self._moved(room, told, now)
        await store.edit_room(tx, told)
        if moved:
            last = room.steps[-1]
            await store.move_steps(tx, id, Step(told.opens_at, last.rate_milli, last.by))
        await self._tell(tx, id, "edited", now)
        return await _living(tx, id)

    def _moved(self, room: Room, told: Room, now: datetime) -> Room:
        """With another opening, which every process has to hear of before the old one and the new one."""
        opens_at = max(told.opens_at, now + timedelta(seconds=LEAD_SECONDS))
        began = room.gathers_at <= now  # who waits already goes on waiting
        gathers_at = room.gathers_at if began else max(min(told.gathers_at, opens_at), now)
        return msgspec.structs.replace(told, gathers_at=gathers_at, opens_at=opens_at)

    async def end(self, tx: Connection, id: UUID) -> Room:
        now = self._clock.now()
        room = await _living(tx, id)
        await store.set_room(tx, id, follows=room.follows, ended_at=now)
        await self._tell(tx, id, "ended", now)
        ended = await store.room(tx, id)
        assert ended is not None
        return ended

    async def note_capacity(self, tx: Connection, measured: Capacity) -> None:
        """Keep a measurement; rooms that follow change their rate, unless a person has stopped or opened them."""
        if not 0.0 < measured.orders_per_second <= MAX_ORDERS_PER_SECOND:
            raise RoomRefused("A capacity is a number of orders per second above 0.", field="orders_per_second")
        source = measured.source[:MAX_SOURCE_LETTERS]
        now = self._clock.now()
        await store.insert_capacity(tx, Capacity(measured.at, measured.orders_per_second, source, measured.at_least))
        counts = await _newest(tx)
        rate, source = share_of(counts), counts.source
        await self._facts.append(
            tx, [CapacityNoted(measured.orders_per_second, measured.source[:MAX_SOURCE_LETTERS])], now
        )
        for room in await store.following(tx):
            if last_rate(room.steps) not in (0, FREE_RATE_MILLI, rate) and len(room.steps) < MAX_STEPS:
                await self._step(tx, room, rate, source, now)
                await self._tell(tx, room.id, "rate", now)

    async def draw(self, tx: Connection, id: UUID) -> bool:
        """Close the draw of a room; False where somebody else has done it."""
        now = self._clock.now()
        done = await store.draw(tx, id, now)
        if done:
            await self._tell(tx, id, "drawn", now)
        return done

    async def _step(self, tx: Connection, room: Room, rate_milli: int, by: str, now: datetime) -> None:
        if len(room.steps) >= MAX_STEPS:
            raise RoomRefused(f"The rate of a room changes at most {MAX_STEPS} times; end it and make another.")
        await store.insert_steps(tx, [(room.id, Step(step_instant(room, now), rate_milli, by))])

    async def _tell(self, tx: Connection, id: UUID, what: str, now: datetime) -> None:
        await self._facts.append(tx, [RoomChanged(id, what)], now)


async def _living(tx: Connection, id: UUID) -> Room:
    room = await store.room(tx, id)
    if room is None:
        raise RoomNotFound("There is no such waiting room.", field="room")
    if room.ended_at is not None:
        raise RoomRefused("This room has ended; make another one.", field="room")
    return room


async def _newest(connection: Connection) -> Capacity:
    """The measurement by which rooms go."""
    found = in_force(await store.capacities(connection))
    if found is None:
        raise RoomRefused(UNMEASURED, field="rate")
    return found


def _gathering(edit: RoomEdit) -> tuple[datetime, datetime]:
    """From when people come, and when the doors open."""
    return min(edit.gathers_at, edit.opens_at), edit.opens_at


def _refuse(flaws: Sequence[Flaw]) -> None:
    if flaws:
        all_of_them = [msgspec.structs.asdict(flaw) for flaw in flaws]
        raise RoomRefused(flaws[0].detail, field=flaws[0].field, flaws=all_of_them)


def _flaws(new: NewRoom) -> Iterator[Flaw]:
    yield from _word_flaws(new.name.strip(), new.pass_minutes)
    if (new.guards is Guards.PRODUCT) != (new.product is not None and bool(new.variants)):
        yield Flaw("product", "Name the product that the room stands before.")
    if new.rate_milli is not None and not 1 <= new.rate_milli <= MAX_RATE_MILLI:
        yield Flaw("rate", f"Let in at most {MAX_RATE_MILLI // 1_000} people a second, and somebody.")


def _word_flaws(name: str, pass_minutes: int) -> Iterator[Flaw]:
    if not 1 <= len(name) <= MAX_NAME_LETTERS or not name.isprintable():
        yield Flaw("name", f"A name has 1 to {MAX_NAME_LETTERS} visible letters.")
    if not LEAST_PASS_MINUTES <= pass_minutes <= MOST_PASS_MINUTES:
        yield Flaw("pass_minutes", f"A pass holds {LEAST_PASS_MINUTES} to {MOST_PASS_MINUTES} minutes.")


def _time_flaws(gathers_at: datetime, opens_at: datetime, now: datetime) -> Iterator[Flaw]:
    """What is wrong with an opening, and with how long before it people may come."""
    if opens_at < now - timedelta(minutes=1):
        yield Flaw("opens_at", "The opening lies in the past.")
    if opens_at - gathers_at > timedelta(hours=MOST_GATHER_HOURS):
        yield Flaw("gathers", f"People may wait at most {MOST_GATHER_HOURS} hours for an opening.")
