"""What others may ask of the waiting rooms: rooms and their rates, tickets, passes, and the check of a draw.

A room's *line* has two lanes. Those who are known (an account, or an address confirmed before the opening) stand in
front; guests stand behind all of them. Who is there before the opening is drawn, who comes later is numbered.
Places count from 1. Rates are in thousandths of a person per second.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection

MAX_NAME_LETTERS = 60
MAX_ROOMS = 20
"""Rooms that are not over at one time."""

MAX_STEPS = 500
"""Changes of one room's rate."""

MAX_RATE_MILLI = 5_000_000
"""5,000 people a second: more is no queue, and `open fully` says so."""

FREE_RATE_MILLI = 1_000_000_000
"""The rate of a room that is fully open: nobody waits."""

CAPACITY_SHARE_MILLI = 750
"""The part of the measured capacity that is let in: 75 %."""

LEAD_SECONDS = 2
"""A change of rate holds from so much later, so that every process knows of it before it counts."""

KEPT_MINUTES = 30
"""For how long after one's turn a place is kept."""

TICKET_HOURS = 24
"""How long a ticket is good at all: since it was taken, or since the opening where that came later."""

REPEAT_SECONDS = 60
"""Within this after admission the same ticket gives the same pass again, so that a lost answer loses nothing."""

LEAST_PASS_MINUTES, MOST_PASS_MINUTES, USUAL_PASS_MINUTES = 1, 240, 30
USUAL_GATHER_MINUTES = 30
"""How long before the opening people may come and wait, unless the operator says otherwise."""

MOST_GATHER_HOURS = 72
CAPACITIES_SHOWN = 10
CAPACITIES_KEPT = 1_000
PAST_SHOWN = 20
"""Rooms that are long over on one page."""

SWEEP_ROWS = 5_000
"""Tickets of rooms that are long over that go at a time."""


MARK_BYTES = 8


class Guards(StrEnum):
    """What stands behind a room."""

    SITE = "site"
    PRODUCT = "product"
    OUTSIDE = "outside"
    """Another shop, whose web server asks us (nginx `auth_request`, Caddy `forward_auth`)."""


class Lane(StrEnum):
    """Where in the line somebody stands: `known` before all guests."""

    KNOWN = "known"
    GUEST = "guest"


class RoomState(StrEnum):
    """What a room does at an instant."""

    AHEAD = "ahead"
    """It does nothing yet."""

    GATHERING = "gathering"
    """People come and wait for the opening; nobody is let in."""

    LETTING_IN = "letting_in"
    PAUSED = "paused"
    FREE = "free"
    """It is open so fully that nobody waits; it stands in nobody's way."""

    OVER = "over"


class Step(msgspec.Struct, frozen=True):
    """From `at` on, so many come in per second (thousandths)."""

    at: datetime
    rate_milli: int
    by: str = ""


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """A waiting room. `seed` is a secret until the draw; `seed_hash` is its SHA-256, known from the start."""

    id: UUID
    name: str
    guards: Guards
    product: UUID | None
    variants: frozenset[UUID]
    """What of the product cannot be bought without a pass."""
    gathers_at: datetime
    opens_at: datetime
    ended_at: datetime | None
    drawn_at: datetime | None
    drawn: int
    """Known people in the draw."""
    drawn_guests: int
    pass_minutes: int
    follows: bool
    """Whether the rate follows measured capacity."""
    seed: bytes
    seed_hash: bytes
    steps: tuple[Step, ...]
    version: int
    swept_at: datetime | None = None
    """When its tickets went; what they were stays counted."""


class RoomEdit(msgspec.Struct, frozen=True, kw_only=True):
    """What may change of a room: the first two always, the others until the doors open."""

    name: str
    pass_minutes: int
    gathers_at: datetime
    opens_at: datetime
    version: int
    """Of the room as it was read: who edits what another has changed meanwhile is told."""


class NewRoom(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator says of a room. Without a rate it follows measured capacity. With an id a repeat is found."""

    id: UUID | None = None
    name: str
    guards: Guards
    product: UUID | None = None
    variants: frozenset[UUID] = frozenset()
    gathers_at: datetime
    opens_at: datetime
    rate_milli: int | None = None
    pass_minutes: int = USUAL_PASS_MINUTES


class Flaw(msgspec.Struct, frozen=True):
    """One thing wrong with a room as it was described: in which field, and how to mend it."""

    field: str
    detail: str


class Holder(msgspec.Struct, frozen=True):
    """Whose a ticket is: the key of an account's or a confirmed address, or of a guest's browser."""

    key: UUID
    lane: Lane


class Ticket(msgspec.Struct, frozen=True):
    """A signed place in a line. `number` is 0 for those who are in the draw, else their place in the lane.

    `turn` counts how often this holder has queued here.
    """

    room: UUID
    id: UUID
    lane: Lane
    turn: int
    number: int
    issued_at: datetime
    mark: bytes = bytes(MARK_BYTES)
    """Whose it is: what the browser or program that took it showed of itself; see `Gates.mark`."""


class StandingState(StrEnum):
    """What a ticket's holder may do now."""

    GATHERING = "gathering"
    DRAWING = "drawing"
    WAITING = "waiting"
    CALLED = "called"
    LAPSED = "lapsed"


class Standing(msgspec.Struct, frozen=True):
    """Where a ticket stands. `ahead` are people before it; the wait is between two bounds in seconds, None if unknown.

    `people` are those with a place in the draw, or who wait for it.
    """

    state: StandingState
    place: int = 0
    ahead: int = 0
    people: int = 0
    least_seconds: float | None = None
    most_seconds: float | None = None


class Served(msgspec.Struct, frozen=True):
    """How far a room is: everyone of a lane up to this place may come in."""

    known: int
    guests: int


class Pass(msgspec.Struct, frozen=True):
    """What admission gives: the signed text, and until when it opens the room's doors."""

    room: UUID
    token: str
    until: datetime


class Capacity(msgspec.Struct, frozen=True):
    """A measurement of what the shop can do."""

    at: datetime
    orders_per_second: float
    source: str
    at_least: bool = False
    """The limit was not reached: the shop may take more."""


class RoomFigures(msgspec.Struct, frozen=True):
    """What the operator sees of a room: tickets, how many were let in, who waits."""

    tickets: int
    guests: int
    used: int
    waiting: int
    waiting_guests: int
    served: Served
    rate_milli: int


class DrawCheck(msgspec.Struct, frozen=True):
    """What a check of one ticket found: its lot, as 32 hexadecimal digits, and its place among those of its lane."""

    lot: str
    place: int
    of: int
    lane: Lane


class DrawProof(msgspec.Struct, frozen=True):
    """What recomputing a published draw found. `wrong` are lines that do not hold, at most WRONG_SHOWN of them;
    `places` are those of the ticket that was asked for, by lane."""

    seed_fits: bool
    tickets: Mapping[Lane, int]
    wrong: Sequence[str]
    places: Mapping[Lane, int]

    @property
    def holds(self) -> bool:
        return self.seed_fits and not self.wrong


TICKET = "tkt"
"""The prefix of tickets in public: `tkt_` and 26 letters."""

ROOM = "gat"
WRONG_SHOWN = 20


class RoomChanged(msgspec.Struct, frozen=True):
    """Fact: a room was made or changed; `what` is made, edited, rate, drawn or ended."""

    kind: ClassVar[str] = "gate.room_changed"
    room: UUID
    what: str


class CapacityNoted(msgspec.Struct, frozen=True):
    """Fact: somebody measured what the shop can do."""

    kind: ClassVar[str] = "gate.capacity_noted"
    orders_per_second: float
    source: str


class Gates(Protocol):
    """Implemented in `handlers/`, joined in bootstrap as `shop.gates`."""

    @property
    def acting(self) -> Mapping[UUID, Room]:
        """The rooms that stand in somebody's way now; empty and cheap to ask where there are none."""
        ...

    @property
    def on_change(self) -> list[Callable[[Sequence[UUID]], None]]:
        """Called with the products and variants before which a room begins or ceases to stand, or changes."""
        ...

    async def note_capacity(
        self, orders_per_second: float, source: str, at: datetime, *, at_least: bool = False
    ) -> None:
        """Somebody has measured what the shop can do, such as a rehearsal: rooms that follow let in 75 % of it.

        What it can do `at_least` speeds rooms up and never slows them down. Raises RoomRefused for what is no rate.
        """
        ...

    def mark(self, kind: str, shown: str) -> bytes:
        """What a ticket and a pass remember of a credential (a cookie, a key): 8 bytes that tell nothing of it."""
        ...

    async def refresh(self) -> None:
        """Read the rooms anew; called at start and by the follower of `gate.room_changed`."""
        ...

    async def run(self) -> None:
        """For ever: draw when a room opens, keep what this process remembers fresh."""
        ...

    def room(self, id: UUID) -> Room:
        """A room that is not long over. Raises RoomNotFound."""
        ...

    def rooms(self) -> Sequence[Room]:
        """All rooms that are remembered, the one that opens first before the others."""
        ...

    def state(self, room: Room) -> RoomState: ...

    def served(self, room: Room) -> Served: ...

    def now(self, room: Room) -> bytes:
        """The tiny public answer: JSON with `known`, `guests`, `rate` (a second), `state` and `drawn`."""
        ...

    async def ticket(self, room: Room, holder: Holder, mark: bytes) -> tuple[Ticket, str]:
        """The holder's ticket and its signed text: the same place however often it is asked for. It opens only for who
        shows `mark`. Whose turn is over gets a new one, behind. Raises RoomRefused where nobody waits, Unavailable when
        too many come at once."""
        ...

    def read(self, text: str | None) -> Ticket | None:
        """A ticket that we have signed and that is not too old."""
        ...

    def standing(self, room: Room, ticket: Ticket) -> Standing: ...

    async def admit(self, room: Room, ticket: Ticket, marks: Collection[bytes]) -> Pass:
        """Exchange a called ticket for a pass. `marks` are what the request shows of itself, of which one has to be the
        ticket's. Raises NotYourTurn, TicketUsed, TicketRefused."""
        ...

    def passed(self, room: UUID, token: str | None, marks: Collection[bytes]) -> bool:
        """Whether this is a good pass of the room, shown by the one it was given to. Microseconds, from memory."""
        ...

    async def flaws(self, connection: Connection, new: NewRoom) -> Sequence[Flaw]:
        """All that is wrong with this room; nothing where it is made already."""
        ...

    def edit_flaws(self, id: UUID, edit: RoomEdit) -> Sequence[Flaw]:
        """All that is wrong with these words and times, as far as this process knows the room. Raises RoomNotFound."""
        ...

    async def make(self, tx: Connection, new: NewRoom, by: str) -> Room:
        """Make a room. Raises RoomRefused."""
        ...

    async def set_rate(self, tx: Connection, id: UUID, rate_milli: int | None, by: str) -> Room:
        """Another rate from LEAD_SECONDS on; 0 pauses, FREE_RATE_MILLI opens fully, None follows measured capacity.

        Raises RoomRefused, RoomNotFound.
        """
        ...

    async def edit(self, tx: Connection, id: UUID, edit: RoomEdit) -> Room:
        """Change what may still change. Raises RoomRefused, RoomNotFound."""
        ...

    async def end(self, tx: Connection, id: UUID) -> Room:
        """The room is over: it stands in nobody's way, and its tickets are worth nothing."""
        ...

    async def figures(self, connection: Connection, room: Room) -> RoomFigures: ...

    async def past(self, connection: Connection, before: UUID | None) -> Sequence[Room]:
        """Rooms that are over, the newest first, PAST_SHOWN at a time; `before` is the last one that was shown."""
        ...

    async def sweep(self) -> int:
        """Let the tickets of rooms that are long over go, and old measurements: SWEEP_ROWS at a time. Returns how many
        went."""
        ...

    async def capacities(self, connection: Connection) -> Sequence[Capacity]:
        """The newest measurements first, at most CAPACITIES_SHOWN."""
        ...

    def in_force(self, measured: Sequence[Capacity]) -> Capacity | None:
        """By which of these, the newest first, rooms that follow go."""
        ...

    async def check(self, room: Room, ticket: UUID) -> DrawCheck:
        """Recompute one ticket's place. Raises RoomRefused before the draw, TicketRefused for one not in it."""
        ...

    def published(self, room: Room) -> AsyncIterator[bytes]:
        """The whole draw as text, which `nightmarket gate check` recomputes. Raises RoomRefused before the draw."""
        ...
