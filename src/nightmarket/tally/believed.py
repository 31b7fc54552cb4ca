"""What a process believes of slices that it does not lock. Pure.

Of most goods there is far more than a batch of orders takes. Their slices need no lock before the orders are priced and
packed: a claim is granted on what was last seen, and the statement that takes the units refuses to take the last of
them, or any that are not there. What is believed decides only which way an order goes, never what it gets.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from .model import ClaimRequest, Grant, Ledger, Refusal, Slice, SlicesShort

SHARE_DIVISOR = 8
"""After one look at a slice a process takes an eighth of what was free: up to eight may do so side by side."""

BELIEF_LIFE = timedelta(seconds=60)
BELIEF_LIMIT = 50_000
"""Slices of which something is believed; beyond it the oldest is forgotten."""


class Belief:
    """The slice that this process claims from: its number, what was free, and what may be taken without a look."""

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

    def ledger(self, tallies: Iterable[UUID]) -> "BelievedLedger":
        """A ledger of what is believed of these tallies."""
        return BelievedLedger({tally: belief for tally in tallies if (belief := self._known.get(tally)) is not None})

    def taken(self, slices: Iterable[Slice]) -> None:
        """Note what a ledger granted."""
        for row in slices:
            belief = self._known.get(row.tally)
            if belief is not None:
                belief.free -= row.held_change
                belief.share -= row.held_change

    def forget(self, tallies: Iterable[UUID]) -> None:
        """Look again before these are believed."""
        for tally in tallies:
            self._known.pop(tally, None)


class BelievedLedger(Ledger):
    """A ledger of slices that are not locked: it grants within their shares, and decides nothing else."""

    def __init__(self, beliefs: dict[UUID, Belief]) -> None:
        super().__init__(
            [Slice(tally, one.number, capacity=one.free, held=0, spent=0) for tally, one in beliefs.items()],
            {tally: one.number + 1 for tally, one in beliefs.items()},
            worker=0,
        )
        self._beliefs = beliefs

    def _own_slice(self, tally: UUID, count: int, worker: int) -> Slice:  # noqa: ARG002 (there is one only)
        return self._rows[tally][0]

    def claim(self, request: ClaimRequest) -> Grant | Refusal:
        """Grant all parts. Raises SlicesShort for whatever is beyond a share: only a locked ledger can tell."""
        wanted: dict[UUID, int] = {}
        for part in request.parts:
            wanted[part.tally] = wanted.get(part.tally, 0) + part.quantity
        short = [tally for tally, quantity in wanted.items() if self._share(tally) < quantity]
        if short:
            raise SlicesShort(short)
        return super().claim(request)

    def _share(self, tally: UUID) -> int:
        belief = self._beliefs.get(tally)
        return belief.share - self._own[tally].held_change if belief is not None else 0

    def emptied(self) -> Sequence[UUID]:
        """Nothing: the last of a slice is never taken unlocked."""
        return ()
