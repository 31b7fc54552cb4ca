"""What carts and prices read of variants: a fixed number of queries whatever the number of variants."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from nightmarket.catalog.contract import Listing, ProductKind, Stock, Texts, stamped
from nightmarket.catalog.model.bounds import MAX_CATEGORY_DEPTH
from nightmarket.platform.database import Connection

from .packing import read_options, read_prices, read_product_texts

SHOWN = "p.state = 'live' AND m.state = 'open'"
"""What is shown at all, of a product `p` and its merchant `m`."""


async def stock_of_variants(connection: Connection, variants: Sequence[UUID]) -> dict[UUID, tuple[Stock, ...]]:
    """Where each variant lies, in order of place."""
    rows = await connection.fetch(
        """
        SELECT s.variant, s.place, s.tally FROM catalog.stock s JOIN catalog.place p ON p.id = s.place
        WHERE s.variant = ANY($1::uuid[]) ORDER BY s.variant, p.code
        """,
        variants,
    )
    found: dict[UUID, tuple[Stock, ...]] = {}
    for variant, place, tally in rows:
        found[variant] = (*found.get(variant, ()), Stock(place, tally))
    return found


async def ancestors_of(connection: Connection, categories: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The categories above each of these, the nearest first; those at the top are absent."""
    rows = await connection.fetch(
        """
        WITH RECURSIVE above AS (
            SELECT slug, parent, 1 AS steps FROM catalog.category WHERE slug = ANY($1::text[]) AND parent IS NOT NULL
            UNION ALL
            SELECT above.slug, c.parent, steps + 1 FROM above JOIN catalog.category c ON c.slug = above.parent
            WHERE c.parent IS NOT NULL AND steps < $2
        )
        SELECT slug, array_agg(parent ORDER BY steps) FROM above GROUP BY slug
        """,
        list(set(categories)),
        MAX_CATEGORY_DEPTH,
    )
    return {slug: tuple(parents) for slug, parents in rows}


async def listings(connection: Connection, variants: Sequence[UUID]) -> dict[UUID, Listing]:
    """The listings of those variants that exist; the picture is the variant's first, else the product's."""
    rows = await connection.fetch(
        f"""
        SELECT v.id, v.product, v.merchant, v.sku, v.options, v.prices, v.starts_at, v.ends_at,
            v.for_sale AND p.kind <> 'contact' AND {SHOWN} AS for_sale, p.slug, p.category, p.brand, p.texts, p.kind,
            coalesce(v.media -> 0 ->> 'image', p.media -> 0 ->> 'image') AS image
        FROM catalog.variant v JOIN catalog.product p ON p.id = v.product JOIN catalog.merchant m ON m.id = v.merchant
        WHERE v.id = ANY($1::uuid[])
        """,
        variants,
    )
    stock = await stock_of_variants(connection, [row["id"] for row in rows])
    above = await ancestors_of(connection, [row["category"] for row in rows])
    return {
        row["id"]: stamped(
            Listing(
                variant=row["id"],
                product=row["product"],
                merchant=row["merchant"],
                sku=row["sku"],
                slug=row["slug"],
                category=row["category"],
                brand=row["brand"],
                title=titles(row["texts"]),
                options=read_options(row["options"]),
                prices=read_prices(row["prices"]),
                stock=stock.get(row["id"], ()),
                image=row["image"],
                for_sale=row["for_sale"],
                kind=ProductKind(row["kind"]),
                starts_at=row["starts_at"],
                ends_at=row["ends_at"],
                ancestors=above.get(row["category"], ()),
            )
        )
        for row in rows
    }


def titles(texts: str) -> Texts:
    """The titles in a product's words."""
    return {language: words.title for language, words in read_product_texts(texts).items()}


async def find(connection: Connection, merchant: str, sku: str) -> UUID | None:
    """The variant with that SKU, letter for letter, at that merchant."""
    return await connection.fetchval(
        """
        SELECT v.id FROM catalog.variant v JOIN catalog.merchant m ON m.id = v.merchant
        WHERE m.slug = $1 AND v.sku = $2
        """,
        merchant,
        sku,
    )
