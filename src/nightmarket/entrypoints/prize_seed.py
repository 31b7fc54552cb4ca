"""The demo's draw and surprise price: one of each, made anew when the last one is over."""

from datetime import datetime, timedelta
from uuid import UUID

from nightmarket.bootstrap import Shop
from nightmarket.kernel.ids import derive
from nightmarket.promotions.contract.draws import DrawTerms, NewDraw, Prize, RuleKind, TicketRule, Voucher
from nightmarket.promotions.contract.surprises import NewSurprise, SurpriseTerms, usual_mask
from nightmarket.promotions.errors import DrawRefused, SurpriseRefused

DRAW_LASTS = timedelta(minutes=11)
REVEAL_AHEAD, EARLY_AHEAD = timedelta(minutes=20), timedelta(minutes=10)
SURPRISE_LASTS = timedelta(days=2)
SURPRISE_SHARE = 62
"""What is left of the list price, in percent."""

SURPRISE_PRODUCTS = ("pepper-mill", "moka-pot")
"""The first of these that is sold has the surprise price."""

WHO = "demo"


async def plan_prizes(shop: Shop) -> None:
    """A draw that closes soon, and a price that is told soon, unless there are some already."""
    now = shop.clock.now().replace(microsecond=0)
    await _plan_draw(shop, now)
    await _plan_surprise(shop, now)


async def _plan_draw(shop: Shop, now: datetime) -> None:
    async with shop.database.read() as connection:
        running = [one for one in await shop.draws.all(connection) if one.terms.closes_at > now]
    if running:
        return
    terms = DrawTerms(
        name={
            "en": "Eleven past midnight",
            "de": "Elf nach Mitternacht",
            "it": "Le undici dopo mezzanotte",
            "zh": "零点十一分抽奖",
        },
        opens_at=now,
        closes_at=now + DRAW_LASTS,
        currency="EUR",
        budget=60_000,
        rules=(
            TicketRule("everybody", RuleKind.PERSON),
            TicketRule("orders", RuleKind.ORDER, "EUR", 2_000),
            TicketRule("lanterns", RuleKind.VISIT, path="/merchants/lantern-kitchen"),
        ),
        prizes=(
            Prize(
                "dinner",
                {"en": "Dinner for two", "de": "Abendessen zu zweit", "it": "Cena per due", "zh": "双人晚餐"},
                1,
                12_000,
            ),
            Prize(
                "eleven-off",
                {
                    "en": "Voucher of eleven",
                    "de": "Gutschein über elf",
                    "it": "Buono da undici",
                    "zh": "十一元优惠券",
                },
                40,
                1_100,
                Voucher(30, amounts={"EUR": 1_100}, at_least={"EUR": 3_300}),
            ),
        ),
    )
    try:
        async with shop.database.transaction() as tx:
            await shop.draws.make(tx, NewDraw(derive("demo-draw", int(now.timestamp())), terms), WHO)
    except DrawRefused:
        return


async def _plan_surprise(shop: Shop, now: datetime) -> None:
    async with shop.database.read() as connection:
        running = [one for one in await shop.surprises.all(connection) if one.terms.ends_at > now]
    new = None if running else await _surprise(shop, now)
    if new is None:
        return
    try:
        async with shop.database.transaction() as tx:
            await shop.surprises.fix(tx, new, WHO)
    except SurpriseRefused:
        return


async def _surprise(shop: Shop, now: datetime) -> NewSurprise | None:
    """For the first of the named products that is sold here."""
    for slug in SURPRISE_PRODUCTS:
        product = await shop.catalog.product(slug)
        variants = [one for one in product.variants if one.for_sale and "EUR" in one.prices] if product else []
        if product is None or not variants:
            continue
        listed = tuple(one.prices["EUR"] for one in variants)
        price = max(1, min(listed) * SURPRISE_SHARE // 100)
        terms = SurpriseTerms(
            merchant=product.merchant.id,
            product=product.id,
            variants=tuple(one.id for one in variants),
            currency="EUR",
            price=price,
            mask=usual_mask(price, "EUR"),
            early_at=now + EARLY_AHEAD,
            reveal_at=now + REVEAL_AHEAD,
            ends_at=now + SURPRISE_LASTS,
        )
        id: UUID = derive("demo-surprise", slug, int(now.timestamp()))
        return NewSurprise(id, terms, listed)
    return None
