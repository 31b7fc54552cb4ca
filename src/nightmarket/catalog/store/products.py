"""Reading one product with all that its page shows."""

from collections.abc import Sequence
from uuid import UUID

from nightmarket.catalog.contract import Product, ProductKind, ProductState, Variant
from nightmarket.platform.database import Connection

from .directory import read_merchants
from .listings import SHOWN, ancestors_of, stock_of_variants
from .packing import read_attributes, read_media, read_options, read_prices, read_product_texts
from .reference import size_charts
from .sameness import read_masters

_PRODUCTS = """
SELECT p.id, p.merchant, p.slug, p.category, p.brand, p.texts, p.attributes, p.media, p.version, p.updated_at,
    p.brand_slug, p.kind, p.state, p.size_chart,
    ARRAY(SELECT s.category FROM catalog.shelving s WHERE s.product = p.id ORDER BY s.category) AS shelves
FROM catalog.product p
"""


async def product(connection: Connection, slug: str) -> Product | None:
    """The product with that slug, if it is shown: with its merchant, its variants in order and where they lie."""
    shown = await connection.fetchval(
        f"""
        SELECT p.id FROM catalog.product p JOIN catalog.merchant m ON m.id = p.merchant WHERE p.slug = $1 AND {SHOWN}
        """,
        slug,
    )
    return None if shown is None else (await products(connection, [shown])).get(shown)


async def products(connection: Connection, wanted: Sequence[UUID], *, masters: bool = True) -> dict[UUID, Product]:
    """Those of the products that exist, shown or not. Masters are left out where the reader may not see all goods."""
    rows = await connection.fetch(f"{_PRODUCTS} WHERE p.id = ANY($1::uuid[])", wanted)
    merchants = await read_merchants(connection, list({row["merchant"] for row in rows}))
    charts = await size_charts(connection, [row["size_chart"] for row in rows if row["size_chart"]])
    variants = await _variants(connection, [row["id"] for row in rows])
    above = await ancestors_of(connection, [row["category"] for row in rows])
    same = await read_masters(connection, [row["id"] for row in rows]) if masters else {}
    return {
        row["id"]: Product(
            id=row["id"],
            slug=row["slug"],
            merchant=merchants[row["merchant"]],
            category=row["category"],
            brand=row["brand"],
            texts=read_product_texts(row["texts"]),
            attributes=dict(read_attributes(row["attributes"])),
            media=read_media(row["media"]),
            variants=tuple(variants.get(row["id"], ())),
            version=row["version"],
            updated_at=row["updated_at"],
            brand_slug=row["brand_slug"],
            kind=ProductKind(row["kind"]),
            state=ProductState(row["state"]),
            master=same[row["id"]][0] if row["id"] in same else None,
            size_chart=next((chart for chart in charts if chart.slug == row["size_chart"]), None),
            shelves=tuple(row["shelves"]),
            ancestors=above.get(row["category"], ()),
        )
        for row in rows
    }


async def _variants(connection: Connection, wanted: Sequence[UUID]) -> dict[UUID, list[Variant]]:
    rows = await connection.fetch(
        """
        SELECT product, id, sku, gtin, options, prices, media, for_sale, starts_at, ends_at FROM catalog.variant
        WHERE product = ANY($1::uuid[]) AND NOT retired ORDER BY product, position, id
        """,
        wanted,
    )
    stock = await stock_of_variants(connection, [row["id"] for row in rows])
    found: dict[UUID, list[Variant]] = {}
    for row in rows:
        found.setdefault(row["product"], []).append(
            Variant(
                id=row["id"],
                sku=row["sku"],
                gtin=row["gtin"],
                options=read_options(row["options"]),
                prices=read_prices(row["prices"]),
                stock=stock.get(row["id"], ()),
                media=read_media(row["media"]),
                for_sale=row["for_sale"],
                starts_at=row["starts_at"],
                ends_at=row["ends_at"],
            )
        )
    return found
