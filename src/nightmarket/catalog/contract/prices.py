"""What goods were listed at: for price law, which asks for the lowest price of the last thirty days."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection

MAX_HISTORIES = 200


class ListPrices(msgspec.Struct, frozen=True):
    """A variant's list prices in one currency since an instant: each with when it began, oldest first.

    Where so many versions were replaced that the oldest are no longer kept, they are all known only from `known_from`.
    """

    spans: tuple[tuple[datetime, int], ...]
    known_from: datetime | None = None

    def is_known(self, since: datetime) -> bool:
        return self.known_from is None or self.known_from <= since


class PriceHistory(Protocol):
    """Implemented in `handlers/prices.py`."""

    async def list_prices(
        self, connection: Connection, variants: Mapping[UUID, UUID], currency: str, since: datetime
    ) -> Mapping[UUID, ListPrices]:
        """For each variant (with its product) what it was listed at while its product was shown; at most 200."""
        ...
