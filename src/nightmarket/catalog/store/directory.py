"""Reading and writing merchants, places and categories in sets."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from nightmarket.catalog.contract import Category, Merchant, MerchantState, Place, Texts
from nightmarket.platform.database import Connection, Record

from .packing import pack, read_texts

_MERCHANT = """
SELECT id, slug, name, tagline, story, image, hue, commission_basis_points, state, email, country, terms, reason,
    version
FROM catalog.merchant
"""


def _merchant_of(row: Record) -> Merchant:
    return Merchant(
        id=row["id"],
        slug=row["slug"],
        name=row["name"],
        tagline=read_texts(row["tagline"]),
        story=read_texts(row["story"]),
        image=row["image"],
        hue=row["hue"],
        commission_basis_points=row["commission_basis_points"],
        state=MerchantState(row["state"]),
        email=row["email"],
        country=row["country"],
        terms=read_texts(row["terms"]),
        reason=row["reason"],
        version=row["version"],
    )


async def merchants(
    connection: Connection, slugs: Sequence[str] | None = None, *, open_only: bool = False
) -> list[Merchant]:
    """Merchants by name; with `slugs`, only those of them."""
    rows = await connection.fetch(
        f"""
        {_MERCHANT} WHERE ($1::text[] IS NULL OR slug = ANY($1)) AND (NOT $2 OR state = 'open')
        ORDER BY lower(name), slug
        """,
        slugs,
        open_only,
    )
    return [_merchant_of(row) for row in rows]


async def read_merchants(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Merchant]:
    """Those of the merchants that exist."""
    rows = await connection.fetch(f"{_MERCHANT} WHERE id = ANY($1::uuid[])", ids)
    return {row["id"]: _merchant_of(row) for row in rows}


async def places(connection: Connection, merchants: Sequence[UUID] | None = None) -> list[Place]:
    """Places by merchant and code; with `merchants`, only theirs."""
    rows = await connection.fetch(
        """
        SELECT id, merchant, code, name FROM catalog.place
        WHERE $1::uuid[] IS NULL OR merchant = ANY($1) ORDER BY merchant, code
        """,
        merchants,
    )
    return [Place(row[0], row[1], row[2], read_texts(row[3])) for row in rows]


async def categories(connection: Connection, slugs: Sequence[str] | None = None) -> list[Category]:
    """Categories by slug; with `slugs`, only those of them."""
    rows = await connection.fetch(
        """
        SELECT slug, names, parent, image, tree, position, version FROM catalog.category
        WHERE $1::text[] IS NULL OR slug = ANY($1) ORDER BY slug
        """,
        slugs,
    )
    return [Category(row[0], read_texts(row[1]), row[2], row[3], row[4], row[5], row[6]) for row in rows]


async def categories_with_goods(connection: Connection, slugs: Sequence[str]) -> list[str]:
    """Those of the categories that products belong to."""
    rows = await connection.fetch(
        """
        SELECT c.slug FROM unnest($1::text[]) AS c(slug)
        WHERE EXISTS (SELECT 1 FROM catalog.product p WHERE p.category = c.slug) ORDER BY 1
        """,
        slugs,
    )
    return [row[0] for row in rows]


async def write_merchants(tx: Connection, records: Sequence[Merchant], at: datetime, *, replace: bool) -> int:
    """Insert merchants; with `replace`, those that exist take the new words. Returns how many were written."""
    if not records:
        return 0
    conflict = (
        """
        (id) DO UPDATE SET name = excluded.name, tagline = excluded.tagline, story = excluded.story,
            image = excluded.image, hue = excluded.hue, commission_basis_points = excluded.commission_basis_points,
            state = excluded.state, email = excluded.email, country = excluded.country, terms = excluded.terms,
            reason = excluded.reason, version = catalog.merchant.version + 1, updated_at = excluded.updated_at
        """
        if replace
        else "DO NOTHING"
    )
    status = await tx.execute(
        f"""
        INSERT INTO catalog.merchant (id, slug, name, tagline, story, image, hue, commission_basis_points,
            state, email, country, terms, reason, created_at, updated_at)
        SELECT r.*, $14, $14 FROM unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[], $5::jsonb[], $6::text[],
            $7::smallint[], $8::smallint[], $9::text[], $10::text[], $11::text[], $12::jsonb[], $13::text[]) AS r
        ON CONFLICT {conflict}
        """,
        [r.id for r in records],
        [r.slug for r in records],
        [r.name for r in records],
        [pack(r.tagline) for r in records],
        [pack(r.story) for r in records],
        [r.image for r in records],
        [r.hue for r in records],
        [r.commission_basis_points for r in records],
        [r.state.value for r in records],
        [r.email for r in records],
        [r.country for r in records],
        [pack(r.terms) for r in records],
        [r.reason for r in records],
        at,
    )
    return int(status.rsplit(" ", 1)[1])


async def write_places(tx: Connection, records: Sequence[Place], *, replace: bool) -> int:
    """Insert places; with `replace`, those that exist take the new names. Returns how many were written."""
    if not records:
        return 0
    status = await tx.execute(
        f"""
        INSERT INTO catalog.place (id, merchant, code, name)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::jsonb[])
        ON CONFLICT {"(id) DO UPDATE SET name = excluded.name" if replace else "DO NOTHING"}
        """,
        [r.id for r in records],
        [r.merchant for r in records],
        [r.code for r in records],
        [pack(r.name) for r in records],
    )
    return int(status.rsplit(" ", 1)[1])


async def write_categories(tx: Connection, records: Sequence[Category], at: datetime, *, replace: bool) -> int:
    """Insert categories; with `replace`, those that exist take the new words. Returns how many were written."""
    if not records:
        return 0
    conflict = (
        """
        (slug) DO UPDATE SET names = excluded.names, parent = excluded.parent, image = excluded.image,
            tree = excluded.tree, position = excluded.position,
            version = catalog.category.version + 1, updated_at = excluded.updated_at
        """
        if replace
        else "DO NOTHING"
    )
    status = await tx.execute(
        f"""
        INSERT INTO catalog.category (slug, names, parent, image, tree, position, updated_at)
        SELECT r.*, $7 FROM unnest($1::text[], $2::jsonb[], $3::text[], $4::text[], $5::text[], $6::integer[]) AS r
        ON CONFLICT {conflict}
        """,
        [r.slug for r in records],
        [pack(r.names) for r in records],
        [r.parent for r in records],
        [r.image for r in records],
        [r.tree for r in records],
        [r.position for r in records],
        at,
    )
    return int(status.rsplit(" ", 1)[1])


def name_from(slug: str) -> Texts:
    """Words for a place or category of which only the slug is known."""
    return {"en": slug.replace("-", " ").capitalize()}
