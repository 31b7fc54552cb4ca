"""The two things that are written for people in a line: their ticket, and that it was used. Both by group commit.

Those who arrive while the last batch commits get their numbers together in the next: one transaction gives out up to
500 places, in the order in which people came, and no visitor waits for another's row.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from nightmarket.gate import store
from nightmarket.gate.contract import REPEAT_SECONDS, Lane, Room
from nightmarket.gate.errors import RoomRefused, TicketRefused, TicketUsed
from nightmarket.gate.model import draw_of, guests_served, reached
from nightmarket.gate.store import Line, NewTicket, TicketRow
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.problems import Problem
from nightmarket.platform.database import Connection

RoomOf = Callable[[UUID], Room | None]

NOBODY_WAITS = "Nobody waits here any more; go straight on."


class Arrival(msgspec.Struct, frozen=True):
    """Somebody who wants a ticket. `over` is the turn of theirs that is over, -1 if they have none."""

    room: UUID
    id: UUID
    lane: Lane
    over: int = -1


class Use(msgspec.Struct, frozen=True):
    """A called ticket that is to be exchanged for a pass."""

    room: UUID
    id: UUID
    turn: int


class Arrivals:
    """Gives tickets: `run` is the work of a group-commit lane."""

    def __init__(self, room_of: RoomOf, clock: Clock) -> None:
        self._room_of = room_of
        self._clock = clock

    async def run(self, tx: Connection, items: Sequence[Arrival]) -> Sequence[TicketRow | Problem]:
        """One ticket each, written if it is new. Repeatable: whoever has one gets that."""
        now = self._clock.now()
        rooms = await store.share_rooms(tx, {item.room for item in items})
        new: list[NewTicket] = []
        for id, drawn in sorted(rooms.items()):
            room = self._room_of(id)
            if room is None:
                continue
            here = list({item.id: item for item in items if item.room == id}.values())
            new.extend(
                await self._numbered(tx, room, here, now)
                if drawn
                else [NewTicket(id, one.id, one.lane, 0, draw_of(room.seed, one.id)) for one in here]
            )
        if new:
            await store.write_tickets(tx, new, now)
        found = await store.tickets(tx, [(item.room, item.id) for item in items])
        gone = RoomRefused(NOBODY_WAITS, field="room")
        return [found.get((item.room, item.id), gone) for item in items]

    async def _numbered(self, tx: Connection, room: Room, here: Sequence[Arrival], now: datetime) -> list[NewTicket]:
        """Places behind all that were given out, and never before what has been called already: what nobody used does
        not pile up."""
        line = await store.lock_line(tx, room.id)
        known = await store.tickets(tx, [(room.id, one.id) for one in here])
        fresh = [one for one in here if _wants_new(known.get((room.id, one.id)), one)]
        if not fresh:
            return []
        served = reached(room.steps, room.opens_at, now)
        passed = guests_served(line.guests_served, line.last_known, served)
        last = {Lane.KNOWN: max(line.last_known, served), Lane.GUEST: max(line.last_guest, passed)}
        new: list[NewTicket] = []
        for one in fresh:
            last[one.lane] += 1
            new.append(NewTicket(room.id, one.id, one.lane, last[one.lane], None, one.over + 1))
        await store.write_line(tx, room.id, Line(last[Lane.KNOWN], last[Lane.GUEST], passed))
        return new


def _wants_new(row: TicketRow | None, item: Arrival) -> bool:
    return row is None or row.turn == item.over


class Admissions:
    """Uses tickets up: `run` is the work of a group-commit lane."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def run(self, tx: Connection, items: Sequence[Use]) -> Sequence[datetime | Problem]:
        """When each was used; now, or a moment ago where the answer may have been lost."""
        now = self._clock.now()
        wanted = sorted({(item.room, item.id, item.turn) for item in items})
        found = await store.admit(tx, wanted, now)
        return [_outcome(found, item, now) for item in items]


def _outcome(found: Mapping[UUID, datetime], item: Use, now: datetime) -> datetime | Problem:
    used_at = found.get(item.id)
    if used_at is None:
        return TicketRefused("This ticket has been replaced by a newer one; take a new one.", field="ticket")
    if used_at + timedelta(seconds=REPEAT_SECONDS) < now:
        return TicketUsed("This ticket has let somebody in already; take a new one to wait again.", field="ticket")
    return used_at
