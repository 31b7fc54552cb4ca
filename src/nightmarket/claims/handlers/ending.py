"""The batch in which claims are settled and released, and the drain in which they lapse. A claim ends once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.claims import store
from nightmarket.claims.contract import ClaimsLapsed, ClaimsReleased, ClaimsSettled
from nightmarket.claims.errors import ClaimEnded, ClaimNotFound
from nightmarket.claims.model import ClaimView, Owner
from nightmarket.kernel.problems import Defect, Problem
from nightmarket.platform.database import Connection
from nightmarket.platform.group_commit import GroupCommit
from nightmarket.tally.contract import ClaimState

from .means import Means

LAPSE_BATCH = 200
"""Claims that one step of the drain lets lapse."""

NO_CLAIM = "There is no such claim, or it was made with a key of somebody else."


class End(msgspec.Struct, frozen=True):
    """Settle or release a claim."""

    id: UUID
    owner: Owner
    to: ClaimState


class EndBatch:
    """Settles and releases claims, up to a batch at a time, with every lock taken in one order."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self.lane: GroupCommit[End, ClaimView] = means.lane("outside-ends", self._work)

    async def _work(self, tx: Connection, items: Sequence[End]) -> Sequence[ClaimView | Problem]:
        now = self._means.clock.now()
        claims = await store.lock(tx, list({item.id for item in items}))
        ends: dict[UUID, ClaimState] = {}
        for item in items:
            claim = claims.get(item.id)
            if claim is not None and item.owner.may_see(claim.merchant) and claim.state is ClaimState.HELD:
                ends.setdefault(item.id, item.to)
        if ends:
            before = await self._means.tallies.end(tx, ends)
            _expect_held(ends, before)
            await write_ends(tx, self._means, {id: claims[id] for id in ends}, ends, now)
            for id, state in ends.items():
                claims[id] = msgspec.structs.replace(claims[id], state=state, ended_at=now)
        return [_answer(item, claims.get(item.id)) for item in items]


class Lapsing:
    """A drain of claims whose deadline has passed; `step` is called by the worker again and again."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def step(self) -> int:
        """Let claims lapse that are due. Returns how many there were."""
        means = self._means
        now = means.clock.now()
        async with means.database.read() as connection:
            ids = await store.due(connection, now, LAPSE_BATCH)
        if not ids:
            return 0
        async with means.database.transaction() as tx:
            claims = await store.lock_due(tx, ids, now)
            if claims:
                before = await means.tallies.lapse(tx, list(claims), now)
                ends = dict.fromkeys(claims, ClaimState.LAPSED)
                _expect_held(ends, before)
                await write_ends(tx, means, claims, ends, now)
        return len(claims)


def _expect_held(ends: Mapping[UUID, ClaimState], before: Mapping[UUID, ClaimState]) -> None:
    wrong = [id for id in ends if before.get(id) is not ClaimState.HELD]
    if wrong:
        raise Defect(f"claim {wrong[0]} of another shop is held, but its tallies say otherwise")


async def write_ends(
    tx: Connection, means: Means, claims: Mapping[UUID, ClaimView], ends: Mapping[UUID, ClaimState], now: datetime
) -> None:
    """Note how claims ended, and tell it."""
    await store.end(tx, ends, now)
    for state, fact in (
        (ClaimState.SETTLED, ClaimsSettled),
        (ClaimState.RELEASED, ClaimsReleased),
        (ClaimState.LAPSED, ClaimsLapsed),
    ):
        told = [fact(id, claims[id].reference) for id, end in ends.items() if end is state]
        await means.facts.append(tx, told, now)


def _answer(item: End, claim: ClaimView | None) -> ClaimView | Problem:
    if claim is None or not item.owner.may_see(claim.merchant):
        return ClaimNotFound(NO_CLAIM, field="id")
    if claim.state is item.to or (item.to is ClaimState.RELEASED and claim.state is ClaimState.LAPSED):
        return claim
    if item.to is ClaimState.RELEASED:
        text = "The claim is settled: its units are sold. What comes back to you goes back on sale with PUT /stock."
    elif claim.state is ClaimState.RELEASED:
        text = "The claim was released, so nothing is held by it any more; claim again with a new key."
    else:
        text = "The claim has lapsed, so nothing is held by it any more; claim again with a new key."
    return ClaimEnded(text, field="id", state=claim.state.name.lower())
