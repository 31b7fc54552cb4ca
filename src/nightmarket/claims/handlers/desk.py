"""Where other shops claim: every command through its lane."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from nightmarket.claims import store
from nightmarket.claims.contract import Feed, Finding, Make
from nightmarket.claims.errors import ClaimNotFound
from nightmarket.claims.model import ClaimFilter, ClaimView, Holder, Owner
from nightmarket.platform.database import Connection
from nightmarket.tally.contract import ClaimState, Level

from .auditing import ClaimAudit
from .ending import NO_CLAIM, End, EndBatch, Lapsing
from .feeding import FeedBatch, first_time
from .making import MakeBatch
from .means import Means

REQUESTS_KEPT = timedelta(days=30)
"""How long the keys of feeds and offers are remembered."""

HOLDERS_LIMIT = 100


class ClaimDesk:
    """Implements `contract.Claims`."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._makes = MakeBatch(means)
        self._ends = EndBatch(means)
        self._feeds = FeedBatch(means)
        self.due = Lapsing(means)
        self.lanes = (self._makes.lane, self._ends.lane, self._feeds.lane)

    @property
    def secret(self) -> bytes:
        """What keys the ids of claims and requests."""
        return self._means.secret

    async def make(self, wanted: Make) -> ClaimView:
        return await self._makes.lane.submit(wanted)

    async def settle(self, owner: Owner, id: UUID) -> ClaimView:
        return await self._ends.lane.submit(End(id, owner, ClaimState.SETTLED))

    async def release(self, owner: Owner, id: UUID) -> ClaimView:
        return await self._ends.lane.submit(End(id, owner, ClaimState.RELEASED))

    async def get(self, owner: Owner, id: UUID) -> ClaimView:
        async with self._means.database.read() as connection:
            claim = (await store.read(connection, [id])).get(id)
        if claim is None or not owner.may_see(claim.merchant):
            raise ClaimNotFound(NO_CLAIM, field="id")
        return claim

    async def feed(self, feed: Feed) -> Mapping[UUID, Level]:
        return await self._feeds.lane.submit(feed)

    async def first_time(self, tx: Connection, id: UUID, request: bytes) -> bool:
        return await first_time(tx, self._means, id, request)

    async def named(self, connection: Connection, tallies: Sequence[UUID]) -> Mapping[UUID, str]:
        return await store.names(connection, tallies)

    async def some(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, ClaimView]:
        return await store.read(connection, ids)

    async def board(
        self,
        connection: Connection,
        chosen: ClaimFilter,
        *,
        before: tuple[datetime, UUID] | None = None,
        limit: int = 50,
    ) -> Sequence[ClaimView]:
        return await store.board(connection, chosen, before, limit)

    async def holders(self, connection: Connection) -> Sequence[Holder]:
        return await store.holders(connection, HOLDERS_LIMIT)

    async def audit(self) -> Sequence[Finding]:
        return await ClaimAudit(self._means).run()

    async def sweep(self) -> int:
        """Forget keys of old feeds and offers."""
        async with self._means.database.transaction() as tx:
            await store.forget_requests(tx, self._means.clock.now() - REQUESTS_KEPT)
        return 0
