"""Reading a merchant's variants with prices and places."""

from collections.abc import Sequence
from uuid import UUID

from nightmarket.catalog.contract.shelf import ShelfRow
from nightmarket.platform.database import Connection, Record

from .listings import titles
from .packing import read_options, read_prices

_ROWS = """
SELECT v.id, v.product, v.sku, p.texts, v.options, v.prices, v.for_sale, v.costs,
    ARRAY(SELECT l.code FROM catalog.stock s JOIN catalog.place l ON l.id = s.place WHERE s.variant = v.id
        ORDER BY l.code) AS places,
    ARRAY(SELECT s.tally FROM catalog.stock s JOIN catalog.place l ON l.id = s.place WHERE s.variant = v.id
        ORDER BY l.code) AS tallies
FROM catalog.variant v JOIN catalog.product p ON p.id = v.product
"""


async def rows(connection: Connection, merchant: UUID, after: str, limit: int, words: str) -> list[ShelfRow]:
    found = await connection.fetch(
        f"""
        {_ROWS}
        WHERE v.merchant = $1 AND NOT v.retired AND v.sku > $2
            AND ($4 = '' OR strpos(lower(v.sku), $4) > 0 OR EXISTS (
                SELECT 1 FROM jsonb_each(p.texts) AS text WHERE strpos(lower(text.value ->> 'title'), $4) > 0))
        ORDER BY v.sku LIMIT $3
        """,
        merchant,
        after,
        limit,
        words.lower(),
    )
    return [_row(row) for row in found]


async def by_id(connection: Connection, merchant: UUID, variants: Sequence[UUID]) -> list[ShelfRow]:
    found = await connection.fetch(
        f"{_ROWS} WHERE v.merchant = $1 AND v.id = ANY($2::uuid[]) ORDER BY v.sku", merchant, variants
    )
    return [_row(row) for row in found]


async def of_products(connection: Connection, merchant: UUID, products: Sequence[UUID], limit: int) -> list[ShelfRow]:
    found = await connection.fetch(
        f"{_ROWS} WHERE v.merchant = $1 AND v.product = ANY($2::uuid[]) AND NOT v.retired ORDER BY v.sku LIMIT $3",
        merchant,
        products,
        limit,
    )
    return [_row(row) for row in found]


async def foreign(
    connection: Connection, merchant: UUID, variants: Sequence[UUID], places: Sequence[UUID]
) -> tuple[set[UUID], set[UUID]]:
    """Which of the variants and places are not the merchant's, or are not there."""
    mine = await connection.fetch(
        "SELECT id FROM catalog.variant WHERE merchant = $1 AND id = ANY($2::uuid[])", merchant, variants
    )
    own = await connection.fetch(
        "SELECT id FROM catalog.place WHERE merchant = $1 AND id = ANY($2::uuid[])", merchant, places
    )
    return set(variants) - {row[0] for row in mine}, set(places) - {row[0] for row in own}


async def tallies_of(connection: Connection, merchant: UUID, products: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    found: dict[UUID, list[UUID]] = {}
    for row in await connection.fetch(
        """
        SELECT v.product, s.tally FROM catalog.variant v JOIN catalog.stock s ON s.variant = v.id
        WHERE v.merchant = $1 AND v.product = ANY($2::uuid[]) AND NOT v.retired
        """,
        merchant,
        products,
    ):
        found.setdefault(row["product"], []).append(row["tally"])
    return found


def _row(row: Record) -> ShelfRow:
    return ShelfRow(
        variant=row["id"],
        product=row["product"],
        sku=row["sku"],
        title=titles(row["texts"]),
        options=read_options(row["options"]),
        prices=read_prices(row["prices"]),
        for_sale=row["for_sale"],
        costs=read_prices(row["costs"]),
        stock=dict(zip(row["places"], row["tallies"], strict=True)),
    )
