"""How offers stand that were ever published."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection
from nightmarket.promotions.contract import Offer
from nightmarket.promotions.contract.standings import Standing
from nightmarket.promotions.store import offers as store


class StoredStandings:
    """Implements `contract.standings.Standings`."""

    async def standing(self, connection: Connection, offers: Sequence[UUID]) -> Mapping[UUID, Standing]:
        """As in the contract."""
        known = await store.standings(connection, offers)
        bodies = await store.last_bodies(connection, list(known))
        return {id: Standing(bodies[id], one.live) for id, one in known.items()}

    async def live(self, connection: Connection) -> AsyncGenerator[Sequence[Offer]]:
        """As in the contract."""
        async for page in store.pages_at(connection, await store.newest(connection)):
            yield [msgspec.json.decode(one, type=Offer) for one in page]
