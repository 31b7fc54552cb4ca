"""Going through a merchant's goods, or all, to write them out."""

from collections.abc import Sequence
from uuid import UUID

from nightmarket.platform.database import Connection


async def page(connection: Connection, merchant: UUID | None, after: str, limit: int) -> list[tuple[str, UUID]]:
    """Slugs and ids in order of slug, after one of them."""
    rows = await connection.fetch(
        """
        SELECT slug, id FROM catalog.product WHERE slug > $2 AND ($1::uuid IS NULL OR merchant = $1)
        ORDER BY slug LIMIT $3
        """,
        merchant,
        after,
        limit,
    )
    return [(row[0], row[1]) for row in rows]


async def languages(connection: Connection, merchant: UUID | None) -> Sequence[str]:
    """Languages in which any of the goods has words."""
    return await _column(
        connection,
        """
        SELECT DISTINCT jsonb_object_keys(texts) AS found FROM catalog.product
        WHERE $1::uuid IS NULL OR merchant = $1 ORDER BY 1
        """,
        merchant,
    )


async def currencies(connection: Connection, merchant: UUID | None) -> Sequence[str]:
    """Currencies in which any of the goods has a price."""
    return await _column(
        connection,
        """
        SELECT DISTINCT jsonb_object_keys(prices) AS found FROM catalog.variant
        WHERE $1::uuid IS NULL OR merchant = $1 ORDER BY 1
        """,
        merchant,
    )


async def places(connection: Connection, merchant: UUID | None) -> dict[UUID, str]:
    """Codes of the places, by id."""
    rows = await connection.fetch(
        "SELECT id, code FROM catalog.place WHERE $1::uuid IS NULL OR merchant = $1 ORDER BY code, id", merchant
    )
    return {row[0]: row[1] for row in rows}


async def _column(connection: Connection, query: str, merchant: UUID | None) -> list[str]:
    return [row[0] for row in await connection.fetch(query, merchant)]
