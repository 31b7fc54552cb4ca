"""Reading what variants cost."""

from collections.abc import Sequence
from uuid import UUID

from nightmarket.platform.database import Connection

from .packing import read_prices


async def costs(connection: Connection, variants: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """Those of the variants whose cost is known in any currency."""
    rows = await connection.fetch(
        "SELECT id, costs FROM catalog.variant WHERE id = ANY($1::uuid[]) AND costs <> '{}'", variants
    )
    return {row[0]: read_prices(row[1]) for row in rows}
