"""Coupons and booklets on a real database: one person one coupon, one coupon its uses, never more than there are."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SystemIds, derive
from nightmarket.kernel.problems import Problem
from nightmarket.orders.contract import Completion, Known, OrderState, PaymentInput, SessionKind, SessionView
from nightmarket.platform.database import Database
from nightmarket.platform.facts import make_partitions
from nightmarket.promotions.contract import AmountOff, Condition, Offer, PercentOff
from nightmarket.promotions.contract.booklets import BookletTerms, NewBooklet, Reward, Stamp, StampAct, Stamping
from nightmarket.promotions.contract.coupons import (
    Collect,
    Coupon,
    CouponTerms,
    CouponWay,
    HeldCoupon,
    HeldState,
    NewCoupon,
    coupon_tally,
)
from nightmarket.promotions.errors import BookletRefused, CouponNotFound, CouponNotGiven, CouponRefused, StampNotGiven
from nightmarket.promotions.handlers import StoredOffers
from nightmarket.promotions.handlers.booklets import StoredBooklets
from nightmarket.promotions.handlers.coupons import CouponMeans, StoredCoupons
from tests.twins import Shop, listing, wanted

pytestmark = pytest.mark.engine

DAY = timedelta(days=1)
TEST = PaymentInput("test", "tok")


def person(number: int) -> UUID:
    """The key of a made-up address."""
    return derive("test-person", number)


class ByPerson:
    """Implements `orders.contract.ShopperSource` for owners that are their own person."""

    def __init__(self, coupons: StoredCoupons) -> None:
        self._coupons = coupons

    async def of(self, owner: UUID, now: object) -> Known:
        return Known(entitlements=await self._coupons.entitlements(owner, owner))


@dataclass
class House:
    """Coupons, booklets and an order desk on one database. Every owner is an account that is its own person."""

    shop: Shop
    coupons: StoredCoupons
    booklets: StoredBooklets

    def another(self) -> StoredCoupons:
        """The coupons as another process has them."""
        return _coupons(self.shop)

    async def make(self, new: NewCoupon) -> Coupon:
        async with self.shop.database.transaction() as tx:
            made = await self.coupons.make(tx, new, "test")
        await self.shop.books.refresh()
        return made

    async def held(self, who: UUID) -> list[HeldCoupon]:
        async with self.shop.database.read() as connection:
            return list(await self.coupons.held(connection, who, who))

    async def spent(self, coupon: Coupon) -> int:
        async with self.shop.database.read() as connection:
            return (await self.shop.tallies.levels(connection, [coupon_tally(coupon.id)]))[
                coupon_tally(coupon.id)
            ].spent

    async def clean(self) -> bool:
        async with self.shop.database.read() as connection:
            found = [*await self.coupons.audit(connection), *await self.booklets.audit(connection)]
            found += await self.shop.tallies.audit(connection)
        assert not found, found
        return True


class Accounts:
    """Implements `orders.contract.Buyers`: everybody is an account."""

    async def of_accounts(self, connection: object, ids: Sequence[UUID]) -> dict[UUID, UUID]:
        return {id: derive("test-key", id) for id in ids}


def _coupons(shop: Shop) -> StoredCoupons:
    offers = StoredOffers(shop.facts, shop.tallies)
    return StoredCoupons(CouponMeans(shop.database, shop.facts, shop.tallies, offers, shop.books, shop.clock))


@pytest.fixture
async def house(fresh_database: str, clock: VirtualClock) -> AsyncGenerator[House]:
    database = await Database.open(fresh_database)
    shop = Shop(database, clock, SystemIds(clock), [listing("LAMP")])
    async with database.transaction() as tx:
        await make_partitions(tx, clock.now())
    await shop.stock([(listing("LAMP"), 1_000)])
    await shop.books.refresh()
    coupons = _coupons(shop)
    shop.known.sources.append(ByPerson(coupons))
    offers = StoredOffers(shop.facts, shop.tallies)
    means = CouponMeans(database, shop.facts, shop.tallies, offers, shop.books, clock)
    try:
        yield House(shop, coupons, StoredBooklets(means, coupons.desk))
    finally:
        await coupons.close()
        await database.close()


def terms(house: House, way: CouponWay = CouponWay.OPEN, **words: object) -> CouponTerms:
    now = house.shop.clock.now()
    usual = CouponTerms(
        name={"en": "Two off", "de": "Zwei weniger"},
        way=way,
        effect=AmountOff({"EUR": 200}),
        collect_from=now,
        collect_until=now + 3 * DAY,
        use_from=now,
        use_until=now + 5 * DAY,
        quota=10,
    )
    return msgspec.structs.replace(usual, **words)


def new(
    house: House, way: CouponWay = CouponWay.OPEN, *, addressed: tuple[UUID, ...] = (), **words: object
) -> NewCoupon:
    return NewCoupon(house.shop.ids.new(), terms(house, way, **words), addressed)


async def checkout(house: House, owner: UUID, key: str = "key") -> SessionView:
    desk = house.shop.desk(buyers=Accounts())
    return await desk.create(owner, SessionKind.CHECKOUT, key, wanted((listing("LAMP"), 1)))


async def buy(house: House, owner: UUID, view: SessionView) -> Completion | Problem:
    try:
        return await house.shop.desk(buyers=Accounts()).complete(owner, view.id, TEST)
    except Problem as problem:
        return problem


async def test_a_coupon_is_collected_applied_by_itself_and_used_once(house: House) -> None:
    """Before it is collected the cart costs the full price, with it less; after the order it is used, and the next
    cart costs the full price again."""
    coupon, me = await house.make(new(house)), person(1)
    before = await checkout(house, me, "before")
    held = await house.coupons.collect(Collect(me, me, coupon.id))
    assert (held.state, held.left) == (HeldState.READY, 1)
    view = await checkout(house, me)
    assert before.assessment.quote.total - view.assessment.quote.total == 200
    done = await buy(house, me, view)
    assert isinstance(done, Completion)
    assert done.order.state is OrderState.PAID
    assert [one.state for one in await house.held(me)] == [HeldState.USED]
    after = await checkout(house, me, "after")
    assert after.assessment.quote.total == before.assessment.quote.total
    assert await house.clean()


async def test_a_coupon_waits_for_its_day(house: House, clock: VirtualClock) -> None:
    """Collected now, used on another day: until then it is waiting and takes nothing off, on its day it does, and
    afterwards it is over."""
    now = house.shop.clock.now()
    coupon = await house.make(new(house, use_from=now + DAY, use_until=now + 3 * DAY))
    me = person(1)
    assert (await house.coupons.collect(Collect(me, me, coupon.id))).state is HeldState.WAITING
    assert (await checkout(house, me, "a")).assessment.quote.discount == 0
    clock.advance(DAY)
    assert (await checkout(house, me, "b")).assessment.quote.discount == 200
    clock.advance(2 * DAY)
    assert [one.state for one in await house.held(me)] == [HeldState.OVER]
    assert (await checkout(house, me, "c")).assessment.quote.discount == 0


async def test_a_quota_is_never_exceeded_by_a_crowd(house: House) -> None:
    """200 people press at once in two processes for 50 coupons: exactly 50 have one, the others are told so."""
    coupon = await house.make(new(house, quota=50))
    desks = [house.coupons, house.another()]
    wishes = [desks[n % 2].collect(Collect(person(n), person(n), coupon.id)) for n in range(200)]
    answers = await asyncio.gather(*wishes, return_exceptions=True)
    assert sum(isinstance(answer, HeldCoupon) for answer in answers) == 50
    refused = [answer for answer in answers if not isinstance(answer, HeldCoupon)]
    assert all(isinstance(answer, CouponNotGiven) and answer.fields["reason"] == "gone" for answer in refused)
    assert await house.spent(coupon) == 50
    assert await house.clean()


async def test_one_code_for_a_hundred_people_is_one_persons(house: House) -> None:
    """A single code that leaked: 100 people enter it at once in two processes, one has the coupon, the code is told to
    be taken to all others, and only that one's order is cheaper."""
    coupon = await house.make(new(house, CouponWay.CODES, quota=1))
    async with house.shop.database.read() as connection:
        [(number, code, taken)] = await house.coupons.codes(connection, coupon.id)
    assert (number, taken) == (1, False)
    desks = [house.coupons, house.another()]
    typed = code.lower().replace("-", " - ")
    wishes = [desks[n % 2].collect(Collect(person(n), person(n), code=typed)) for n in range(100)]
    answers = await asyncio.gather(*wishes, return_exceptions=True)
    assert sum(isinstance(answer, HeldCoupon) for answer in answers) == 1
    views = await asyncio.gather(*(checkout(house, person(n)) for n in range(100)))
    orders = await asyncio.gather(*(buy(house, person(n), view) for n, view in enumerate(views)))
    discounts = [row.body.applied for one in orders if isinstance(one, Completion) for row in one.order.rows]
    assert len(discounts) == 100
    assert sum(bool(applied) for applied in discounts) == 1
    assert await house.clean()


async def test_a_coupon_is_not_used_twice_in_two_sessions_at_once(house: House) -> None:
    """ACIDRain, double use: twenty checkouts of one person, all shown the lower price, are completed at once in two
    desks; one order has the coupon, the others are told the price has changed, and nothing is charged for them."""
    coupon, me = await house.make(new(house)), person(1)
    await house.coupons.collect(Collect(me, me, coupon.id))
    views = [await checkout(house, me, f"key-{n}") for n in range(20)]
    assert {view.assessment.quote.discount for view in views} == {200}
    answers = await asyncio.gather(*(buy(house, me, view) for view in views))
    done = [answer for answer in answers if isinstance(answer, Completion)]
    assert len(done) == 1
    assert {answer.code for answer in answers if isinstance(answer, Problem)} == {"price_changed"}
    assert await house.clean()


async def test_a_coupon_is_not_used_while_its_order_is_cancelled_twice_over(house: House) -> None:
    """ACIDRain, use while cancelling: an order with the coupon is cancelled ten times at once while ten checkouts want
    to use it. The use comes back once at most, so that at most one of them has it, and never two paid orders."""
    coupon, me = await house.make(new(house)), person(1)
    await house.coupons.collect(Collect(me, me, coupon.id))
    views = [await checkout(house, me, f"key-{n}") for n in range(11)]
    first = await buy(house, me, views[0])
    assert isinstance(first, Completion)
    desk = house.shop.desk(buyers=Accounts())
    cancels = [desk.cancel_order(me, first.order.id, "changed my mind") for _ in range(10)]
    buys = [buy(house, me, view) for view in views[1:]]
    answers = await asyncio.gather(*cancels, *buys, return_exceptions=True)
    done = [answer for answer in answers[10:] if isinstance(answer, Completion)]
    assert len(done) <= 1
    later = await buy(house, me, await checkout(house, me, "later"))
    assert isinstance(later, Completion)
    uses = [*done, later]
    assert sum(bool(one.order.rows[0].body.applied) for one in uses) == 1
    assert await house.clean()


async def test_pressing_twice_at_once_gives_one_coupon(house: House) -> None:
    """ACIDRain, collect twice at once: thirty presses of one person in two processes are one coupon, one of the quota,
    and the same answer each time."""
    coupon, me = await house.make(new(house, quota=2)), person(1)
    desks = [house.coupons, house.another()]
    answers = await asyncio.gather(*(desks[n % 2].collect(Collect(me, me, coupon.id)) for n in range(30)))
    assert {answer.coupon.id for answer in answers} == {coupon.id}
    assert await house.spent(coupon) == 1
    assert len(await house.held(me)) == 1
    assert await house.clean()


async def test_a_code_with_one_use_is_one_buyers_of_a_hundred(house: House) -> None:
    """ACIDRain, one voucher for many: a hundred buyers are shown the lower price of a code that one order may have, and
    complete at once in two processes; one order has it, and no other is placed at a price that nobody was shown."""
    shop, now = house.shop, house.shop.clock.now()
    once = Offer(
        shop.ids.new(), 1, {"en": "Once"}, AmountOff({"EUR": 200}), now, now + DAY, code="ONCE", max_uses=1
    )  # fmt: skip
    async with shop.database.transaction() as tx:
        await StoredOffers(shop.facts, shop.tallies).publish(tx, [once], now)
    await shop.books.refresh()
    desks = [shop.desk(buyers=Accounts()), shop.desk(buyers=Accounts())]
    asked = wanted((listing("LAMP"), 1), codes=("ONCE",))
    makes = (desks[n % 2].create(person(n), SessionKind.CHECKOUT, "key", asked) for n in range(100))
    views = await asyncio.gather(*makes)
    assert {view.assessment.quote.discount for view in views} == {200}
    buys = (desks[n % 2].complete(person(n), view.id, TEST) for n, view in enumerate(views))
    answers = await asyncio.gather(*buys, return_exceptions=True)
    done = [answer for answer in answers if isinstance(answer, Completion)]
    assert [bool(one.order.rows[0].body.applied) for one in done] == [True]
    assert {answer.code for answer in answers if isinstance(answer, Problem)} == {"price_changed"}
    assert await house.clean()


async def test_a_cart_that_changes_while_it_is_paid_keeps_its_coupons_terms(house: House) -> None:
    """ACIDRain, cart changed during checkout: goods are taken out while the order is placed. Whichever comes first, an
    order with the coupon has the goods that the coupon asks for."""
    condition = Condition(at_least={"EUR": 3 * listing("LAMP").prices["EUR"]})
    coupon = await house.make(new(house, quota=20, condition=condition))
    desks = [house.shop.desk(buyers=Accounts()), house.shop.desk(buyers=Accounts())]
    three, one = wanted((listing("LAMP"), 3)), wanted((listing("LAMP"), 1))
    for number in range(20):
        await house.coupons.collect(Collect(person(number), person(number), coupon.id))
    kind = SessionKind.CHECKOUT
    views = await asyncio.gather(*(desks[0].create(person(n), kind, "key", three) for n in range(20)))
    assert {view.assessment.quote.discount for view in views} == {200}
    works = [work for n, view in enumerate(views) for work in (
        desks[0].complete(person(n), view.id, TEST), desks[1].update(person(n), kind, view.id, one)
    )]  # fmt: skip
    answers = await asyncio.gather(*works, return_exceptions=True)
    assert all(isinstance(answer, Completion | SessionView | Problem) for answer in answers)
    for done in (answer for answer in answers if isinstance(answer, Completion)):
        body = done.order.rows[0].body
        assert bool(body.applied) is (sum(line.quantity for line in body.lines) == 3)
    assert await house.clean()


async def test_one_person_keeps_one_coupon_of_many_codes(house: House) -> None:
    """A second code of the same coupon is not spent on who has it already, so it is still good for somebody else."""
    coupon = await house.make(new(house, CouponWay.CODES, quota=3))
    async with house.shop.database.read() as connection:
        codes = [code for _, code, _ in await house.coupons.codes(connection, coupon.id)]
    assert len(set(codes)) == 3
    for code in codes[:2]:
        await house.coupons.collect(Collect(person(1), person(1), code=code))
    assert (await house.coupons.collect(Collect(person(2), person(2), code=codes[1]))).coupon.id == coupon.id
    with pytest.raises(CouponNotGiven) as refused:
        await house.coupons.collect(Collect(person(3), person(3), code=codes[0]))
    assert refused.value.fields["reason"] == "taken"
    with pytest.raises(CouponNotFound):
        await house.coupons.collect(Collect(person(3), person(3), code="NO-SUCH-CODE"))
    assert await house.clean()


async def test_each_way_is_kept(house: House) -> None:
    """A shared word is for all who know it, a sent coupon for its people alone, a won one for nobody who presses, and
    none outside the time of collecting or after its end."""
    now = house.shop.clock.now()
    shared = await house.make(new(house, CouponWay.SHARED, word="NIGHT-20"))
    sent = await house.make(new(house, CouponWay.SENT, addressed=(person(1),)))
    won = await house.make(new(house, CouponWay.WON))
    ahead = await house.make(new(house, collect_from=now + DAY))
    ended = await house.make(new(house))
    async with house.shop.database.transaction() as tx:
        await house.coupons.end(tx, ended.id)
        assert (await house.coupons.end(tx, ended.id)).ended_at is not None
    collect = house.coupons.collect
    assert (await collect(Collect(person(2), person(2), code="night-20"))).coupon.id == shared.id
    assert (await collect(Collect(person(1), person(1), sent.id))).coupon.id == sent.id
    tries = [(shared, "code"), (sent, "not_yours"), (won, "won"), (ahead, "ahead"), (ended, "closed")]
    for coupon, reason in tries:
        with pytest.raises(CouponNotGiven) as refused:
            await collect(Collect(person(3), person(3), coupon.id))
        assert refused.value.fields["reason"] == reason
    assert await house.held(person(3)) == []
    with pytest.raises(CouponRefused) as taken:
        await house.make(new(house, CouponWay.SHARED, word="NIGHT-20"))
    assert taken.value.field == "word"


async def test_a_lapsed_or_cancelled_order_gives_the_use_back(house: House, clock: VirtualClock) -> None:
    """While an order waits for a transfer its coupon is in that order; once it lapses the coupon can be used again."""
    coupon, me = await house.make(new(house)), person(1)
    await house.coupons.collect(Collect(me, me, coupon.id))
    desk = house.shop.desk(buyers=Accounts())
    view = await checkout(house, me)
    done = await desk.complete(me, view.id, PaymentInput("transfer"))
    assert done.order.rows[0].body.applied
    assert [one.state for one in await house.held(me)] == [HeldState.IN_ORDER]
    clock.advance(timedelta(hours=73))
    await desk.due.step()
    assert [(one.state, one.left) for one in await house.held(me)] == [(HeldState.READY, 1)]
    again = await buy(house, me, await checkout(house, me, "again"))
    assert isinstance(again, Completion)
    assert again.order.rows[0].body.applied
    await desk.cancel_order(me, again.order.id, "changed my mind")
    assert [one.state for one in await house.held(me)] == [HeldState.READY]
    assert await house.clean()


async def test_wrong_coupons_are_refused_with_the_reason(house: House) -> None:
    """Windows that end before they begin, no quota, no word and no address are each named, and leave nothing behind."""
    now = house.shop.clock.now()
    wrong: list[tuple[str, NewCoupon]] = [
        ("collect_until", new(house, collect_until=now - DAY)),
        ("use_until", new(house, use_from=now + 6 * DAY)),
        ("use_until", new(house, collect_until=now + 6 * DAY)),
        ("quota", new(house, quota=0)),
        ("uses", new(house, uses=0)),
        ("word", new(house, CouponWay.SHARED, word="x")),
        ("addresses", new(house, CouponWay.SENT)),
        ("name", new(house, name={"de": "Nur deutsch"})),
    ]
    for field, one in wrong:
        with pytest.raises(CouponRefused) as refused:
            await house.make(one)
        assert refused.value.field == field
    async with house.shop.database.read() as connection:
        assert await house.coupons.all(connection) == []


def booklet(house: House, *rewards: Reward, stamps: int = 3) -> NewBooklet:
    now = house.shop.clock.now()
    fields = tuple(Stamp(f"s{n}", f"Brand {n}", StampAct.VISIT, f"/brands/brand-{n}") for n in range(stamps))
    return NewBooklet(house.shop.ids.new(), BookletTerms({"en": "Night booklet"}, now, now + DAY, fields, rewards))


async def test_stamps_turn_into_a_coupon_once(house: House, clock: VirtualClock) -> None:
    """Every stamp of a person pressed ten times at once, all in one go: each counts once, the coupon comes with the
    last one, once, and no stamp is given after the closing."""
    coupon, me = await house.make(new(house, CouponWay.WON, effect=PercentOff(1_000))), person(1)
    made = booklet(house, Reward(3, coupon.id))
    async with house.shop.database.transaction() as tx:
        await house.booklets.make(tx, made, "test")
    presses = [Stamping(made.id, f"s{n % 3}", me, me) for n in range(30)]
    await asyncio.gather(*(house.booklets.stamp(press) for press in presses[:2]))
    assert await house.held(me) == []
    answers = await asyncio.gather(*(house.booklets.stamp(press) for press in presses))
    assert max(answer.stamps for answer in answers) == 3
    assert [one.coupon.id for one in await house.held(me)] == [coupon.id]
    assert await house.spent(coupon) == 1
    assert (await checkout(house, me)).assessment.quote.discount > 0
    clock.advance(DAY)
    with pytest.raises(StampNotGiven):
        await house.booklets.stamp(presses[0])
    assert await house.clean()


async def test_one_order_stamps_one_person(house: House) -> None:
    """An order that two people name earns a stamp for the first alone."""
    coupon = await house.make(new(house, CouponWay.WON))
    made = booklet(house, Reward(1, coupon.id))
    async with house.shop.database.transaction() as tx:
        await house.booklets.make(tx, made, "test")
    for n in (1, 2):
        await house.booklets.stamp(Stamping(made.id, "s0", person(n), person(n), "ord_test"))
    assert len(await house.held(person(1))) == 1
    assert await house.held(person(2)) == []


async def test_a_booklet_needs_a_coupon_that_is_won(house: House) -> None:
    """A coupon that anybody may press, or that ends before the booklet, is refused as a reward."""
    openly = await house.make(new(house))
    short = await house.make(new(house, CouponWay.WON, collect_until=house.shop.clock.now() + DAY / 2))
    for reward in (Reward(1, openly.id), Reward(1, short.id), Reward(1, person(1)), Reward(4, openly.id)):
        with pytest.raises(BookletRefused) as refused:
            async with house.shop.database.transaction() as tx:
                await house.booklets.make(tx, booklet(house, reward), "test")
        assert refused.value.field == "rewards"
