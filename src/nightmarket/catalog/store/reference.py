"""Reading and writing what goods refer to: brands, typed attributes, size charts."""

from collections.abc import Sequence
from datetime import datetime

from nightmarket.catalog.contract import Attribute, AttributeType, Brand, SizeChart
from nightmarket.platform.database import Connection

from .listings import SHOWN
from .packing import pack, read_cells, read_choices, read_columns, read_texts

_BRAND = "SELECT b.slug, b.name, b.tagline, b.story, b.image, b.hue, b.version FROM catalog.brand b"


async def brands(connection: Connection, slugs: Sequence[str] | None = None) -> list[Brand]:
    """Brands by name; with `slugs`, only those of them, else those that have goods which are shown."""
    if slugs is None:
        rows = await connection.fetch(
            f"""
            {_BRAND} WHERE EXISTS (SELECT 1 FROM catalog.product p JOIN catalog.merchant m ON m.id = p.merchant
                WHERE p.brand_slug = b.slug AND {SHOWN})
            ORDER BY lower(b.name), b.slug
            """
        )
    else:
        rows = await connection.fetch(f"{_BRAND} WHERE b.slug = ANY($1::text[]) ORDER BY lower(b.name), b.slug", slugs)
    return [Brand(row[0], row[1], read_texts(row[2]), read_texts(row[3]), row[4], row[5], row[6]) for row in rows]


async def all_brands(connection: Connection) -> list[Brand]:
    """Every brand by name, also those without goods."""
    rows = await connection.fetch(f"{_BRAND} ORDER BY lower(b.name), b.slug")
    return [Brand(row[0], row[1], read_texts(row[2]), read_texts(row[3]), row[4], row[5], row[6]) for row in rows]


async def write_brands(
    tx: Connection, records: Sequence[Brand], at: datetime, *, replace: bool
) -> list[tuple[str, int]]:
    """Insert brands; with `replace`, those that exist take the new words. Returns slug and version of those written."""
    if not records:
        return []
    conflict = (
        """
        (slug) DO UPDATE SET name = excluded.name, tagline = excluded.tagline, story = excluded.story,
            image = excluded.image, hue = excluded.hue, version = catalog.brand.version + 1,
            updated_at = excluded.updated_at
        """
        if replace
        else "DO NOTHING"
    )
    rows = await tx.fetch(
        f"""
        INSERT INTO catalog.brand (slug, name, tagline, story, image, hue, updated_at)
        SELECT r.*, $7 FROM unnest($1::text[], $2::text[], $3::jsonb[], $4::jsonb[], $5::text[], $6::smallint[]) AS r
        ORDER BY 1 ON CONFLICT {conflict} RETURNING slug, version
        """,
        [r.slug for r in records],
        [r.name for r in records],
        [pack(r.tagline) for r in records],
        [pack(r.story) for r in records],
        [r.image for r in records],
        [r.hue for r in records],
        at,
    )
    return [(row[0], row[1]) for row in rows]


async def lock_reference(tx: Connection) -> None:
    """One transaction at a time changes by hand what goods refer to."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('catalog.reference', 0))")


async def attributes(connection: Connection, keys: Sequence[str] | None = None) -> list[Attribute]:
    """Typed attributes by position, then key; with `keys`, only those of them."""
    rows = await connection.fetch(
        """
        SELECT key, names, type, unit, choices, filterable, position, version FROM catalog.attribute
        WHERE $1::text[] IS NULL OR key = ANY($1) ORDER BY position, key
        """,
        keys,
    )
    return [
        Attribute(
            key=row[0],
            names=read_texts(row[1]),
            type=AttributeType(row[2]),
            unit=row[3],
            choices=read_choices(row[4]),
            filterable=row[5],
            position=row[6],
            version=row[7],
        )
        for row in rows
    ]


async def write_attributes(tx: Connection, records: Sequence[Attribute], at: datetime) -> None:
    """Insert or replace typed attributes."""
    if not records:
        return
    await tx.execute(
        """
        INSERT INTO catalog.attribute (key, names, type, unit, choices, filterable, position, updated_at)
        SELECT r.*, $8 FROM unnest($1::text[], $2::jsonb[], $3::text[], $4::text[], $5::jsonb[], $6::boolean[],
            $7::integer[]) AS r
        ORDER BY 1 ON CONFLICT (key) DO UPDATE SET names = excluded.names, type = excluded.type, unit = excluded.unit,
            choices = excluded.choices, filterable = excluded.filterable, position = excluded.position,
            version = catalog.attribute.version + 1, updated_at = excluded.updated_at
        """,
        [r.key for r in records],
        [pack(r.names) for r in records],
        [r.type.value for r in records],
        [r.unit for r in records],
        [pack(r.choices) for r in records],
        [r.filterable for r in records],
        [r.position for r in records],
        at,
    )


async def size_charts(connection: Connection, slugs: Sequence[str] | None = None) -> list[SizeChart]:
    """Size charts by slug; with `slugs`, only those of them."""
    if slugs is not None and not slugs:
        return []
    rows = await connection.fetch(
        """
        SELECT slug, names, columns, rows, version FROM catalog.size_chart
        WHERE $1::text[] IS NULL OR slug = ANY($1) ORDER BY slug
        """,
        slugs,
    )
    return [SizeChart(row[0], read_texts(row[1]), read_columns(row[2]), read_cells(row[3]), row[4]) for row in rows]


async def write_size_charts(tx: Connection, records: Sequence[SizeChart], at: datetime) -> None:
    """Insert or replace size charts."""
    if not records:
        return
    await tx.execute(
        """
        INSERT INTO catalog.size_chart (slug, names, columns, rows, updated_at)
        SELECT r.*, $5 FROM unnest($1::text[], $2::jsonb[], $3::jsonb[], $4::jsonb[]) AS r
        ORDER BY 1 ON CONFLICT (slug) DO UPDATE SET names = excluded.names, columns = excluded.columns,
            rows = excluded.rows, version = catalog.size_chart.version + 1, updated_at = excluded.updated_at
        """,
        [r.slug for r in records],
        [pack(r.names) for r in records],
        [pack(r.columns) for r in records],
        [pack(r.rows) for r in records],
        at,
    )
