"""Reading lists of products for those who look after them."""

from uuid import UUID

from nightmarket.catalog.contract import Entry, ProductKind, ProductState
from nightmarket.platform.database import Connection

from .listings import titles
from .packing import read_prices


async def entries(
    connection: Connection, merchant: UUID | None, state: ProductState | None, words: str, page: tuple[str, int]
) -> list[Entry]:
    """Products by slug, in whatever state, with the number of their variants and their lowest prices."""
    rows = await connection.fetch(
        """
        SELECT p.id, p.slug, p.merchant, p.texts, p.category, p.brand, p.kind, p.state, p.media -> 0 ->> 'image',
            own.variants, coalesce(own.lowest, '{}') AS lowest, p.version, p.updated_at
        FROM catalog.product p CROSS JOIN LATERAL (
            SELECT count(*) AS variants, (SELECT jsonb_object_agg(by.currency, by.amount) FROM (
                SELECT price.key AS currency, min(price.value::bigint) AS amount
                FROM catalog.variant w CROSS JOIN LATERAL jsonb_each_text(w.prices) AS price
                WHERE w.product = p.id AND NOT w.retired GROUP BY price.key) AS by) AS lowest
            FROM catalog.variant v WHERE v.product = p.id AND NOT v.retired) AS own
        WHERE p.slug > $4 AND ($1::uuid IS NULL OR p.merchant = $1) AND ($2::text IS NULL OR p.state = $2)
            AND ($3 = '' OR strpos(p.slug, $3) > 0
                OR EXISTS (SELECT 1 FROM jsonb_each(p.texts) AS t WHERE strpos(lower(t.value ->> 'title'), $3) > 0)
                OR EXISTS (SELECT 1 FROM catalog.variant s WHERE s.product = p.id AND strpos(lower(s.sku), $3) > 0))
        ORDER BY p.slug LIMIT $5
        """,
        merchant,
        state.value if state else None,
        words.lower(),
        *page,
    )
    return [
        Entry(
            product=row[0],
            slug=row[1],
            merchant=row[2],
            title=titles(row[3]),
            category=row[4],
            brand=row[5],
            kind=ProductKind(row[6]),
            state=ProductState(row[7]),
            image=row[8],
            variants=row[9],
            prices_from=read_prices(row[10]),
            version=row[11],
            updated_at=row[12],
        )
        for row in rows
    ]
