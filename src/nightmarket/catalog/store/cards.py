"""Reading products for lists."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from nightmarket.catalog.contract import Card, ProductKind
from nightmarket.platform.database import Connection, Record

from .listings import SHOWN, ancestors_of, stock_of_variants
from .packing import read_media, read_prices, read_product_texts

_CARDS = f"""
SELECT p.id, p.slug, p.merchant, m.name, p.category, p.texts, p.media, p.brand, p.brand_slug, p.kind, same.master
FROM catalog.product p JOIN catalog.merchant m ON m.id = p.merchant
    LEFT JOIN catalog.sameness same ON same.product = p.id
WHERE {SHOWN} AND EXISTS (SELECT 1 FROM catalog.variant v WHERE v.product = p.id AND v.for_sale)
"""


async def cards(
    connection: Connection, category: str | None, merchant: UUID | None, brand: str | None, after: str, limit: int
) -> list[Card]:
    """Products that have something for sale, in order of slug; a category includes those below it."""
    rows = await connection.fetch(
        f"""
        WITH RECURSIVE inside AS (
            SELECT slug FROM catalog.category WHERE slug = $1
            UNION SELECT c.slug FROM catalog.category c JOIN inside i ON c.parent = i.slug
        )
        {_CARDS}
            AND p.slug > $4 AND ($2::uuid IS NULL OR p.merchant = $2) AND ($3::text IS NULL OR p.brand_slug = $3)
            AND ($1::text IS NULL OR p.category IN (SELECT slug FROM inside) OR p.id IN (
                SELECT s.product FROM catalog.shelving s JOIN inside i ON i.slug = s.category))
        ORDER BY p.slug LIMIT $5
        """,
        category,
        merchant,
        brand,
        after,
        limit,
    )
    return await _cards(connection, rows)


async def cards_of(connection: Connection, products: Sequence[UUID]) -> list[Card]:
    """The cards of these products, in the order asked for; those that are not shown are absent."""
    rows = await connection.fetch(f"{_CARDS} AND p.id = ANY($1::uuid[])", products)
    found = {card.product: card for card in await _cards(connection, rows)}
    return [found[product] for product in dict.fromkeys(products) if product in found]


async def _cards(connection: Connection, rows: Sequence[Record]) -> list[Card]:
    variants = await connection.fetch(
        """
        SELECT product, id, prices, media FROM catalog.variant
        WHERE product = ANY($1::uuid[]) AND for_sale ORDER BY product, position, id
        """,
        [row["id"] for row in rows],
    )
    stock = await stock_of_variants(connection, [variant["id"] for variant in variants])
    above = await ancestors_of(connection, [row["category"] for row in rows])
    by_product: dict[UUID, list[tuple[UUID, dict[str, int], str]]] = {}
    for owner, variant, prices, media in variants:
        by_product.setdefault(owner, []).append((variant, read_prices(prices), media))
    cards: list[Card] = []
    for row in rows:
        own = by_product.get(row["id"], [])
        cheapest = _cheapest((variant, prices) for variant, prices, _ in own)
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
                prices_from={currency: amount for currency, (amount, _) in cheapest.items()},
                variants=len(own),
                tallies=tuple(lot.tally for variant, _, _ in own for lot in stock.get(variant, ())),
                brand=row["brand"],
                brand_slug=row["brand_slug"],
                kind=ProductKind(row["kind"]),
                master=row["master"],
                ancestors=above.get(row["category"], ()),
                cheapest={currency: variant for currency, (_, variant) in cheapest.items()},
            )
        )
    return cards


def _cheapest(variants: Iterable[tuple[UUID, dict[str, int]]]) -> dict[str, tuple[int, UUID]]:
    """The lowest price in each currency, and the first variant that has it."""
    found: dict[str, tuple[int, UUID]] = {}
    for variant, by_currency in variants:
        for currency, amount in by_currency.items():
            if currency not in found or amount < found[currency][0]:
                found[currency] = (amount, variant)
    return found
