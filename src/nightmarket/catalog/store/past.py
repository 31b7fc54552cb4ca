"""Keeping versions of products that are replaced, packed, and reading them back."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.catalog.model.records import PastVersion, ProductRecord, VariantRecord
from nightmarket.platform.database import Connection

from .goods import read_products, read_variants_of

KEPT = 20
"""Past versions that a product keeps; older ones are dropped."""

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(tuple[ProductRecord, tuple[VariantRecord, ...]])


async def keep(tx: Connection, products: Sequence[UUID], by: str, at: datetime) -> None:
    """Keep what the products are now; call it before they are replaced, in the same transaction."""
    if not products:
        return
    now = await read_products(tx, products)
    variants = await read_variants_of(tx, list(now))
    await tx.execute(
        """
        INSERT INTO catalog.past (product, version, merchant, content, replaced_at, replaced_by)
        SELECT r.*, $5, $6 FROM unnest($1::uuid[], $2::integer[], $3::uuid[], $4::bytea[]) AS r
        ON CONFLICT DO NOTHING
        """,
        list(now),
        [record.version for record in now.values()],
        [record.merchant for record in now.values()],
        [_ENCODER.encode((record, variants.get(record.id, ()))) for record in now.values()],
        at,
        by,
    )
    full = [(record.id, record.version - KEPT) for record in now.values() if record.version > KEPT]
    if full:
        await tx.execute(
            """
            DELETE FROM catalog.past p USING unnest($1::uuid[], $2::integer[]) AS old(product, version)
            WHERE p.product = old.product AND p.version <= old.version
            """,
            *map(list, zip(*full, strict=True)),
        )


async def read_pasts(
    connection: Connection, products: Sequence[UUID], since: datetime
) -> dict[UUID, list[tuple[PastVersion, tuple[ProductRecord, tuple[VariantRecord, ...]] | None]]]:
    """The kept versions of each product, oldest first; what they were only of those replaced after that instant."""
    rows = await connection.fetch(
        """
        SELECT product, version, replaced_at, replaced_by, CASE WHEN replaced_at > $2 THEN content END
        FROM catalog.past WHERE product = ANY($1::uuid[]) ORDER BY product, version
        """,
        products,
        since,
    )
    found: dict[UUID, list[tuple[PastVersion, tuple[ProductRecord, tuple[VariantRecord, ...]] | None]]] = {}
    for product, version, replaced_at, replaced_by, content in rows:
        kept = (PastVersion(version, replaced_at, replaced_by), _DECODER.decode(content) if content else None)
        found.setdefault(product, []).append(kept)
    return found


async def read_past(
    connection: Connection, product: UUID, version: int | None = None
) -> list[tuple[PastVersion, ProductRecord, tuple[VariantRecord, ...]]]:
    """What was kept of a product, latest first; with `version`, only that one."""
    rows = await connection.fetch(
        """
        SELECT version, content, replaced_at, replaced_by FROM catalog.past
        WHERE product = $1 AND ($2::integer IS NULL OR version = $2) ORDER BY version DESC
        """,
        product,
        version,
    )
    return [(PastVersion(row[0], row[2], row[3]), *_DECODER.decode(row[1])) for row in rows]
