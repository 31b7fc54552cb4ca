"""What tests of editing by hand work with: an importer, an editor, and drafts to begin with."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import (
    MediaDraft,
    Merchant,
    Product,
    ProductDraft,
    ProductState,
    ProductText,
    VariantDraft,
)
from nightmarket.catalog.handlers.editing import StoredEditor
from nightmarket.catalog.model.rows import merchant_id
from nightmarket.catalog.store import directory
from nightmarket.kernel.clock import VirtualClock
from nightmarket.platform.facts import Cursor, read

from .conftest import FESTIVAL_EVE
from .import_workshop import Workshop, workshop


class Desk(msgspec.Struct):
    """A workshop with an editor in it."""

    shop: Workshop
    editor: StoredEditor

    async def save(self, *drafts: ProductDraft, by: str = "Test Hand") -> list[UUID]:
        async with self.shop.database.transaction() as tx:
            return [one.product for one in await self.editor.save_products(tx, drafts, by)]

    async def product(self, product: UUID) -> Product:
        async with self.shop.database.read() as connection:
            found = await self.editor.product(connection, product)
        assert found is not None
        return found

    async def facts(self, kind: str, shape: type[Any]) -> list[Any]:
        async with self.shop.database.read() as connection:
            return [one for fact in await read(connection, Cursor(), [kind]) for one in fact.read(shape)]

    async def open_merchants(self, *slugs: str) -> None:
        new = [Merchant(merchant_id(slug), slug, slug.title(), {}, {}) for slug in slugs]
        async with self.shop.database.transaction() as tx:
            await directory.write_merchants(tx, new, self.shop.clock.now(), replace=False)


@asynccontextmanager
async def desk(url: str) -> AsyncGenerator[Desk]:
    """An editor on that database."""
    async with workshop(url, VirtualClock(FESTIVAL_EVE)) as shop:
        yield Desk(shop, StoredEditor(shop.facts, shop.tallies, shop.pictures, shop.clock))


def wok(merchant: str, **changes: Any) -> ProductDraft:
    """A live product with two sizes."""
    draft = ProductDraft(
        merchant=merchant_id(merchant),
        key=f"{merchant}-wok",
        texts={"en": ProductText("Wok", "Hot", "Iron.\nRound.", ("deep", "light")), "de": ProductText("Wokpfanne")},
        variants=(
            VariantDraft(sku="W-28", prices={"EUR": "39.90"}, options={"size": {"en": "28 cm"}}, gtin="4006381333931"),
            VariantDraft(sku="W-30", prices={"EUR": "49.90", "USD": "55"}, options={"size": {"en": "30 cm"}}),
        ),
        brand="Iron Alley",
        attributes={"weight": 1200},
        state=ProductState.LIVE,
    )
    return msgspec.structs.replace(draft, **changes)


def as_draft(product: Product, **changes: Any) -> ProductDraft:
    """The form of a product that exists, as it would be sent back unchanged."""
    draft = ProductDraft(
        merchant=product.merchant.id,
        product=product.id,
        expected_version=product.version,
        texts=product.texts,
        category=product.category,
        shelves=product.shelves,
        brand=product.brand,
        attributes=product.attributes,  # type: ignore[arg-type]
        media=tuple(MediaDraft(one.image, one.alt) for one in product.media),
        kind=product.kind,
        state=product.state,
        size_chart=product.size_chart.slug if product.size_chart else None,
        variants=tuple(
            VariantDraft(
                sku=variant.sku,
                prices={code: f"{amount / 100:.2f}" for code, amount in variant.prices.items()},
                gtin=variant.gtin or "",
                options=variant.options,
                media=tuple(MediaDraft(one.image, one.alt) for one in variant.media),
                for_sale=variant.for_sale,
                starts_at=variant.starts_at,
                ends_at=variant.ends_at,
            )
            for variant in product.variants
        ),
    )
    return msgspec.structs.replace(draft, **changes)
