"""Group purchases on the real engine: money held until a group closes, settled at its tier, or released by itself."""

from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.kernel.problems import Unavailable
from nightmarket.orders.contract import OrderState, PaymentInput
from nightmarket.orders.errors import NotReady, PaymentRefused, SeatTaken
from nightmarket.orders.points import Point
from nightmarket.payments.contract import PaymentState
from nightmarket.payments.providers import TestProvider
from nightmarket.platform.database import Database
from nightmarket.promotions.contract.groups import GroupState, SeatState, Tier, seats_tally, tier_offer
from nightmarket.promotions.errors import GroupRefused, GroupsGone
from tests.grouping import LAMP, GroupHouse

DELIVERY = 490
FULL, TEN, TWENTY = 2_000 + DELIVERY, 1_800 + DELIVERY, 1_600 + DELIVERY


@pytest.fixture
async def house(fresh_database: str, clock: VirtualClock, ids: SeededIds, tmp_path: Path) -> AsyncGenerator[GroupHouse]:
    database = await Database.open(fresh_database)
    provider = TestProvider(tmp_path / "provider.sqlite3", clock, name="test")
    yield GroupHouse(database, clock, ids, provider)
    await provider.close()
    await database.close()


async def test_money_is_held_and_nothing_taken_while_a_group_gathers(house: GroupHouse) -> None:
    """Who joins has an order at the first tier's price whose money is reserved, and nothing is captured or settled."""
    group = await house.start(await house.open())
    done = await house.pay(session := await house.checkout(group, 1))
    assert (done.order.state, done.order.total, done.awaited) == (OrderState.PENDING, TEN, True)
    assert await house.clean() == []
    assert (await house.purchases().look(group.id)).joined == 1
    order = await house.desk.order(session[0], session[1])
    assert [(one.state, one.amount) for one in order.payments] == [(PaymentState.HELD, TEN)]
    assert await house.provider.statement() == []


async def test_a_full_group_settles_at_its_best_tier(house: GroupHouse) -> None:
    """The fifth of five closes the group at once: every order is paid at 20 % off, and only that is captured."""
    group = await house.start(await house.open())
    orders = [await house.join(group, number) for number in range(5)]
    closed = await house.purchases().look(group.id)
    assert (closed.state, closed.tier, closed.joined) == (GroupState.COMPLETE, 2, 5)
    assert closed.done_at is not None
    assert await house.clean() == []
    for id in orders:
        order = await house.desk.order(None, id)
        assert (order.state, order.total) == (OrderState.PAID, TWENTY)
        assert [(one.state, one.amount) for one in order.payments] == [(PaymentState.CAPTURED, TWENTY)]
    assert [one.amount for one in await house.provider.statement()] == [TWENTY] * 5


async def test_a_wallet_pays_of_a_place(house: GroupHouse) -> None:
    """Wallet money is reserved while the group gathers. At the best tier the lamp costs 2.00 less: the wallet, that had
    paid 10.00 of its 18.00, gets 1.11 of that and the card 0.89; who pays all by wallet gets all, and nothing is
    captured. A group that fails gives it all back."""
    offer = await house.open()
    group = await house.start(offer)
    part, whole = await house.purse(1_000), await house.purse(5_000)
    orders = [
        (await house.pay(await house.checkout(group, number, purse))).order.id
        for number, purse in enumerate((part, whole))
    ]
    assert ((await house.left(part)).held, (await house.left(whole)).held) == (1_000, TEN)
    for number in range(2, 5):
        await house.join(group, number)
    assert (await house.purchases().look(group.id)).state is GroupState.COMPLETE
    assert await house.clean() == []
    assert ((await house.left(part)).available, (await house.left(whole)).available) == (111, 5_000 - TWENTY)
    first, second = [await house.desk.order(None, id) for id in orders]
    assert (first.state, first.total, first.to_pay) == (OrderState.PAID, TWENTY, TWENTY - 889)
    assert (second.state, second.total, second.to_pay) == (OrderState.PAID, TWENTY, 0)
    assert sorted(one.amount for one in await house.provider.statement() if one.amount) == [TWENTY - 889, *[TWENTY] * 3]
    await house.desk.cancel_order(None, orders[0], "changed my mind")
    failed = await house.start(offer, 8)
    await house.pay(await house.checkout(failed, 9, part))
    assert (await house.left(part)).available == 0
    house.clock.advance(timedelta(hours=24))
    await house.purchases().step()
    assert (await house.left(part)).available == 1_000
    assert await house.clean() == []


async def test_who_cancels_after_the_close_leaves_a_seat_for_nobody(house: GroupHouse) -> None:
    """A paid order of a complete group is cancelled: its place is left, the seat is not free for a checkout that began
    before, and when the last group is done after the end of starting, the tiers' prices leave the book."""
    offer = await house.open()
    group = await house.start(offer)
    orders = [await house.join(group, number) for number in range(4)]
    late = await house.checkout(group, 9)
    orders.append(await house.join(group, 4))
    await house.purchases().look(group.id)
    assert await house.clean() == []
    await house.desk.cancel_order(None, orders[0], "changed my mind")
    assert await house.clean() == []
    await house.hear()
    async with house.database.read() as connection:
        seats = {seat.order: seat.state for seat in await house.groups.seats(connection, group.id)}
    assert [seats[id] for id in orders] == [SeatState.LEFT, *[SeatState.SETTLED] * 4]
    with pytest.raises(SeatTaken):
        await house.pay(late)
    assert await house.clean() == []
    tiers = {tier_offer(offer.id, 1), tier_offer(offer.id, 2)}
    assert await house.purchases().step() == 0
    async with house.database.transaction() as tx:
        await house.groups.stop(tx, offer.id)
    house.clock.advance(timedelta(minutes=2))
    assert [await house.purchases().step() for _ in range(2)] == [1, 0]
    assert not tiers & {one.id for one in (await house.shop.books.refresh()).offers}


async def test_at_the_deadline_the_tier_that_was_reached_counts(house: GroupHouse) -> None:
    """Four of three to five: at the deadline all are paid at the first tier's price, and nobody can join any more."""
    group = await house.start(await house.open())
    orders = [await house.join(group, number) for number in range(4)]
    house.clock.advance(timedelta(hours=23))
    late = await house.checkout(group, 9)
    assert (await house.purchases().look(group.id)).state is GroupState.OPEN
    house.clock.advance(timedelta(hours=1))
    with pytest.raises(SeatTaken):
        await house.pay(late)
    assert await house.purchases().step() == 1
    async with house.database.read() as connection:
        closed = await house.groups.one(connection, group.id)
        seats = await house.groups.seats(connection, group.id)
    assert (closed.state, closed.tier) == (GroupState.COMPLETE, 1)
    assert sorted(seat.state for seat in seats) == sorted([SeatState.SETTLED] * 4 + [SeatState.LEFT])
    assert {(await house.desk.order(None, id)).total for id in orders} == {TEN}
    assert await house.clean() == []


async def test_an_incomplete_group_releases_everything_by_itself(house: GroupHouse) -> None:
    """Two of three: at the deadline the orders are cancelled, goods and money go back, and each is told by one mail."""
    offer = await house.open(stock=2, groups=1)
    group = await house.start(offer)
    orders = [await house.join(group, number) for number in range(2)]
    house.clock.advance(timedelta(hours=24))
    await house.purchases().step()
    await house.hear()
    assert await house.clean() == []
    for id in orders:
        order = await house.desk.order(None, id)
        assert order.state is OrderState.CANCELLED
        assert [one.state for one in order.payments] == [PaymentState.VOIDED]
    async with house.database.read() as connection:
        closed = await house.groups.one(connection, group.id)
        level = (await house.shop.tallies.levels(connection, [LAMP.stock[0].tally]))[LAMP.stock[0].tally]
        mails = await connection.fetch("SELECT subject FROM platform.message")
    assert (closed.state, closed.done_at is not None, level.available) == (GroupState.FAILED, True, 2)
    assert [row[0] for row in mails] == ["Your group was not complete in time"] * 2
    assert (await house.start(offer, 7)).state is GroupState.OPEN  # its place among the groups is free again


async def test_two_hundred_at_once_get_five_seats(house: GroupHouse) -> None:
    """Of 200 who join at once exactly as many hold money as the group has seats; the others are charged nothing."""
    group = await house.start(await house.open(stock=300))
    sessions = [await house.checkout(group, number) for number in range(200)]
    answers = await house.try_all(sessions)
    assert sum(isinstance(answer, SeatTaken) for answer in answers) == 195
    async with house.database.read() as connection:
        level = (await house.shop.tallies.levels(connection, [seats_tally(group.id)]))[seats_tally(group.id)]
    assert (level.held, level.available) == (5, 0)
    closed = await house.purchases().look(group.id)
    assert (closed.state, closed.joined) == (GroupState.COMPLETE, 5)
    assert await house.clean() == []
    assert len(await house.provider.statement()) == 5


async def test_one_person_has_one_seat(house: GroupHouse) -> None:
    """Two checkouts of one person, paid at once, are one order; a third is refused before it begins."""
    group = await house.start(await house.open())
    answers = await house.try_all([await house.checkout(group, 1), await house.checkout(group, 1)])
    assert sorted(type(answer).__name__ for answer in answers) == ["Completion", "SeatTaken"]
    await house.purchases().look(group.id)
    with pytest.raises(GroupRefused):
        await house.checkout(group, 1)


async def test_leaving_before_the_end_frees_seat_and_money(house: GroupHouse) -> None:
    """Who cancels before the group closes gets the reservation back, and somebody else the seat."""
    group = await house.start(await house.open())
    for number in range(4):
        await house.join(group, number)
    gone = await house.join(group, 4)
    await house.desk.cancel_order(None, gone, "changed my mind")
    assert (await house.purchases().look(group.id)).joined == 4
    await house.join(group, 4)  # the same person may come back
    assert (await house.purchases().look(group.id)).state is GroupState.COMPLETE
    assert await house.clean() == []
    assert [one.state for one in (await house.desk.order(None, gone)).payments] == [PaymentState.VOIDED]


async def test_a_declined_card_takes_no_seat(house: GroupHouse) -> None:
    """A decline gives the seat back, and the same checkout may be paid by another card."""
    group = await house.start(await house.open())
    session = await house.checkout(group, 1)
    with pytest.raises(PaymentRefused):
        await house.pay(session, "fail_token")
    assert (await house.purchases().look(group.id)).joined == 0
    assert (await house.pay(session)).order.state is OrderState.PENDING
    assert (await house.purchases().look(group.id)).joined == 1
    assert await house.clean() == []


async def test_a_seat_is_paid_by_held_money_only(house: GroupHouse) -> None:
    """The price of a group is not to be had by an ordinary payment, and held money is for seats alone."""
    group = await house.start(await house.open())
    session = await house.checkout(group, 1)
    with pytest.raises(NotReady):
        await house.desk.complete(*session, PaymentInput("test", "success_token"))
    assert await house.clean() == []


class Cut:
    """A desk that never gets beyond that point: what it has written by then is not committed."""

    def __init__(self, point: Point) -> None:
        self._point = point

    def reach(self, point: Point) -> None:
        if point is self._point:
            raise Unavailable("The process has ended.")


@pytest.mark.parametrize("point", [Point.SETTLE_WRITTEN, Point.CANCEL_WRITTEN])
async def test_a_kill_between_closing_and_its_consequences_changes_nothing(house: GroupHouse, point: Point) -> None:
    """Whoever goes on after a kill settles, or releases, what the closed group left: once, and all of it."""
    group = await house.start(await house.open())
    people = 5 if point is Point.SETTLE_WRITTEN else 2
    orders = [await house.join(group, number) for number in range(people)]
    if people == 2:
        house.clock.advance(timedelta(hours=24))
    with suppress(Unavailable):
        await house.purchases(house.another_desk(Cut(point))).look(group.id)
    async with house.database.read() as connection:
        between = await house.groups.one(connection, group.id)
    assert (between.state is not GroupState.OPEN, between.done_at) == (True, None)
    assert {(await house.desk.order(None, id)).state for id in orders} == {OrderState.PENDING}
    assert await house.purchases().step() == 1
    expected = OrderState.PAID if people == 5 else OrderState.CANCELLED
    assert {(await house.desk.order(None, id)).state for id in orders} == {expected}
    assert await house.clean() == []


async def test_no_more_groups_than_the_merchant_allows(house: GroupHouse) -> None:
    """Groups are a tally: the third of two is refused, and who has an open one gets that."""
    offer = await house.open(groups=2)
    first = await house.start(offer, 1)
    assert (await house.start(offer, 1)).id == first.id
    await house.start(offer, 2)
    with pytest.raises(GroupsGone):
        await house.start(offer, 3)


async def test_wrong_tiers_are_refused_with_the_reason(house: GroupHouse) -> None:
    """Tiers that do not rise, or goods that are offered to groups already, are refused beside their field."""
    with pytest.raises(GroupRefused) as refused:
        await house.open(tiers=(Tier(5, 2_000), Tier(3, 1_000)))
    assert (refused.value.field, refused.value.fields["reason"]) == ("tiers", "order")
    await house.shop.stock([(LAMP, 1)])
    await house.open()
    with pytest.raises(GroupRefused) as refused:
        await house.open()
    assert refused.value.field == "product"
