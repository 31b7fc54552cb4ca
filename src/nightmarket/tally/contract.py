"""What others may ask of tallies: open, adjust, lock, claim, settle, release, lapse.

A tally has a capacity, and `0 <= held + spent <= capacity` always. An order is one claim on several tallies: all of it
or none of it, held until a deadline, then settled or released, once. There is no second way to count something down.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.kernel.findings import Finding
from nightmarket.platform.database import Connection

from .believed import BelievedLedger
from .model import ClaimRequest, Grant, Ledger, Part, Refusal, SlicesShort

__all__ = [
    "RESTOCK",
    "Adjustment",
    "AnyLedger",
    "BelievedLedger",
    "ClaimRequest",
    "ClaimState",
    "Finding",
    "GoneTallies",
    "Grant",
    "Ledger",
    "Level",
    "NewTally",
    "Part",
    "Refusal",
    "SlicesShort",
    "Tallies",
    "TallyAdjusted",
    "TallyEmptied",
    "TallyKind",
    "Write",
]


class TallyKind(IntEnum):
    """What is counted; stored as a small number."""

    STOCK = 1
    OFFER_USES = 2
    OFFER_BUDGET = 3
    BUYER_LIMIT = 4
    SEAT = 5
    PRIZE = 6
    SLOT = 7
    WALLET = 8


class ClaimState(IntEnum):
    """held -> settled | released | lapsed, once."""

    HELD = 1
    SETTLED = 2
    RELEASED = 3
    LAPSED = 4


class NewTally(msgspec.Struct, frozen=True):
    """A tally to be opened: its id (derived by the owner), what it counts, its capacity and its number of slices."""

    id: UUID
    kind: TallyKind
    capacity: int
    slices: int = 1


RESTOCK = "order cancelled"
"""The cause of an adjustment that gives back what a settled claim took."""


class Adjustment(msgspec.Struct, frozen=True):
    """A change of capacity, once per `id`: goods arrived (+), were counted short (-), came back (+), money came in."""

    id: UUID
    tally: UUID
    delta: int
    cause: str


class Level(msgspec.Struct, frozen=True):
    """A tally as it stands; `available` is what a claim may still take."""

    capacity: int
    held: int
    spent: int

    @property
    def available(self) -> int:
        return self.capacity - self.held - self.spent


class TallyAdjusted(msgspec.Struct, frozen=True):
    """Fact: a tally's capacity changed."""

    kind: ClassVar[str] = "tally.adjusted"
    tally: UUID
    delta: int
    cause: str


class TallyEmptied(msgspec.Struct, frozen=True):
    """Fact: an order took the last of a stock. Urgent: told directly as well."""

    kind: ClassVar[str] = "tally.emptied"
    tally: UUID


class GoneTallies(Protocol):
    """What a process knows to be gone, without asking the database; never used to decide an order."""

    def all_gone(self, tallies: Iterable[UUID]) -> bool:
        """Whether nothing of any of these is left, as far as is known."""
        ...

    async def still_gone(self, tallies: Iterable[UUID]) -> bool:
        """As `all_gone`, but what is believed to be gone is looked at once more, by one look for all who ask: nobody is
        sent away for units that have come back. Costs nothing while there are some."""
        ...


Write = Callable[[Mapping[UUID, ClaimState]], Awaitable[None]]
"""Writes what follows from the states that claims had; in the running transaction."""


AnyLedger = Ledger | BelievedLedger


class Tallies(Protocol):
    """Every function takes the running transaction and a list; a single call is a list of one."""

    async def open(self, tx: Connection, tallies: Sequence[NewTally], at: datetime) -> None:
        """Make tallies; those that exist stay as they are."""
        ...

    async def open_limits(self, tx: Connection, most: Mapping[UUID, int], at: datetime) -> None:
        """Make the buyers' tallies that are missing, each with its capacity. To be called before `lock`; no fact tells
        of them, since they are made by the thousand while people order. Those that are there stay: `fit_limits`."""
        ...

    async def returned(self, connection: Connection, tallies: Iterable[UUID]) -> Mapping[UUID, int]:
        """What orders that were cancelled after they were paid have given back to these tallies, as capacity."""
        ...

    async def adjust(self, tx: Connection, adjustments: Sequence[Adjustment], at: datetime) -> Mapping[UUID, bool]:
        """Change capacities, each adjustment once. False where a decrease would go below what is held and spent, or an
        increase above what a tally can hold; a refused one is not remembered and may be asked for again."""
        ...

    async def levels(self, connection: Connection, tallies: Iterable[UUID]) -> Mapping[UUID, Level]:
        """How the tallies stand; unknown ones are absent. Takes no lock."""
        ...

    async def scarcest(self, connection: Connection, kind: TallyKind, limit: int) -> Mapping[UUID, Level]:
        """The tallies of a kind of which least is left, emptiest first; never opened with anything are left out.
        Reads all of that kind, so it is for boards that are looked at, not for orders."""
        ...

    async def emptied(self, connection: Connection, kind: TallyKind, limit: int) -> Sequence[UUID]:
        """Tallies of a kind that have had something and have nothing left. Reads all of that kind: for a start."""
        ...

    async def lock(self, tx: Connection, tallies: Iterable[UUID]) -> Ledger:
        """Lock the tallies in order of id and give the in-memory ledger that grants or refuses claims on them."""
        ...

    async def believed(self, tx: Connection, tallies: Iterable[UUID], now: datetime) -> BelievedLedger:
        """A ledger of what this process believes of the tallies, without locks; what it does not know it looks at. It
        raises SlicesShort for every claim beyond a safe share of what was seen. `write` then takes the units only if
        there are more than that, and fails the transaction if not. It locks, so it is to be the last thing written,
        and `in_order`."""
        ...

    def doubt(self, tallies: Iterable[UUID]) -> None:
        """Look again at these before they are believed: a transaction with them failed."""
        ...

    async def fit_limits(self, tx: Connection, ledger: Ledger, most: Mapping[UUID, int]) -> None:
        """Give the buyers' tallies that are locked in the ledger the capacities that hold now, where a limit was
        changed since they were opened; never less than is taken. Stored with the ledger's next grants."""
        ...

    def again(self, short: SlicesShort) -> Exception:
        """What to raise in a batch whose ledger could not decide: it runs again, with those tallies locked whole."""
        ...

    async def write(self, tx: Connection, ledger: AnyLedger, at: datetime) -> None:
        """Store what the ledger granted: the tallies' held units and the claims."""
        ...

    async def settle(self, tx: Connection, claims: Sequence[UUID]) -> Mapping[UUID, ClaimState]:
        """Turn held into spent, once. The answer gives each claim's state before: HELD means it was settled now."""
        ...

    async def release(self, tx: Connection, claims: Sequence[UUID]) -> Mapping[UUID, ClaimState]:
        """Give held units back, once. The answer gives each claim's state before: HELD means it was released now."""
        ...

    async def lapse(self, tx: Connection, claims: Sequence[UUID], now: datetime) -> Mapping[UUID, ClaimState]:
        """Give back those of the claims that are held beyond their deadline, once. The answer gives each claim's state
        before; a claim whose deadline has not passed stays held and is absent."""
        ...

    async def end(
        self, tx: Connection, claims: Mapping[UUID, ClaimState], write: Write | None = None
    ) -> Mapping[UUID, ClaimState]:
        """Settle some and release others in one go, with every lock taken in one order. The answer gives each claim's
        state before; one that was not HELD stays as it was. `write` is told the same and writes what follows from it
        before the slices are locked: many wait for those, so they are held for the shortest time."""
        ...

    async def states(self, connection: Connection, claims: Sequence[UUID]) -> Mapping[UUID, ClaimState]:
        """How the claims stand; unknown ones are absent. Takes no lock."""
        ...

    async def parts(self, connection: Connection, claims: Sequence[UUID]) -> Mapping[UUID, Sequence[Part]]:
        """What each claim took."""
        ...

    async def recount(self, connection: Connection, tallies: Iterable[UUID]) -> Mapping[UUID, Level]:
        """These tallies as their adjustments and claims add up, whatever their slices say. Reads all claims."""
        ...

    async def claimed_beside(
        self, connection: Connection, tallies: Iterable[UUID], claims: Iterable[UUID]
    ) -> Mapping[UUID, int]:
        """Units of these tallies that other claims than these hold or took. Reads all claims."""
        ...

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        """Recompute every tally from its adjustments and claims; returns the rows that are off."""
        ...
