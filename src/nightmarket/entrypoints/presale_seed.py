"""The demo's presales: one to be booked until the festival's midnight, one whose balance is due minutes later."""

from datetime import datetime, timedelta

from nightmarket.bootstrap import CURRENCY, Shop
from nightmarket.catalog.contract import Product, Variant
from nightmarket.kernel.ids import derive
from nightmarket.promotions.contract.festivals import PhaseKind, end_of
from nightmarket.promotions.contract.presales import NewPresale, PresaleTerms, UnpaidRule
from nightmarket.promotions.errors import OfferRefused, PresaleRefused

from .festival_seed import planned

BIG, SMALL = ("travel-guitar", "quiet-hours-headphones"), ("linen-apron", "four-colour-kite")
"""The first of each that is sold and in stock is booked early."""

UNITS = 12
SHORT = timedelta(minutes=10)
DAY = timedelta(days=1)
WHO = "demo"


async def plan_presales(shop: Shop) -> None:
    """Propose and approve them, unless booking is open already."""
    now = shop.clock.now().replace(microsecond=0)
    festival = planned(shop)
    if festival is None:
        return
    midnight = next((one.starts_at for one in festival.phases if one.kind is PhaseKind.MIDNIGHT), None)
    ends = end_of(festival)
    async with shop.database.read() as connection:
        running = await shop.presales.running(connection, now)
    if midnight is None or ends is None or ends <= now + DAY or running:
        return
    await _plan(shop, BIG, (now, max(midnight, now + SHORT)), ends)
    await _plan(shop, SMALL, (now, now + SHORT), ends)


async def _plan(shop: Shop, slugs: tuple[str, ...], booking: tuple[datetime, datetime], ends: datetime) -> None:
    for slug in slugs:
        product = await shop.catalog.product(slug)
        sold = [one for one in product.variants if one.for_sale and CURRENCY in one.prices] if product else []
        if product is None or not sold:
            continue
        terms = _terms(product, sold[0], booking, ends)
        id = derive("demo-presale", slug, int(booking[0].timestamp()))
        try:
            async with shop.database.transaction() as tx:
                await shop.presales.propose(tx, NewPresale(id, terms, sold[0].prices[CURRENCY]), WHO)
                await shop.presales.approve(tx, id, WHO)
        except (PresaleRefused, OfferRefused):
            continue
        return


def _terms(product: Product, variant: Variant, booking: tuple[datetime, datetime], ends: datetime) -> PresaleTerms:
    """A fifth off, a tenth now that counts for half as much again, half of it back where the balance is not paid."""
    listed = variant.prices[CURRENCY]
    deposit = listed // 100 * 10
    return PresaleTerms(
        merchant=product.merchant.id,
        product=product.id,
        variant=variant.id,
        currency=CURRENCY,
        price=listed * 8 // 100 * 10,
        deposit=deposit,
        counts_for=deposit * 3 // 2,
        units=UNITS,
        rule=UnpaidRule.PART,
        part_back=deposit // 2,
        opens_at=booking[0],
        closes_at=booking[1],
        balance_from=booking[1],
        balance_until=min(booking[1] + DAY, ends),
        ends_at=ends,
    )
