"""Reading and writing products, variants and stock in sets, for imports."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from nightmarket.catalog.contract import ProductKind, ProductState
from nightmarket.catalog.model.records import ProductRecord, StockRecord, VariantRecord
from nightmarket.platform.database import Connection, Record

from .packing import pack, read_attributes, read_media, read_options, read_prices, read_product_texts


class SlugTaken(Exception):
    """Another import gave a slug to its product between our look and our write; look again."""


async def lock_merchants(tx: Connection, merchants: Sequence[UUID]) -> None:
    """One import at a time changes a merchant's goods, also those of a merchant who has no row yet."""
    await tx.execute(
        """
        SELECT pg_advisory_xact_lock(hashtextextended('catalog.merchant ' || id, 0))
        FROM (SELECT unnest($1::uuid[])::text AS id ORDER BY 1) AS wanted
        """,
        merchants,
    )
    await tx.execute(
        "SELECT 1 FROM catalog.merchant WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE", merchants
    )


async def read_products(connection: Connection, products: Sequence[UUID]) -> dict[UUID, ProductRecord]:
    """The products that exist."""
    rows = await connection.fetch(
        """
        SELECT p.id, p.merchant, p.slug, p.category, p.brand, p.texts, p.attributes, p.media, p.version, p.brand_slug,
            p.kind, p.state, p.size_chart,
            ARRAY(SELECT s.category FROM catalog.shelving s WHERE s.product = p.id ORDER BY s.category)
        FROM catalog.product p WHERE p.id = ANY($1::uuid[])
        """,
        products,
    )
    return {
        row[0]: ProductRecord(
            id=row[0],
            merchant=row[1],
            slug=row[2],
            category=row[3],
            brand=row[4],
            texts=read_product_texts(row[5]),
            attributes=read_attributes(row[6]),
            media=read_media(row[7]),
            version=row[8],
            brand_slug=row[9],
            kind=ProductKind(row[10]),
            state=ProductState(row[11]),
            size_chart=row[12],
            shelves=tuple(row[13]),
        )
        for row in rows
    }


_VARIANT = """
SELECT id, product, merchant, sku, gtin, options, prices, media, for_sale, position, starts_at, ends_at, retired,
    costs
FROM catalog.variant
"""


async def read_variants(connection: Connection, variants: Sequence[UUID]) -> dict[UUID, VariantRecord]:
    """The variants that exist."""
    rows = await connection.fetch(f"{_VARIANT} WHERE id = ANY($1::uuid[])", variants)
    return {row[0]: _variant(row) for row in rows}


async def read_listed(
    connection: Connection, variants: Sequence[UUID]
) -> dict[UUID, tuple[ProductState, dict[str, int]]]:
    """What these variants are listed at, and the state of their products."""
    rows = await connection.fetch(
        """
        SELECT v.id, p.state, v.prices FROM catalog.variant v JOIN catalog.product p ON p.id = v.product
        WHERE v.id = ANY($1::uuid[])
        """,
        variants,
    )
    return {row[0]: (ProductState(row[1]), read_prices(row[2])) for row in rows}


async def read_variants_of(connection: Connection, products: Sequence[UUID]) -> dict[UUID, tuple[VariantRecord, ...]]:
    """All variants of the products, retired ones too, in order."""
    rows = await connection.fetch(
        f"{_VARIANT} WHERE product = ANY($1::uuid[]) ORDER BY product, position, id", products
    )
    found: dict[UUID, list[VariantRecord]] = {}
    for row in rows:
        found.setdefault(row[1], []).append(_variant(row))
    return {product: tuple(variants) for product, variants in found.items()}


def _variant(row: Record) -> VariantRecord:
    return VariantRecord(
        id=row[0],
        product=row[1],
        merchant=row[2],
        sku=row[3],
        gtin=row[4],
        options=read_options(row[5]),
        prices=read_prices(row[6]),
        media=read_media(row[7]),
        for_sale=row[8],
        position=row[9],
        starts_at=row[10],
        ends_at=row[11],
        retired=row[12],
        costs=read_prices(row[13]),
    )


async def read_stock(connection: Connection, variants: Sequence[UUID]) -> dict[tuple[UUID, UUID], StockRecord]:
    """Where the variants' stock is counted, by variant and place."""
    rows = await connection.fetch(
        """
        SELECT variant, place, merchant, tally, counted_by, counted_line
        FROM catalog.stock WHERE variant = ANY($1::uuid[])
        """,
        variants,
    )
    return {(row[0], row[1]): StockRecord(row[0], row[1], row[2], row[3], row[4], row[5]) for row in rows}


async def known_products(connection: Connection, products: Sequence[UUID]) -> set[UUID]:
    """Those of the products that exist."""
    rows = await connection.fetch("SELECT id FROM catalog.product WHERE id = ANY($1::uuid[])", products)
    return {row[0] for row in rows}


async def owners_of_slugs(connection: Connection, slugs: Sequence[str]) -> dict[str, UUID]:
    """Which products have those slugs."""
    rows = await connection.fetch("SELECT slug, id FROM catalog.product WHERE slug = ANY($1::text[])", slugs)
    return {row[0]: row[1] for row in rows}


async def skus_like(connection: Connection, wanted: Sequence[tuple[UUID, str]]) -> dict[tuple[UUID, str], str]:
    """One SKU for each (merchant, lower-case SKU) that has any."""
    if not wanted:
        return {}
    merchants, folded = zip(*wanted, strict=True)
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (v.merchant, lower(v.sku)) v.merchant, lower(v.sku), v.sku
        FROM unnest($1::uuid[], $2::text[]) AS w(merchant, folded)
        JOIN catalog.variant v ON v.merchant = w.merchant AND lower(v.sku) = w.folded
        ORDER BY v.merchant, lower(v.sku), v.sku
        """,
        merchants,
        folded,
    )
    return {(row[0], row[1]): row[2] for row in rows}


_WRITE_PRODUCTS = """
INSERT INTO catalog.product (id, merchant, slug, category, brand, texts, attributes, media, version, brand_slug, kind,
    state, size_chart, updated_at)
SELECT r.*, $14 FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::jsonb[],
    $7::jsonb[], $8::jsonb[], $9::integer[], $10::text[], $11::text[], $12::text[], $13::text[]) AS r
ON CONFLICT (id) DO UPDATE SET category = excluded.category, brand = excluded.brand, texts = excluded.texts,
    attributes = excluded.attributes, media = excluded.media, version = excluded.version,
    brand_slug = excluded.brand_slug, kind = excluded.kind, state = excluded.state,
    size_chart = excluded.size_chart, updated_at = excluded.updated_at
"""


async def write_products(tx: Connection, records: Sequence[ProductRecord], at: datetime) -> None:
    """Insert or replace products with their shelves. Raises SlugTaken when another transaction was first."""
    if not records:
        return
    try:
        await tx.execute(
            _WRITE_PRODUCTS,
            [r.id for r in records],
            [r.merchant for r in records],
            [r.slug for r in records],
            [r.category for r in records],
            [r.brand for r in records],
            [pack(r.texts) for r in records],
            [pack(r.attributes) for r in records],
            [pack(r.media) for r in records],
            [r.version for r in records],
            [r.brand_slug for r in records],
            [r.kind.value for r in records],
            [r.state.value for r in records],
            [r.size_chart for r in records],
            at,
        )
    except asyncpg.UniqueViolationError as error:
        raise SlugTaken(str(error)) from error
    await _write_shelves(tx, records)


async def _write_shelves(tx: Connection, records: Sequence[ProductRecord]) -> None:
    shelves = [(r.id, shelf, r.merchant) for r in records for shelf in r.shelves]
    old = [r.id for r in records if r.version > 1]
    if old:
        await tx.execute("DELETE FROM catalog.shelving WHERE product = ANY($1::uuid[])", old)
    if shelves:
        await tx.execute(
            "INSERT INTO catalog.shelving SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[])",
            *map(list, zip(*shelves, strict=True)),
        )


async def write_variants(tx: Connection, records: Sequence[VariantRecord]) -> None:
    """Insert or replace variants."""
    if not records:
        return
    await tx.execute(
        """
        INSERT INTO catalog.variant (id, product, merchant, sku, gtin, options, prices, media, for_sale, position,
            starts_at, ends_at, retired, costs)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::jsonb[],
            $7::jsonb[], $8::jsonb[], $9::boolean[], $10::integer[], $11::timestamptz[], $12::timestamptz[],
            $13::boolean[], $14::jsonb[])
        ON CONFLICT (id) DO UPDATE SET gtin = excluded.gtin, options = excluded.options, prices = excluded.prices,
            media = excluded.media, for_sale = excluded.for_sale, position = excluded.position,
            starts_at = excluded.starts_at, ends_at = excluded.ends_at, retired = excluded.retired,
            costs = excluded.costs
        """,
        [r.id for r in records],
        [r.product for r in records],
        [r.merchant for r in records],
        [r.sku for r in records],
        [r.gtin for r in records],
        [pack(r.options) for r in records],
        [pack(r.prices) for r in records],
        [pack(r.media) for r in records],
        [r.for_sale for r in records],
        [r.position for r in records],
        [r.starts_at for r in records],
        [r.ends_at for r in records],
        [r.retired for r in records],
        [pack(r.costs) for r in records],
    )


async def write_stock(tx: Connection, records: Sequence[StockRecord]) -> None:
    """Insert where stock is counted, or note whose count was taken last."""
    if not records:
        return
    await tx.execute(
        """
        INSERT INTO catalog.stock (variant, place, merchant, tally, counted_by, counted_line)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::integer[])
        ON CONFLICT (variant, place) DO UPDATE SET counted_by = excluded.counted_by,
            counted_line = excluded.counted_line
        """,
        [r.variant for r in records],
        [r.place for r in records],
        [r.merchant for r in records],
        [r.tally for r in records],
        [r.counted_by for r in records],
        [r.counted_line for r in records],
    )


async def variants_of(connection: Connection, products: Sequence[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """All variants of the products."""
    rows = await connection.fetch(
        """
        SELECT product, array_agg(id ORDER BY position, id) FROM catalog.variant
        WHERE product = ANY($1::uuid[]) GROUP BY product
        """,
        products,
    )
    return {row[0]: tuple(row[1]) for row in rows}


async def versions_of(connection: Connection, products: Sequence[UUID]) -> dict[UUID, tuple[UUID, int]]:
    """Merchant and version of each product."""
    rows = await connection.fetch(
        "SELECT id, merchant, version FROM catalog.product WHERE id = ANY($1::uuid[])", products
    )
    return {row[0]: (row[1], row[2]) for row in rows}
