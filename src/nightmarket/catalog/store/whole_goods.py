"""Going through all products, and finding those of one master."""

from collections.abc import Sequence
from uuid import UUID

from nightmarket.platform.database import Connection


async def ids(connection: Connection, after: UUID | None, limit: int, merchant: UUID | None) -> list[UUID]:
    """Ids in order, after one of them."""
    rows = await connection.fetch(
        """
        SELECT id FROM catalog.product
        WHERE ($1::uuid IS NULL OR id > $1) AND ($2::uuid IS NULL OR merchant = $2) ORDER BY id LIMIT $3
        """,
        after,
        merchant,
        limit,
    )
    return [row["id"] for row in rows]


async def kin(connection: Connection, products: Sequence[UUID]) -> dict[UUID, UUID]:
    """These products and all of their masters', with the master or, without one, themselves."""
    rows = await connection.fetch(
        """
        SELECT p.id, coalesce(s.master, p.id) AS head FROM catalog.product p
        LEFT JOIN catalog.sameness s ON s.product = p.id
        WHERE p.id = ANY($1::uuid[]) OR s.master IN (
            SELECT master FROM catalog.sameness WHERE product = ANY($1::uuid[]) AND master IS NOT NULL)
        """,
        products,
    )
    return {row["id"]: row["head"] for row in rows}
