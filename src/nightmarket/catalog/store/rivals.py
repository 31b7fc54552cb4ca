"""Reading the same trade item at other merchants."""

from uuid import UUID

from nightmarket.catalog.contract import Rival
from nightmarket.platform.database import Connection

from .directory import read_merchants
from .listings import SHOWN, stock_of_variants
from .packing import read_prices


async def rivals(connection: Connection, product: UUID, limit: int) -> list[Rival]:
    """What is for sale elsewhere with a GTIN of this product's, by GTIN."""
    rows = await connection.fetch(
        f"""
        SELECT v.id, p.slug, v.merchant, v.gtin, v.prices FROM catalog.product own
        JOIN catalog.product p ON p.master = own.master AND p.merchant <> own.merchant
        JOIN catalog.merchant m ON m.id = p.merchant JOIN catalog.variant v ON v.product = p.id
        WHERE own.id = $1 AND {SHOWN} AND v.for_sale AND EXISTS (
            SELECT 1 FROM catalog.variant mine
            WHERE mine.product = own.id AND lpad(mine.gtin, 14, '0') = lpad(v.gtin, 14, '0'))
        ORDER BY lpad(v.gtin, 14, '0'), p.slug, v.id LIMIT $2
        """,
        product,
        limit,
    )
    merchants = await read_merchants(connection, list({row[2] for row in rows}))
    stock = await stock_of_variants(connection, [row[0] for row in rows])
    return [
        Rival(row[0], row[1], merchants[row[2]], row[3], read_prices(row[4]), stock.get(row[0], ())) for row in rows
    ]
