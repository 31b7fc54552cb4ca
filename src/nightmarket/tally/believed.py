"""What a process believes of slices that it does not lock. Pure.

Of most goods there is far more than a batch of orders takes. Their slices need no lock before the orders are priced and
packed: a claim is granted on what was last seen, and the statement that takes the units refuses to take the last of
them, or any that are not there. What is believed decides only which way an order goes, never what it gets.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from uuid import UUID

from .model import ClaimRequest, Grant, Part, SlicesShort

SHARE_DIVISOR = 8
"""After one look at a slice a process takes an eighth of what was free: up to eight may do so side by side."""

BELIEF_LIFE = timedelta(seconds=60)
BELIEF_LIMIT = 50_000
"""Slices of which something is believed; beyond it the oldest is forgotten."""


NOTHING = (0, 0)
_TALLY = attrgetter("tally")


class Belief:
    """The slice that this process claims from: its number, what is free, and what may be taken without a look."""

    __slots__ = ("free", "number", "share", "until")

    def __init__(self, number: int, free: int, until: datetime) -> None:
        self.number = number
        self.free = free
        self.share = free // SHARE_DIVISOR
        self.until = until


class Beliefs:
    """Beliefs by tally."""

    def __init__(self) -> None:
        self._known: dict[UUID, Belief] = {}

    def unknown(self, tallies: Iterable[UUID], now: datetime) -> list[UUID]:
        """The tallies that have to be looked at: never seen, too long ago, or their share is used up."""
        known = self._known.get
        return [
            tally for tally in tallies if (belief := known(tally)) is None or not belief.share or belief.until < now
        ]

    def learn(self, seen: Iterable[tuple[UUID, int, int]], now: datetime) -> None:
        """Note slices: (tally, number, free)."""
        until = now + BELIEF_LIFE
        for tally, number, free in seen:
            self._known.pop(tally, None)
            self._known[tally] = Belief(number, free, until)
        while len(self._known) > BELIEF_LIMIT:
            del self._known[next(iter(self._known))]

    def forget(self, tallies: Iterable[UUID]) -> None:
        """Look again before these are believed."""
        for tally in tallies:
            self._known.pop(tally, None)

    def ledger(self) -> "BelievedLedger":
        """A ledger of what is believed now."""
        return BelievedLedger(self._known)


class BelievedLedger:
    """A ledger of slices that are not locked: it grants within their shares, and decides nothing else. What it grants
    is believed to be taken, so a batch that fails has to `forget`."""

    def __init__(self, known: Mapping[UUID, Belief]) -> None:
        self._known = known
        self._held: dict[UUID, tuple[int, int]] = {}
        self.grants: list[Grant] = []

    def free(self, tally: UUID) -> int:
        """What is believed to be free of the tally; 0 for an unknown one."""
        belief = self._known.get(tally)
        return belief.free if belief is not None else 0

    def claim(self, request: ClaimRequest) -> Grant:
        """Grant all parts. Raises SlicesShort for whatever is beyond a share: only a locked ledger can tell."""
        known, held = self._known, self._held
        parts = _by_tally(request.parts)
        pairs: list[tuple[Part, Belief]] = []
        short: list[UUID] = []
        for part in parts:
            belief = known.get(part.tally)
            if belief is None or belief.share < part.quantity:
                short.append(part.tally)
            else:
                pairs.append((part, belief))
        if short or not parts:
            raise SlicesShort(short)
        granted: list[Part] = []
        for part, belief in pairs:
            tally, units, number = part.tally, part.quantity, belief.number
            belief.free -= units
            belief.share -= units
            held[tally] = number, held.get(tally, NOTHING)[1] + units
            granted.append(part if number == part.slice else Part(tally, units, number))
        grant = Grant(request.id, tuple(granted), request.deadline)
        self.grants.append(grant)
        return grant

    def changes(self) -> Sequence[tuple[UUID, int, int]]:
        """What was granted by slice, in their order: (tally, slice, held)."""
        return [(tally, *self._held[tally]) for tally in sorted(self._held)]


def _by_tally(parts: Sequence[Part]) -> Sequence[Part]:
    """One part for each tally, in order of tally."""
    if len(parts) == 1:
        return parts
    if len({part.tally for part in parts}) == len(parts):  # nearly always
        return sorted(parts, key=_TALLY)
    wanted: dict[UUID, int] = {}
    for part in parts:
        wanted[part.tally] = wanted.get(part.tally, 0) + part.quantity
    return [Part(tally, wanted[tally]) for tally in sorted(wanted)]
