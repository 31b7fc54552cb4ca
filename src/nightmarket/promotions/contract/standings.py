"""How offers stand that were ever published: for whoever publishes the next revision of them."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection
from nightmarket.promotions.contract import Offer


class Standing(msgspec.Struct, frozen=True):
    """An offer as it was last published, and whether it is still in the book."""

    offer: Offer
    live: bool


class Standings(Protocol):
    """Implemented in `handlers/standings.py`."""

    async def standing(self, connection: Connection, offers: Sequence[UUID]) -> Mapping[UUID, Standing]:
        """Those of the offers that were ever published."""
        ...

    def live(self, connection: Connection) -> AsyncGenerator[Sequence[Offer]]:
        """All offers of the newest book in order of id, a page at a time."""
        ...
