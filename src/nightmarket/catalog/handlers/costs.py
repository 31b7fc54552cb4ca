"""What goods cost their merchants."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from nightmarket.catalog.store import costs as store
from nightmarket.platform.database import Connection

CHUNK = 1_000
"""Variants that one query asks for."""


class StoredCosts:
    """Implements `contract.Costs`."""

    async def costs(self, connection: Connection, variants: Sequence[UUID]) -> Mapping[UUID, dict[str, int]]:
        found: dict[UUID, dict[str, int]] = {}
        for start in range(0, len(variants), CHUNK):
            found |= await store.costs(connection, variants[start : start + CHUNK])
        return found
