"""Coupons that anybody may collect, on pages that are kept for everybody: beside the goods they are for."""

from collections.abc import Callable, Sequence
from uuid import UUID

from nightmarket.catalog.contract import Product
from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.storefront.storefront import Storefront
from nightmarket.promotions.contract import Goods
from nightmarket.promotions.contract.coupons import Coupon, CouponPhase

from .words import CouponView, coupon_view

SHOWN = 6
"""Coupons beside goods; all are on the page of coupons."""


async def for_product(store: Storefront, visit: Visit, product: Product, path: Sequence[str]) -> list[CouponView]:
    """Those that could take something off this product; `path` is its category and those above it."""
    return await _offered(store, visit, lambda one: is_for_product(one, product, path))


async def for_everything(store: Storefront, visit: Visit) -> list[CouponView]:
    """Those of the market that are not bound to goods."""
    return await _offered(store, visit, lambda one: one.terms.merchant is None and not one.terms.condition.goods)


def is_for_product(coupon: Coupon, product: Product, path: Sequence[str]) -> bool:
    """Whether the product is among the goods that it names, and nobody's else."""
    condition, merchant = coupon.terms.condition, coupon.terms.merchant
    if merchant is not None and merchant != product.merchant.id:
        return False
    wanted, out = condition.goods, condition.excluded
    return _holds(wanted, product, path) and not any(
        _holds(Goods(**{name: getattr(out, name)}), product, path)
        for name in ("merchants", "products", "variants", "categories", "brands")
        if getattr(out, name)
    )


def _holds(goods: Goods, product: Product, path: Sequence[str]) -> bool:
    sets: tuple[tuple[frozenset[UUID] | frozenset[str], set[UUID] | set[str]], ...] = (
        (goods.merchants, {product.merchant.id}),
        (goods.products, {product.id}),
        (goods.variants, {one.id for one in product.variants}),
        (goods.categories, set(path)),
        (goods.brands, {product.brand}),
    )
    return all(not wanted or not wanted.isdisjoint(has) for wanted, has in sets)


async def _offered(store: Storefront, visit: Visit, fits: Callable[[Coupon], bool]) -> list[CouponView]:
    shop, now, directory = store.shop, store.shop.clock.now(), await store.directory()
    if not shop.switches.begins("coupons"):
        return []
    async with shop.database.read() as connection:
        open_ones = [one for one in await shop.coupons.on_show(connection, None, directory.sellers) if fits(one)]
        figures = await shop.coupons.figures(connection, [one.id for one in open_ones])
    merchants = directory.merchants
    stalls: dict[object, str] = {id: one.name for id, one in merchants.items()}
    views = [coupon_view(visit, one, stalls, now, figures=figures.get(one.id)) for one in open_ones]
    return [one for one in views if one.phase is CouponPhase.OPEN and one.left][:SHOWN]
