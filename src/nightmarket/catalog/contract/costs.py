"""What goods cost their merchants, where these said so: for loss guards and simulations, never for shoppers."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from nightmarket.platform.database import Connection


class Costs(Protocol):
    """Implemented in `handlers/costs.py`. A cost is what a piece costs, in minor units per currency."""

    async def costs(self, connection: Connection, variants: Sequence[UUID]) -> Mapping[UUID, dict[str, int]]:
        """The costs of those variants of which any is known; asks for 1,000 variants at a time."""
        ...
