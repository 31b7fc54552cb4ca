"""What every process knows of the waiting rooms, and answers from memory: who may pass, how far the line is."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog

from nightmarket.gate import model, store
from nightmarket.gate.contract import (
    MARK_BYTES,
    TICKET,
    Capacity,
    DrawCheck,
    Flaw,
    Holder,
    Lane,
    NewRoom,
    Pass,
    Room,
    RoomEdit,
    RoomFigures,
    RoomState,
    Served,
    Standing,
    StandingState,
    Ticket,
)
from nightmarket.gate.errors import NotYourTurn, RoomNotFound, RoomRefused, TicketRefused
from nightmarket.gate.store import Line, TicketRow
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.findings import Finding
from nightmarket.kernel.ids import Ids, derive, encode
from nightmarket.kernel.problems import Unavailable
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.facts import Facts
from nightmarket.platform.group_commit import GroupCommit

from .auditing import audit
from .line import NOBODY_WAITS, Admissions, Arrival, Arrivals, Use
from .proof import published, require_drawn
from .rooms import Operating
from .sweeping import sweep
from .tokens import Tokens

LIVELY_SECONDS = 0.25
CALM_SECONDS = 5.0
"""How often a process looks at its rooms: while one is at work or about to open, and else."""

PEOPLE_SECONDS = 3.0
"""How old the number of those who wait for an opening may be."""

NOW_MICROSECONDS = 200_000
"""How old the tiny answer may be."""

ASK_AGAIN_SECONDS = 5
MAX_TURNS = 60_000
_ENCODER = msgspec.json.Encoder()

log = structlog.get_logger(__name__)


class _Now(msgspec.Struct):
    state: str
    drawn: bool
    known: int
    guests: int
    rate: float


class _Memory:
    """Of one room: its sorted lots, its line as last read, how many people there are."""

    def __init__(self) -> None:
        self.rolls: dict[Lane, bytes] | None = None
        self.line = Line(0, 0, 0)
        self.guests = 0
        self.people = 0
        self.people_at: datetime | None = None
        self.answer: tuple[int, bytes] = (-NOW_MICROSECONDS, b"")


class StoredGates:
    """Implements `contract.Gates`."""

    def __init__(self, database: Database, facts: Facts, clock: Clock, ids: Ids, secret: bytes) -> None:
        self._database = database
        self._clock = clock
        self._secret = secret[:64]
        self._tokens = Tokens(secret)
        self._operating = Operating(facts, clock, ids)
        self._rooms: dict[UUID, Room] = {}
        self._memory: dict[UUID, _Memory] = {}
        self._changed = asyncio.Event()
        self.acting: Mapping[UUID, Room] = {}
        self.on_change: list[Callable[[Sequence[UUID]], None]] = []
        self.tickets = GroupCommit("gate-tickets", database, Arrivals(self._rooms.get, clock).run)
        self.uses = GroupCommit("gate-uses", database, Admissions(clock).run)

    @property
    def lanes(self) -> Sequence[GroupCommit[Any, Any]]:
        """For the metrics."""
        return self.tickets, self.uses

    async def close(self) -> None:
        """Wait for what is being written."""
        await self.tickets.drain()
        await self.uses.drain()

    # what this process remembers

    async def refresh(self) -> None:
        async with self._database.read() as connection:
            rooms = await store.rooms(connection, self._clock.now())
        found = {room.id: room for room in rooms}
        for gone in self._rooms.keys() - found.keys():
            del self._rooms[gone]
            self._memory.pop(gone, None)
        self._rooms.update(found)
        self._note_acting()
        await self._read_lines()
        self._changed.set()

    def _note_acting(self) -> None:
        now = self._clock.now()
        acting = {room.id: room for room in self._rooms.values() if model.state_of(room, now) in model.ACTING}
        if acting == self.acting:
            return
        others = set(self.acting.values()) ^ set(acting.values())
        self.acting = acting
        goods = {thing for room in others if room.product for thing in (room.product, *room.variants)}
        if goods:
            for changed in self.on_change:
                changed(list(goods))

    async def step(self) -> float:
        """Draw what is due, read how the lines stand; returns the seconds until it is worth looking again."""
        self._note_acting()
        now = self._clock.now()
        living = [room for room in self._rooms.values() if model.state_of(room, now) is not RoomState.OVER]
        for room in living:
            if room.drawn_at is None and room.opens_at <= now:
                async with self._database.transaction() as tx:
                    await self._operating.draw(tx, room.id)
                await self.refresh()
        await self._read_lines()
        waits = [CALM_SECONDS]
        for room in living:
            at = room.gathers_at if now < room.gathers_at else max(now, room.opens_at)
            waits.append(max(LIVELY_SECONDS, (at - now).total_seconds() - LIVELY_SECONDS))
        return min(waits) if living else 0.0

    async def run(self) -> None:
        while True:
            self._changed.clear()
            wait = LIVELY_SECONDS
            try:
                wait = await self.step()
            except Unavailable as error:
                log.info("gates_wait", reason=error.what)
            if not self._rooms and not wait:
                await self._changed.wait()
                continue
            try:
                async with asyncio.timeout(wait or CALM_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _read_lines(self) -> None:
        """Lines, lots and people of the rooms at work."""
        ids = list(self.acting)
        if not ids:
            return
        now = self._clock.now()
        async with self._database.read() as connection:
            for id, line in (await store.lines(connection, ids)).items():
                self._note_line(id, line, now)
            for id in ids:
                await self._read_room(connection, self._rooms[id], now)

    def _note_line(self, id: UUID, line: Line, now: datetime) -> None:
        memory, room = self._memory.setdefault(id, _Memory()), self._rooms[id]
        memory.line = line
        if room.drawn_at is not None:
            done = model.reached(room.steps, room.opens_at, now)
            memory.guests = max(memory.guests, model.guests_served(line.guests_served, line.last_known, done))

    async def _read_room(self, connection: Connection, room: Room, now: datetime) -> None:
        memory = self._memory.setdefault(room.id, _Memory())
        if room.drawn_at is not None and memory.rolls is None:
            memory.rolls = {lane: await store.roll(connection, room.id, lane) for lane in Lane}
        if room.drawn_at is None and (
            memory.people_at is None or now >= memory.people_at + timedelta(seconds=PEOPLE_SECONDS)
        ):
            memory.people = (await store.people(connection, [room.id])).get(room.id, 0)
            memory.people_at = now

    # what everyone may ask

    def room(self, id: UUID) -> Room:
        found = self._rooms.get(id)
        if found is None:
            raise RoomNotFound("There is no such waiting room.", field="room")
        return found

    def rooms(self) -> Sequence[Room]:
        return sorted(self._rooms.values(), key=lambda room: (room.opens_at, room.id))

    def state(self, room: Room) -> RoomState:
        return model.state_of(room, self._clock.now())

    def served(self, room: Room) -> Served:
        """Guests as of the last look at the line: it may lag by a moment, and never goes back."""
        if room.drawn_at is None:
            return Served(0, 0)
        memory = self._memory.get(room.id)
        return Served(
            model.reached(room.steps, room.opens_at, self._clock.now()), memory.guests if memory is not None else 0
        )

    def now(self, room: Room) -> bytes:
        at = model.micros(self._clock.now())
        memory = self._memory.setdefault(room.id, _Memory())
        if not 0 <= at - memory.answer[0] < NOW_MICROSECONDS:
            served, now = self.served(room), self._clock.now()
            told = _Now(
                model.state_of(room, now).value,
                room.drawn_at is not None,
                served.known,
                served.guests,
                model.rate_at(room.steps, now) / 1_000,
            )
            memory.answer = (at, _ENCODER.encode(told))
        return memory.answer[1]

    # tickets

    def mark(self, kind: str, shown: str) -> bytes:
        return derive("gate-mark", kind, shown, secret=self._secret).bytes[-MARK_BYTES:]

    async def ticket(self, room: Room, holder: Holder, mark: bytes) -> tuple[Ticket, str]:
        if room.id not in self.acting:
            raise RoomRefused(NOBODY_WAITS, field="room")
        id = derive("gate-ticket", room.id, holder.key, secret=self._secret)
        row = await self.tickets.submit(Arrival(room.id, id, holder.lane))
        if self._is_over(room, row) and row.turn < MAX_TURNS:
            row = await self.tickets.submit(Arrival(room.id, id, holder.lane, row.turn))
        ticket = Ticket(room.id, id, row.lane, row.turn, row.number, row.issued_at, mark)
        return ticket, self._tokens.ticket(ticket)

    def _is_over(self, room: Room, row: TicketRow) -> bool:
        """Whether the turn is spent: its pass has run out, or nobody came when it was called."""
        now = self._clock.now()
        if model.good_until(room, row.issued_at) <= now:
            return True
        if row.admitted_at is not None:
            return row.admitted_at + timedelta(minutes=room.pass_minutes) <= now
        ticket = Ticket(room.id, row.id, row.lane, row.turn, row.number, row.issued_at)
        return self.standing(room, ticket).state is StandingState.LAPSED

    def read(self, text: str | None) -> Ticket | None:
        ticket = self._tokens.read_ticket(text)
        room = self._rooms.get(ticket.room) if ticket is not None else None
        if ticket is None or room is None or model.good_until(room, ticket.issued_at) <= self._clock.now():
            return None
        return ticket

    def standing(self, room: Room, ticket: Ticket) -> Standing:
        now = self._clock.now()
        memory = self._memory.setdefault(room.id, _Memory())
        if room.drawn_at is None or memory.rolls is None:
            if now < room.opens_at:
                return model.gathering(room, max(1, memory.people), now)
            return Standing(StandingState.DRAWING, people=memory.people)
        place = ticket.number or model.rank(memory.rolls[ticket.lane], model.draw_of(room.seed, ticket.id))
        if not place:
            raise TicketRefused("This ticket took no part in the draw; take a new one.", field="ticket")
        if ticket.lane is Lane.KNOWN:
            return model.known_standing(room, place, now)
        line = (memory.line.last_known, model.reached(room.steps, room.opens_at, now))
        return model.guest_standing(room, place, line, memory.guests, now)

    async def admit(self, room: Room, ticket: Ticket, marks: Collection[bytes]) -> Pass:
        if ticket.mark not in marks:
            raise TicketRefused("This ticket was taken by somebody else; take one of your own.", field="ticket")
        standing = self.standing(room, ticket)
        if ticket.room != room.id or standing.state is StandingState.LAPSED:
            raise TicketRefused("This ticket's turn was long ago; take a new one.", field="ticket")
        if standing.state is not StandingState.CALLED:
            seconds = max(1, int(standing.least_seconds or ASK_AGAIN_SECONDS))
            raise NotYourTurn("It is not your turn yet.", retry_after_seconds=seconds)
        used_at = await self.uses.submit(Use(room.id, ticket.id, ticket.turn))
        return self._tokens.grant(room.id, ticket, used_at + timedelta(minutes=room.pass_minutes))

    def passed(self, room: UUID, token: str | None, marks: Collection[bytes]) -> bool:
        return token is not None and self._tokens.passes(room, token, marks, self._clock.now())

    # what operators do

    async def note_capacity(
        self, orders_per_second: float, source: str, at: datetime, *, at_least: bool = False
    ) -> None:
        async with self._database.transaction() as tx:
            await self._operating.note_capacity(tx, Capacity(at, orders_per_second, source, at_least))

    async def make(self, tx: Connection, new: NewRoom, by: str) -> Room:
        return await self._operating.make(tx, new, by)

    async def flaws(self, connection: Connection, new: NewRoom) -> Sequence[Flaw]:
        return await self._operating.flaws(connection, new)

    def edit_flaws(self, id: UUID, edit: RoomEdit) -> Sequence[Flaw]:
        return self._operating.edit_flaws(self.room(id), edit)

    async def set_rate(self, tx: Connection, id: UUID, rate_milli: int | None, by: str) -> Room:
        return await self._operating.set_rate(tx, id, rate_milli, by)

    async def edit(self, tx: Connection, id: UUID, edit: RoomEdit) -> Room:
        return await self._operating.edit(tx, id, edit)

    async def end(self, tx: Connection, id: UUID) -> Room:
        return await self._operating.end(tx, id)

    async def figures(self, connection: Connection, room: Room) -> RoomFigures:
        tickets, guests, used = await store.counts(connection, room.id)
        over = model.state_of(room, self._clock.now()) is RoomState.OVER
        line = (await store.lines(connection, [room.id])).get(room.id, Line(0, 0, 0))
        served = self.served(room)
        drawn = room.drawn_at is not None
        return RoomFigures(
            tickets=tickets,
            guests=guests,
            used=used,
            waiting=0 if over else max(0, line.last_known - served.known) if drawn else tickets - guests,
            waiting_guests=0 if over else max(0, line.last_guest - served.guests) if drawn else guests,
            served=served,
            rate_milli=model.rate_at(room.steps, self._clock.now()),
        )

    async def capacities(self, connection: Connection) -> Sequence[Capacity]:
        return await store.capacities(connection)

    def in_force(self, measured: Sequence[Capacity]) -> Capacity | None:
        return model.in_force(measured)

    async def past(self, connection: Connection, before: UUID | None) -> Sequence[Room]:
        return await store.past(connection, before)

    async def sweep(self) -> int:
        return await sweep(self._database, self._clock)

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        return await audit(connection)

    # the draw, for anyone

    async def check(self, room: Room, ticket: UUID) -> DrawCheck:
        require_drawn(room)
        memory = self._memory.setdefault(room.id, _Memory())
        if memory.rolls is None:
            async with self._database.read() as connection:
                await self._read_room(connection, room, self._clock.now())
        lot = model.draw_of(room.seed, ticket)
        for lane, roll in (memory.rolls or {}).items():
            place = model.rank(roll, lot)
            if place:
                return DrawCheck(lot.hex(), place, len(roll) // model.DRAW_BYTES, lane)
        raise TicketRefused(f"{encode(TICKET, ticket)} took no part in the draw.", field="ticket")

    def published(self, room: Room) -> AsyncIterator[bytes]:
        require_drawn(room)
        return published(self._database, room)
