"""Changing prices, and what is live, for many products at once."""

from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import CostDraft, PriceDraft, ProductState, Saved
from nightmarket.catalog.handlers.writing import Pen
from nightmarket.catalog.model.drafts import check_costs, check_prices
from nightmarket.catalog.model.flaws import Flaws
from nightmarket.catalog.model.records import ProductRecord, VariantRecord
from nightmarket.catalog.store import goods
from nightmarket.kernel.problems import NotFound
from nightmarket.platform.database import Connection

from .means import Means, check_amount

MOST_VARIANTS = 500
MOST_PRODUCTS = 500


async def set_prices(
    means: Means, tx: Connection, merchant: UUID, prices: Sequence[PriceDraft], by: str
) -> Sequence[Saved]:
    """Replace the prices of variants; products whose prices are the same already stay as they are."""
    check_amount(prices, MOST_VARIANTS, "prices")
    drafts = {one.variant: one for one in prices}

    def priced(before: VariantRecord, flaws: Flaws) -> VariantRecord:
        return msgspec.structs.replace(before, prices=check_prices(drafts[before.id].prices, "prices", flaws))

    return await _change(means, tx, (merchant, list(drafts)), priced, by)


async def set_costs(
    means: Means, tx: Connection, merchant: UUID, costs: Sequence[CostDraft], by: str
) -> Sequence[Saved]:
    """Replace what variants cost; products whose costs are the same already stay as they are."""
    check_amount(costs, MOST_VARIANTS, "costs")
    drafts = {one.variant: one for one in costs}

    def costing(before: VariantRecord, flaws: Flaws) -> VariantRecord:
        return msgspec.structs.replace(before, costs=check_costs(drafts[before.id].costs, "costs", flaws))

    return await _change(means, tx, (merchant, list(drafts)), costing, by)


async def _change(
    means: Means,
    tx: Connection,
    wanted: tuple[UUID, Sequence[UUID]],
    become: Callable[[VariantRecord, Flaws], VariantRecord],
    by: str,
) -> Sequence[Saved]:
    """Write what variants of a merchant become, each flaw under its place among those that were named."""
    merchant, ids = wanted
    await goods.lock_merchants(tx, [merchant])
    variants = await goods.read_variants(tx, ids)
    flaws = Flaws()
    changed: list[VariantRecord] = []
    for number, id in enumerate(ids):
        flaws.about(number)
        before = variants.get(id)
        if before is None or before.merchant != merchant or before.retired:
            raise NotFound("There is no such variant.", field="variant")
        after = become(before, flaws)
        if after != before:
            changed.append(after)
    flaws.settle()
    products = await goods.read_products(tx, list({variant.product for variant in changed}))
    return await write_next(means, tx, list(products.values()), changed, by)


async def set_state(
    means: Means, tx: Connection, merchant: UUID | None, products: Sequence[UUID], state: ProductState, by: str
) -> Sequence[Saved]:
    """Change the state of products; those that are in it already stay as they are."""
    check_amount(products, MOST_PRODUCTS, "products")
    owners = {owner for owner, _ in (await goods.versions_of(tx, products)).values()}
    await goods.lock_merchants(tx, list(owners))
    known = await goods.read_products(tx, products)
    if set(products) - known.keys() or (merchant is not None and owners - {merchant}):
        raise NotFound("One of these products does not exist.", field="products")
    changed = [msgspec.structs.replace(one, state=state) for one in known.values() if one.state is not state]
    return await write_next(means, tx, changed, [], by)


async def write_next(
    means: Means, tx: Connection, products: Sequence[ProductRecord], variants: Sequence[VariantRecord], by: str
) -> list[Saved]:
    """Write products as their next version, and variants of theirs."""
    at = means.clock.now()
    pen = Pen(means.facts)
    after = [msgspec.structs.replace(one, version=one.version + 1) for one in products]
    await pen.write(tx, after, variants, by=by, at=at)
    await pen.tell(tx, [one.id for one in after], at)
    return [Saved(one.id, one.slug, one.version) for one in after]
