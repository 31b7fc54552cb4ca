"""Draws and surprise prices for tests: promotions' rooms around one database and one clock."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import msgspec

from nightmarket.bootstrap import Shop
from nightmarket.catalog.contract import Listing
from nightmarket.engagement.contract.segments import SEGMENT, NewSegment, SegmentRules
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import SystemIds, derive, encode
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Facts, make_partitions
from nightmarket.platform.messages import Outbox
from nightmarket.promotions.contract import PercentOff
from nightmarket.promotions.contract.coupons import COUPON, CouponTerms, CouponWay, NewCoupon
from nightmarket.promotions.contract.draws import DRAW, DrawTerms, NewDraw, Prize, RuleKind, TicketRule, Voucher
from nightmarket.promotions.contract.surprises import SURPRISE, NewSurprise, SurpriseTerms
from nightmarket.promotions.handlers import StoredOffers
from nightmarket.promotions.handlers.draw_steps import DrawMeans
from nightmarket.promotions.handlers.draws import StoredDraws
from nightmarket.promotions.handlers.surprises import StoredSurprises
from nightmarket.tally.handlers import SlicedTallies

SECRET = b"a secret of the tests, thirty-two bytes"
ADDRESS = "http://127.0.0.1:1111"
MINUTE = timedelta(minutes=1)


@dataclass
class DrawHouse:
    """Everything that draws need, on a database of their own."""

    database: Database
    clock: Clock
    tallies: SlicedTallies
    offers: StoredOffers
    draws: StoredDraws
    surprises: StoredSurprises


@asynccontextmanager
async def draw_house(url: str, clock: Clock) -> AsyncGenerator[DrawHouse]:
    """Open it; closed when the block ends."""
    database = await Database.open(url)
    ids = SystemIds(clock)
    facts = Facts(ids)
    tallies = SlicedTallies(facts, ids)
    offers = StoredOffers(facts, tallies)
    means = DrawMeans(
        database=database,
        facts=facts,
        tallies=tallies,
        offers=offers,
        outbox=Outbox(clock, ids),
        clock=clock,
        secret=SECRET,
        address=ADDRESS,
    )
    async with database.transaction() as tx:
        await make_partitions(tx, clock.now())
    house = DrawHouse(database, clock, tallies, offers, StoredDraws(means), StoredSurprises(means))
    try:
        yield house
    finally:
        await house.draws.close()
        await database.close()


def person(number: int) -> UUID:
    """The key of a made-up address."""
    return derive("test-person", number)


def new_draw(clock: Clock, *, key: str = "one", beacon: str = "", lamps: int = 2, vouchers: int = 3) -> NewDraw:
    """Lamps and vouchers, for everyone once and for each order from 20.00 on; closes in ten minutes."""
    now = clock.now()
    terms = DrawTerms(
        name={"en": "Lamps for all", "de": "Lampen für alle"},
        opens_at=now,
        closes_at=now + 10 * MINUTE,
        currency="EUR",
        budget=lamps * 5_000 + vouchers * 500,
        rules=(TicketRule("once", RuleKind.PERSON), TicketRule("orders", RuleKind.ORDER, "EUR", 2_000)),
        prizes=(
            Prize("lamp", {"en": "A lamp"}, lamps, 5_000),
            Prize("voucher", {"en": "Five off"}, vouchers, 500, Voucher(30, amounts={"EUR": 500})),
        ),
        beacon=beacon,
    )
    return NewDraw(derive("test-draw", key), terms)


def surprise_terms(clock: Clock, *, price: int = 1_395, mask: str = "1?.?5") -> SurpriseTerms:
    """A price for one variant: early in ten minutes, for all in twenty."""
    now = clock.now().replace(microsecond=0)
    return SurpriseTerms(
        merchant=derive("test-merchant"),
        product=derive("test-product"),
        variants=(derive("test-variant"),),
        currency="EUR",
        price=price,
        mask=mask,
        early_at=now + 10 * MINUTE,
        reveal_at=now + 20 * MINUTE,
        ends_at=now + 80 * MINUTE,
    )


async def drawn_up(shop: Shop) -> str:
    """A draw of an open shop; its id outside."""
    async with shop.database.transaction() as tx:
        draw = await shop.draws.make(tx, new_draw(shop.clock), "test")
    return encode(DRAW, draw.id)


async def sealed(shop: Shop, listing: Listing) -> str:
    """A surprise price for goods of an open shop; its id outside."""
    terms = msgspec.structs.replace(surprise_terms(shop.clock), merchant=listing.merchant, product=listing.product)
    async with shop.database.transaction() as tx:
        made = await shop.surprises.fix(tx, NewSurprise(shop.ids.new(), terms, (2_220,)), "test")
    return encode(SURPRISE, made.id)


async def segmented(shop: Shop) -> str:
    """A segment of those who have ordered; returns its id as pages have it."""
    new = NewSegment(shop.ids.new(), "test-segment", SegmentRules({"en": "Test segment"}, orders_from=1))
    async with shop.database.transaction() as tx:
        return encode(SEGMENT, (await shop.segments.save(tx, new, "test")).id)


async def couponed(shop: Shop) -> str:
    """A coupon of an open shop that anybody may collect; its id outside."""
    now = shop.clock.now()
    week = timedelta(days=7)
    name, effect = {"en": "Test coupon"}, PercentOff(1_000)
    terms = CouponTerms(name, CouponWay.OPEN, effect, now, now + week, now, now + week, 5)
    async with shop.database.transaction() as tx:
        made = await shop.coupons.make(tx, NewCoupon(shop.ids.new(), terms), "test")
    return encode(COUPON, made.id)
