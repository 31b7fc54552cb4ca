"""Reading where stock lies, for people who look after it."""

from collections.abc import Sequence
from uuid import UUID

from nightmarket.catalog.contract import StockRow
from nightmarket.platform.database import Connection, Record

from .listings import titles

_STOCK_ROWS = """
SELECT v.id, v.sku, p.texts, v.merchant, m.name, l.code, s.tally
FROM catalog.variant v JOIN catalog.stock s ON s.variant = v.id JOIN catalog.product p ON p.id = v.product
JOIN catalog.merchant m ON m.id = v.merchant JOIN catalog.place l ON l.id = s.place
"""


async def stock_rows(
    connection: Connection, merchant: UUID | None, after: tuple[str, UUID], limit: int, words: str
) -> list[StockRow]:
    """Variants at places in order of SKU, then tally; `words` stand in the SKU or a title."""
    rows = await connection.fetch(
        f"""
        {_STOCK_ROWS}
        WHERE (v.sku, s.tally) > ($2, $3) AND ($1::uuid IS NULL OR v.merchant = $1)
            AND ($5 = '' OR strpos(lower(v.sku), $5) > 0 OR EXISTS (
                SELECT 1 FROM jsonb_each(p.texts) AS text WHERE strpos(lower(text.value ->> 'title'), $5) > 0))
        ORDER BY v.sku, s.tally LIMIT $4
        """,
        merchant,
        *after,
        limit,
        words.lower(),
    )
    return [_stock_row(row) for row in rows]


async def stock_of(connection: Connection, tallies: Sequence[UUID]) -> list[StockRow]:
    """What these tallies count."""
    rows = await connection.fetch(f"{_STOCK_ROWS} WHERE s.tally = ANY($1::uuid[]) ORDER BY v.sku, s.tally", tallies)
    return [_stock_row(row) for row in rows]


def _stock_row(row: Record) -> StockRow:
    return StockRow(row[0], row[1], titles(row[2]), row[3], row[4], row[5], row[6])


async def assortments(connection: Connection) -> dict[UUID, tuple[int, int]]:
    """Products and variants of each merchant."""
    rows = await connection.fetch(
        "SELECT merchant, count(DISTINCT product), count(*) FROM catalog.variant GROUP BY merchant"
    )
    return {merchant: (products, variants) for merchant, products, variants in rows}
