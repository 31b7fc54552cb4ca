"""Reading the same trade item at other merchants."""

from uuid import UUID

from nightmarket.catalog.contract import Rival
from nightmarket.platform.database import Connection

from .directory import read_merchants
from .listings import SHOWN, stock_of_variants
from .packing import read_prices


async def rivals(connection: Connection, product: UUID, limit: int) -> list[Rival]:
    """What is for sale elsewhere with a GTIN of this product's; where products joined by hand share none, all."""
    rows = await connection.fetch(
        f"""
        WITH mine AS (SELECT DISTINCT lpad(gtin, 14, '0') AS gtin FROM catalog.variant
            WHERE product = $1 AND gtin IS NOT NULL AND NOT retired)
        SELECT v.id, p.slug, v.merchant, v.gtin, v.prices FROM catalog.product own
        JOIN catalog.sameness my ON my.product = own.id JOIN catalog.sameness same ON same.master = my.master
        JOIN catalog.product p ON p.id = same.product AND p.merchant <> own.merchant
        JOIN catalog.merchant m ON m.id = p.merchant JOIN catalog.variant v ON v.product = p.id
        WHERE own.id = $1 AND {SHOWN} AND v.for_sale AND (lpad(v.gtin, 14, '0') IN (SELECT gtin FROM mine)
            OR NOT EXISTS (SELECT 1 FROM catalog.variant twin
                WHERE twin.product = p.id AND lpad(twin.gtin, 14, '0') IN (SELECT gtin FROM mine)))
        ORDER BY lpad(v.gtin, 14, '0'), p.slug, v.id LIMIT $2
        """,
        product,
        limit,
    )
    merchants = await read_merchants(connection, list({row[2] for row in rows}))
    stock = await stock_of_variants(connection, [row[0] for row in rows])
    return [
        Rival(row[0], row[1], merchants[row[2]], row[3] or "", read_prices(row[4]), stock.get(row[0], ()))
        for row in rows
    ]
