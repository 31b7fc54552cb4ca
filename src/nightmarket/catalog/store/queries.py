"""Reading the catalogue for carts and pages: a fixed number of queries whatever the number of rows."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from nightmarket.catalog.contract import Card, Listing, Product, Stock, StockRow, Texts, Variant
from nightmarket.platform.database import Connection, Record

from .directory import merchant_of
from .packing import read_attributes, read_media, read_options, read_prices, read_product_texts


async def _stock(connection: Connection, variants: Sequence[UUID]) -> dict[UUID, tuple[Stock, ...]]:
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


async def listings(connection: Connection, variants: Sequence[UUID]) -> dict[UUID, Listing]:
    """The listings of those variants that exist; the picture is the variant's first, else the product's."""
    rows = await connection.fetch(
        """
        SELECT v.id, v.product, v.merchant, v.sku, v.options, v.prices, v.for_sale, p.slug, p.category, p.brand,
            p.texts, coalesce(v.media -> 0 ->> 'image', p.media -> 0 ->> 'image') AS image
        FROM catalog.variant v JOIN catalog.product p ON p.id = v.product WHERE v.id = ANY($1::uuid[])
        """,
        variants,
    )
    stock = await _stock(connection, [row["id"] for row in rows])
    return {
        row["id"]: Listing(
            variant=row["id"],
            product=row["product"],
            merchant=row["merchant"],
            sku=row["sku"],
            slug=row["slug"],
            category=row["category"],
            brand=row["brand"],
            title=_titles(row["texts"]),
            options=read_options(row["options"]),
            prices=read_prices(row["prices"]),
            stock=stock.get(row["id"], ()),
            image=row["image"],
            for_sale=row["for_sale"],
        )
        for row in rows
    }


def _titles(texts: str) -> Texts:
    return {language: words.title for language, words in read_product_texts(texts).items()}


async def product(connection: Connection, slug: str) -> Product | None:
    """A product with its merchant, its variants in order and where their stock is counted."""
    row = await connection.fetchrow(
        """
        SELECT id, merchant, slug, category, brand, texts, attributes, media, version, updated_at
        FROM catalog.product WHERE slug = $1
        """,
        slug,
    )
    if row is None:
        return None
    merchant = await connection.fetchrow(
        """
        SELECT id, slug, name, tagline, story, image, hue, commission_basis_points
        FROM catalog.merchant WHERE id = $1
        """,
        row["merchant"],
    )
    assert merchant is not None
    variants = await connection.fetch(
        """
        SELECT id, sku, gtin, options, prices, media, for_sale FROM catalog.variant
        WHERE product = $1 ORDER BY position, id
        """,
        row["id"],
    )
    stock = await _stock(connection, [variant["id"] for variant in variants])
    return Product(
        id=row["id"],
        slug=row["slug"],
        merchant=merchant_of(merchant),
        category=row["category"],
        brand=row["brand"],
        texts=read_product_texts(row["texts"]),
        attributes=dict(read_attributes(row["attributes"])),
        media=read_media(row["media"]),
        variants=tuple(
            Variant(
                id=variant["id"],
                sku=variant["sku"],
                gtin=variant["gtin"],
                options=read_options(variant["options"]),
                prices=read_prices(variant["prices"]),
                stock=stock.get(variant["id"], ()),
                media=read_media(variant["media"]),
                for_sale=variant["for_sale"],
            )
            for variant in variants
        ),
        version=row["version"],
        updated_at=row["updated_at"],
    )


async def cards(
    connection: Connection, category: str | None, merchant: UUID | None, after: str, limit: int
) -> list[Card]:
    """Products that have something for sale, in order of slug; a category includes those below it."""
    rows = await connection.fetch(
        """
        WITH RECURSIVE inside AS (
            SELECT slug FROM catalog.category WHERE slug = $1
            UNION SELECT c.slug FROM catalog.category c JOIN inside i ON c.parent = i.slug
        )
        SELECT p.id, p.slug, p.merchant, m.name, p.category, p.texts, p.media FROM catalog.product p
        JOIN catalog.merchant m ON m.id = p.merchant
        WHERE p.slug > $3 AND ($1::text IS NULL OR p.category IN (SELECT slug FROM inside))
            AND ($2::uuid IS NULL OR p.merchant = $2)
            AND EXISTS (SELECT 1 FROM catalog.variant v WHERE v.product = p.id AND v.for_sale)
        ORDER BY p.slug LIMIT $4
        """,
        category,
        merchant,
        after,
        limit,
    )
    variants = await connection.fetch(
        """
        SELECT product, id, prices, media FROM catalog.variant
        WHERE product = ANY($1::uuid[]) AND for_sale ORDER BY product, position, id
        """,
        [row["id"] for row in rows],
    )
    stock = await _stock(connection, [variant["id"] for variant in variants])
    by_product: dict[UUID, list[tuple[UUID, dict[str, int], str]]] = {}
    for owner, variant, prices, media in variants:
        by_product.setdefault(owner, []).append((variant, read_prices(prices), media))
    cards: list[Card] = []
    for row in rows:
        own = by_product.get(row["id"], [])
        texts = read_product_texts(row["texts"])
        pictures = next((found for found in map(read_media, (row["media"], *(v[2] for v in own))) if found), ())
        cards.append(
            Card(
                product=row["id"],
                slug=row["slug"],
                merchant=row["merchant"],
                merchant_name=row["name"],
                category=row["category"],
                title={language: words.title for language, words in texts.items()},
                summary={language: words.summary for language, words in texts.items() if words.summary},
                media=pictures[0] if pictures else None,
                prices_from=_lowest(prices for _, prices, _ in own),
                variants=len(own),
                tallies=tuple(lot.tally for variant, _, _ in own for lot in stock.get(variant, ())),
            )
        )
    return cards


def _lowest(prices: Iterable[dict[str, int]]) -> dict[str, int]:
    lowest: dict[str, int] = {}
    for by_currency in prices:
        for currency, amount in by_currency.items():
            lowest[currency] = min(amount, lowest.get(currency, amount))
    return lowest


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
    return StockRow(row[0], row[1], _titles(row[2]), row[3], row[4], row[5], row[6])


async def assortments(connection: Connection) -> dict[UUID, tuple[int, int]]:
    """Products and variants of each merchant."""
    rows = await connection.fetch(
        "SELECT merchant, count(DISTINCT product), count(*) FROM catalog.variant GROUP BY merchant"
    )
    return {merchant: (products, variants) for merchant, products, variants in rows}
