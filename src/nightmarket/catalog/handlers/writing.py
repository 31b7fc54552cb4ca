"""The one way in which goods are written, by imports and by hand: the replaced version is kept, brands come to be,
and others are told."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from nightmarket.catalog.contract import Brand, BrandChanged, ProductChanged
from nightmarket.catalog.model.brands import named_brand
from nightmarket.catalog.model.records import ProductRecord, VariantRecord
from nightmarket.catalog.store import goods, past, reference
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import Facts

from .sameness import join_same


class Pen:
    """Writes sets of goods in a running transaction."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    async def write(
        self,
        tx: Connection,
        products: Sequence[ProductRecord],
        variants: Sequence[VariantRecord],
        *,
        by: str,
        at: datetime,
    ) -> None:
        """Insert or replace; call it with the merchants locked. Finish with `tell`, after stock was counted."""
        await self._brands(tx, products, at)
        await past.keep(tx, [product.id for product in products if product.version > 1], by, at)
        await goods.write_products(tx, products, at)
        await goods.write_variants(tx, variants)

    async def tell(self, tx: Connection, products: Collection[UUID], at: datetime) -> None:
        """Join what is the same thing, and publish what changed; takes the last lock of the transaction."""
        moved = await join_same(tx, products)
        changed = list(dict.fromkeys((*products, *moved)))
        variants = await goods.variants_of(tx, changed)
        now = await goods.versions_of(tx, changed)
        told = [
            ProductChanged(product, *now[product], variants.get(product, ())) for product in changed if product in now
        ]
        await self._facts.append(tx, told, at)

    async def _brands(self, tx: Connection, products: Iterable[ProductRecord], at: datetime) -> None:
        named: dict[str, Brand] = {}
        for product in products:
            if product.brand_slug:
                named.setdefault(product.brand_slug, named_brand(product.brand_slug, product.brand))
        there = {brand.slug for brand in await reference.brands(tx, list(named))} if named else set[str]()
        new = [brand for slug, brand in named.items() if slug not in there]
        written = await reference.write_brands(tx, new, at, replace=False)
        await self._facts.append(tx, [BrandChanged(slug, version) for slug, version in written], at)
