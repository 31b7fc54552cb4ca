"""The demo's coupons and booklet, made anew when the last ones are over."""

from datetime import datetime, timedelta

from nightmarket.bootstrap import Shop
from nightmarket.kernel.ids import derive
from nightmarket.promotions.contract import AmountOff, Condition, PercentOff
from nightmarket.promotions.contract.booklets import BookletTerms, NewBooklet, Reward, Stamp, StampAct
from nightmarket.promotions.contract.coupons import CouponTerms, CouponWay, NewCoupon
from nightmarket.promotions.errors import BookletRefused, CouponRefused

WHO = "demo"
LASTS, HOLDS = timedelta(days=3), timedelta(days=10)
WORD = "MIDNIGHT"
STALLS = ("moonlit-tea-house", "lantern-kitchen")
"""Whose stalls the booklet leads to; one buys from the last."""


async def plan_coupons(shop: Shop) -> None:
    """One coupon for whoever presses, one for who knows its word, and a booklet; unless there are some already."""
    now = shop.clock.now().replace(microsecond=0)
    async with shop.database.read() as connection:
        running = [one for one in await shop.booklets.all(connection) if one.terms.closes_at > now]
        words = {one.terms.word for one in await shop.coupons.all(connection)}
    stalls = {one.slug: one for one in await shop.catalog.merchants()}
    if running or not all(slug in stalls for slug in STALLS):
        return
    number = int(now.timestamp())
    won = derive("demo-coupon-won", number)
    coupons = [NewCoupon(derive("demo-coupon-open", number), _open(now)), NewCoupon(won, _won(now))]
    if WORD not in words:
        coupons.append(NewCoupon(derive("demo-coupon-word", number), _shared(now)))
    stamps = [Stamp(slug, stalls[slug].name, StampAct.VISIT, f"/merchants/{slug}") for slug in STALLS]
    last = stalls[STALLS[-1]]
    stamps.append(Stamp("bought", last.name, StampAct.BUY, merchant=last.id))
    name = {"en": "Lantern walk", "de": "Laternenrunde", "it": "Giro delle lanterne", "zh": "提灯漫游册"}
    terms = BookletTerms(name, now, now + LASTS, tuple(stamps), (Reward(2, won),))
    try:
        async with shop.database.transaction() as tx:
            for one in coupons:
                await shop.coupons.make(tx, one, WHO)
            await shop.booklets.make(tx, NewBooklet(derive("demo-booklet", number), terms), WHO)
    except (CouponRefused, BookletRefused):
        return
    await shop.books.refresh()


def _open(now: datetime) -> CouponTerms:
    return CouponTerms(
        name={"en": "Three off the night", "de": "Drei auf die Nacht", "it": "Tre sulla notte", "zh": "夜市立减三元"},
        way=CouponWay.OPEN,
        effect=AmountOff({"EUR": 300}),
        collect_from=now,
        collect_until=now + LASTS,
        use_from=now,
        use_until=now + HOLDS,
        quota=500,
        condition=Condition(at_least={"EUR": 2_000}),
    )


def _shared(now: datetime) -> CouponTerms:
    """Collected now, used from tomorrow on."""
    return CouponTerms(
        name={"en": "Midnight word", "de": "Mitternachtswort", "it": "Parola di mezzanotte", "zh": "零点口令券"},
        way=CouponWay.SHARED,
        effect=PercentOff(500),
        collect_from=now,
        collect_until=now + LASTS,
        use_from=now + timedelta(days=1),
        use_until=now + HOLDS,
        quota=1_000,
        word=WORD,
    )


def _won(now: datetime) -> CouponTerms:
    return CouponTerms(
        name={
            "en": "For lantern walkers",
            "de": "Für Laternengänger",
            "it": "Per chi segue le lanterne",
            "zh": "提灯人专享",
        },
        way=CouponWay.WON,
        effect=PercentOff(1_000),
        collect_from=now,
        collect_until=now + LASTS,
        use_from=now,
        use_until=now + HOLDS,
        quota=200,
        most={"EUR": 1_500},
    )
