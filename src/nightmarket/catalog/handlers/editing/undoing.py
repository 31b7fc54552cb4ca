"""What a product was before, and going back to it."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Saved, Version
from nightmarket.catalog.store import goods, past
from nightmarket.kernel.problems import NotFound
from nightmarket.platform.database import Connection

from .means import Means, check_version
from .prices import write_next


async def history(connection: Connection, product: UUID) -> Sequence[Version]:
    """The kept versions, latest first."""
    return [
        Version(
            kept.version,
            kept.replaced_at,
            kept.replaced_by,
            {language: words.title for language, words in record.texts.items()},
        )
        for kept, record, _ in await past.read_past(connection, product)
    ]


async def undo(means: Means, tx: Connection, product: UUID, version: int, expected_version: int, by: str) -> Saved:
    """The old content as a new version; variants that came since are retired, stock is not touched."""
    owner = (await goods.versions_of(tx, [product])).get(product)
    if owner is None:
        raise NotFound("There is no such product.", field="product")
    await goods.lock_merchants(tx, [owner[0]])
    now = (await goods.read_products(tx, [product]))[product]
    check_version(now.slug, expected_version, now.version)
    found = await past.read_past(tx, product, version)
    if not found:
        raise NotFound(f"Version {version} of this product is not kept (any more).", field="version")
    [(_, record, variants)] = found
    there = {variant.id for variant in variants}
    later = [
        msgspec.structs.replace(variant, retired=True, for_sale=False)
        for variant in (await goods.read_variants_of(tx, [product])).get(product, ())
        if variant.id not in there
    ]
    [saved] = await write_next(
        means, tx, [msgspec.structs.replace(record, version=now.version)], [*variants, *later], by
    )
    return saved
