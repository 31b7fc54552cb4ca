"""The rule of tallies: `0 <= held + spent <= capacity`, claims all or nothing, in order of arrival. Pure.

A tally is one or more slices (escrow method, O'Neil 1986) whose capacities sum to its own. A worker claims from its
own slice; when that is short and all slices are locked, it takes room over from the others in sets.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.kernel.problems import Defect

MAX_PARTS = 1_000
"""Tallies in one claim: a full cart's lines with their offers' uses and budgets, and limits of one who buys."""

REFILL_DIVISOR = 2
"""A refill takes over half of what another slice has free, and more only where that is not enough."""


class Part(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Some units of one tally. `slice` is known once granted."""

    tally: UUID
    quantity: int
    slice: int = 0


class ClaimRequest(msgspec.Struct, frozen=True, gc=False):
    """All of these parts or none, held until the deadline. The same tally may stand in several parts."""

    id: UUID
    parts: tuple[Part, ...]
    deadline: datetime


class Grant(msgspec.Struct, frozen=True, gc=False):
    """A granted claim; one part per tally, in order of tally."""

    id: UUID
    parts: tuple[Part, ...]
    deadline: datetime


class Refusal(msgspec.Struct, frozen=True):
    """A refused claim: for each tally that is short, what it still had."""

    id: UUID
    short: dict[UUID, int]


class Slice:
    """One locked row of a tally, and what the ledger changed of it."""

    __slots__ = ("capacity", "capacity_change", "held", "held_change", "number", "spent", "tally")

    def __init__(self, tally: UUID, number: int, *, capacity: int, held: int, spent: int) -> None:
        self.tally = tally
        self.number = number
        self.capacity = capacity
        self.held = held
        self.spent = spent
        self.capacity_change = 0
        self.held_change = 0

    @property
    def free(self) -> int:
        return self.capacity - self.held - self.spent


class SlicesShort(Exception):
    """The own slice cannot decide and the others are not locked: lock the whole tally and decide again."""

    def __init__(self, tallies: Iterable[UUID]) -> None:
        super().__init__("lock all slices of these tallies")
        self.tallies = tuple(tallies)


class Ledger:
    """Locked tallies in memory: grants and refuses claims in the order they are asked for.

    `own` names for each tally the slice that this worker claims from; a tally whose number of slices is larger than
    what is locked is partly locked, and is never called empty on that ground (SlicesShort).
    """

    def __init__(self, slices: Iterable[Slice], slices_of: Mapping[UUID, int], worker: int) -> None:
        self._rows: dict[UUID, list[Slice]] = {}
        for row in slices:
            self._rows.setdefault(row.tally, []).append(row)
        self._own = {tally: self._own_slice(tally, slices_of[tally], worker) for tally in self._rows}
        self._partly = {tally for tally, rows in self._rows.items() if len(rows) < slices_of[tally]}
        self.grants: list[Grant] = []

    def _own_slice(self, tally: UUID, count: int, worker: int) -> Slice:
        number = worker % count
        for row in self._rows[tally]:
            if row.number == number:
                return row
        raise Defect(f"slice {number} of tally {tally} was not locked")

    def knows(self, tally: UUID) -> bool:
        """Whether the tally exists and is locked here."""
        return tally in self._rows

    def free(self, tally: UUID) -> int:
        """What may still be claimed of the tally, as far as it is locked; 0 for an unknown one."""
        rows = self._rows.get(tally)
        if rows is None:
            return 0
        if len(rows) == 1:  # nearly always
            row = rows[0]
            return row.capacity - row.held - row.spent
        return sum(row.free for row in rows)

    def capacity(self, tally: UUID) -> int:
        """The capacity of the tally, as far as it is locked; 0 for an unknown one."""
        return sum(row.capacity for row in self._rows.get(tally, ()))

    def is_whole(self, tally: UUID) -> bool:
        """Whether the tally has one slice only."""
        return tally not in self._partly and len(self._rows[tally]) == 1

    def fit(self, tally: UUID, capacity: int) -> None:
        """Give a tally of one slice another capacity, but no less than is taken of it."""
        if not self.is_whole(tally):
            raise Defect(f"tally {tally} has several slices")
        [row] = self._rows[tally]
        change = max(capacity, row.held + row.spent) - row.capacity
        row.capacity += change
        row.capacity_change += change

    def claim(self, request: ClaimRequest) -> Grant | Refusal:
        """Grant all parts or none. Raises SlicesShort where other slices must tell, Defect for a senseless claim."""
        wanted: dict[UUID, int] = {}
        for part in request.parts:
            if part.quantity <= 0:
                raise Defect(f"claim {request.id} asks for {part.quantity} units")
            wanted[part.tally] = wanted.get(part.tally, 0) + part.quantity
        if not wanted or len(wanted) > MAX_PARTS:
            raise Defect(f"claim {request.id} has {len(wanted)} tallies")
        short: dict[UUID, int] = {}
        undecided: list[UUID] = []
        for tally, quantity in wanted.items():
            own = self._own.get(tally)
            if own is not None and own.capacity - own.held - own.spent >= quantity:
                continue
            if tally in self._partly:
                undecided.append(tally)
            elif (free := self.free(tally)) < quantity:
                short[tally] = free
        if undecided:  # before refusing: whoever claims again with less is to know all that is short
            raise SlicesShort(undecided)
        if short:
            return Refusal(request.id, short)
        parts: list[Part] = []
        for tally in sorted(wanted) if len(wanted) > 1 else wanted:
            quantity = wanted[tally]
            own = self._own[tally]
            if own.capacity - own.held - own.spent < quantity:
                self._refill(own, quantity - own.free)
            own.held += quantity
            own.held_change += quantity
            parts.append(Part(tally, quantity, own.number))
        grant = Grant(request.id, tuple(parts), request.deadline)
        self.grants.append(grant)
        return grant

    def _refill(self, own: Slice, missing: int) -> None:
        """Take room over from the other slices: half of each one's, then whatever is still missing."""
        others = [row for row in self._rows[own.tally] if row is not own]
        for share in (REFILL_DIVISOR, 1):
            for row in others:
                moved = row.free // share if share > 1 else min(row.free, missing)
                if moved <= 0:
                    continue
                row.capacity -= moved
                row.capacity_change -= moved
                own.capacity += moved
                own.capacity_change += moved
                missing -= moved
            if missing <= 0:
                return
        raise Defect(f"tally {own.tally} was granted without room")

    def eased(self) -> Sequence[UUID]:
        """The tallies locked whole here whose own slice has room again, so that it may decide alone next time."""
        return [tally for tally, rows in self._rows.items() if len(rows) > 1 and self._own[tally].free > 0]

    def emptied(self) -> Sequence[UUID]:
        """The tallies of one slice of which the last was granted here."""
        return [
            tally
            for tally, rows in self._rows.items()
            if rows[0].held_change and not rows[0].free and len(rows) == 1 and tally not in self._partly
        ]

    def changes(self) -> Sequence[Slice]:
        """The slices whose numbers changed, in order of tally and slice."""
        changed = [row for rows in self._rows.values() for row in rows if row.held_change or row.capacity_change]
        return sorted(changed, key=lambda row: (row.tally, row.number))
