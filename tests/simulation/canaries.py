"""Planted faults. An auditor that lets one of them pass is no auditor."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import count
from uuid import UUID

from nightmarket.kernel.ids import Ids
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import Fact, Facts
from nightmarket.platform.subscriptions import Subscription
from nightmarket.tally import store
from nightmarket.tally.contract import BelievedLedger, ClaimRequest, ClaimState, Grant, Ledger, Part, Refusal, Write
from nightmarket.tally.handlers import SlicedTallies

EVERY = 3


class ForgetfulTallies(SlicedTallies):
    """Forgets one release in three: the claim is marked as released, but its units stay held."""

    def __init__(self, releases: "count[int]", facts: Facts, ids: Ids, worker: int = 0) -> None:
        super().__init__(facts, ids, worker)
        self._releases = releases

    async def end(
        self, tx: Connection, claims: Mapping[UUID, ClaimState], write: Write | None = None
    ) -> Mapping[UUID, ClaimState]:
        before = await super().end(tx, claims, write)
        released = [
            claim
            for claim, state in claims.items()
            if state is ClaimState.RELEASED and before.get(claim) is ClaimState.HELD
        ]
        parts = await self.parts(tx, released)
        for claim in released:
            if next(self._releases) % EVERY == 0:
                await store.change(tx, [(part.tally, part.slice, 0, part.quantity, 0) for part in parts[claim]])
        return before


class HastyTallies(SlicedTallies):
    """Settles one claim in three twice: the units of an order leave the shelf a second time, while there are enough."""

    def __init__(self, settles: "count[int]", facts: Facts, ids: Ids, worker: int = 0) -> None:
        super().__init__(facts, ids, worker)
        self._settles = settles

    async def end(
        self, tx: Connection, claims: Mapping[UUID, ClaimState], write: Write | None = None
    ) -> Mapping[UUID, ClaimState]:
        before = await super().end(tx, claims, write)
        settled = [
            claim
            for claim, state in claims.items()
            if state is ClaimState.SETTLED and before.get(claim) is ClaimState.HELD
        ]
        parts = await self.parts(tx, settled)
        for claim in settled:
            if next(self._settles) % EVERY == 0:
                levels = await self.levels(tx, [part.tally for part in parts[claim]])
                if all(levels[part.tally].available >= part.quantity for part in parts[claim]):
                    await store.change(tx, [(part.tally, part.slice, 0, 0, part.quantity) for part in parts[claim]])
        return before


class GenerousLedger(Ledger):
    """Grants one unit more than it counts, whenever two or more are wanted. The shop's own audit cannot see it: claim
    and tally agree."""

    def claim(self, request: ClaimRequest) -> Grant | Refusal:
        parts = tuple(Part(part.tally, max(1, part.quantity - 1)) for part in request.parts)
        return super().claim(ClaimRequest(request.id, parts, request.deadline))


class GenerousTallies(SlicedTallies):
    """Sells one too many, with the ledger above."""

    async def lock(self, tx: Connection, tallies: Iterable[UUID]) -> Ledger:
        wanted = list(tallies)
        slices, counts = await store.lock(tx, wanted, self._worker, wanted)
        return GenerousLedger(slices, counts, self._worker)


class GenerousBeliefs(BelievedLedger):
    """The same without locks: one unit fewer leaves the shelf than the order has."""

    def claim(self, request: ClaimRequest) -> Grant:
        parts = tuple(Part(part.tally, max(1, part.quantity - 1)) for part in request.parts)
        return super().claim(ClaimRequest(request.id, parts, request.deadline))


class TrustingTallies(SlicedTallies):
    """Sells one too many where nothing is locked, with the ledger above."""

    async def believed(self, tx: Connection, tallies: Iterable[UUID], now: datetime) -> BelievedLedger:
        return GenerousBeliefs((await super().believed(tx, tallies, now))._known)


class HardOfHearing:
    """A consumer that skips every second fact and thinks that it has heard it."""

    def __init__(self) -> None:
        self._heard = 0

    def __call__(self, subscription: Subscription) -> Subscription:
        async def handle(tx: Connection, facts: Sequence[Fact]) -> None:
            kept: list[Fact] = []
            for fact in facts:
                self._heard += 1
                if self._heard % 2:
                    kept.append(fact)
            if kept:
                await subscription.handle(tx, kept)

        return Subscription(subscription.name, subscription.kinds, handle)
