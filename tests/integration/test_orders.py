"""The way of an order on the real engine: from session to paid, declined, cancelled, lapsed."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.kernel.problems import Problem
from nightmarket.orders.contract import OrderState, PaymentInput, SessionKind, SessionState
from nightmarket.orders.errors import KeyReused, NotReady, OutOfStock, PaymentRefused, SessionClosed, SessionNotFound
from nightmarket.payments.providers import TestProvider
from nightmarket.platform.database import Database
from tests.twins import Shop, listing, wanted

LAMP = listing("LAMP", price=2222)
TEA = listing("TEA", merchant="teas", price=990)
RARE = listing("RARE", price=500, places=2)
CARD = PaymentInput("test", "success_token")


@pytest.fixture
async def shop(fresh_database: str, clock: VirtualClock, ids: SeededIds) -> AsyncGenerator[Shop]:
    database = await Database.open(fresh_database)
    shop = Shop(database, clock, ids, [LAMP, TEA, RARE])
    await shop.stock([(LAMP, 10), (TEA, 10), (RARE, 1)])
    yield shop
    await database.close()


async def test_an_order_that_nobody_would_look_after_is_named(shop: Shop) -> None:
    """The audit finds an order that waits while no note says so: it would hold its goods for ever."""
    desk = shop.desk()
    owner = shop.ids.new()
    session = await desk.create(owner, SessionKind.CHECKOUT, "key", wanted((LAMP, 1)))
    await desk.complete(owner, session.id, PaymentInput("transfer"))
    assert await desk.audit() == []
    async with shop.database.transaction() as tx:
        await tx.execute("DELETE FROM orders.awaited")
    (finding,) = await desk.audit()
    assert (finding.rule, finding.row) == ("an order that waits is noted for its time", f"order {session.id}")


async def test_two_merchants_one_order(shop: Shop) -> None:
    """A session with goods of two merchants becomes one paid order with a row for each, and the audits are clean."""
    desk = shop.desk()
    owner = shop.ids.new()
    session = await desk.create(owner, SessionKind.CHECKOUT, "key-1", wanted((LAMP, 2), (TEA, 1)))
    assert session.state is SessionState.READY
    done = await desk.complete(owner, session.id, CARD)
    assert not done.awaited
    assert done.order.state is OrderState.PAID
    assert {row.merchant for row in done.order.rows} == {LAMP.merchant, TEA.merchant}
    assert done.order.total == 2 * 2222 + 990 + 2 * 490
    again = await desk.complete(owner, session.id, CARD)
    assert again.order.id == done.order.id
    assert (await desk.get(owner, SessionKind.CHECKOUT, session.id)).state is SessionState.COMPLETED
    async with shop.database.read() as connection:
        levels = await shop.tallies.levels(connection, [LAMP.stock[0].tally, TEA.stock[0].tally])
        assert [(level.held, level.spent) for level in levels.values()] == [(0, 2), (0, 1)] or [
            (level.held, level.spent) for level in levels.values()
        ] == [(0, 1), (0, 2)]
        assert await shop.tallies.audit(connection) == []
    assert await desk.audit() == []


async def test_sold_out_is_refused(shop: Shop) -> None:
    """What is not there is refused with what is left, holds nothing, and leaves the session open."""
    desk = shop.desk()
    owner = shop.ids.new()
    session = await desk.create(owner, SessionKind.CHECKOUT, "key", wanted((LAMP, 11), (TEA, 1)))
    with pytest.raises(OutOfStock) as refusal:
        await desk.complete(owner, session.id, CARD)
    assert refusal.value.fields["lines"] == {"li_1": 10}
    async with shop.database.read() as connection:
        levels = await shop.tallies.levels(connection, [LAMP.stock[0].tally, TEA.stock[0].tally])
    assert all(level.held == level.spent == 0 for level in levels.values())
    fewer = await desk.update(owner, SessionKind.CHECKOUT, session.id, wanted((LAMP, 10), (TEA, 1)))
    assert fewer.state is SessionState.READY
    assert (await desk.complete(owner, session.id, CARD)).order.state is OrderState.PAID


async def test_declined_card_holds_nothing(shop: Shop, tmp_path: Path) -> None:
    """A declined payment gives everything back, and the same session can be paid another way."""
    provider = TestProvider(tmp_path / "provider.sqlite3", shop.clock, name="test")
    desk = shop.desk({"test": provider})
    owner = shop.ids.new()
    session = await desk.create(owner, SessionKind.CHECKOUT, "key", wanted((LAMP, 3)))
    with pytest.raises(PaymentRefused):
        await desk.complete(owner, session.id, PaymentInput("test", "fail_token"))
    async with shop.database.read() as connection:
        level = (await shop.tallies.levels(connection, [LAMP.stock[0].tally]))[LAMP.stock[0].tally]
    assert (level.held, level.spent) == (0, 0)
    assert (await desk.order(owner, session.id)).state is OrderState.DECLINED
    paid = await desk.complete(owner, session.id, CARD)
    assert paid.order.state is OrderState.PAID
    assert await desk.audit() == []
    await provider.close()


async def test_cancelling_gives_everything_back(shop: Shop) -> None:
    """A cancelled order puts its goods back and owes the money; cancelling again changes nothing."""
    desk = shop.desk()
    owner = shop.ids.new()
    session = await desk.create(owner, SessionKind.CHECKOUT, "key", wanted((LAMP, 3)))
    await desk.complete(owner, session.id, CARD)
    for _ in range(2):
        order = await desk.cancel_order(owner, session.id, "changed my mind")
        assert order.state is OrderState.CANCELLED
    async with shop.database.read() as connection:
        level = (await shop.tallies.levels(connection, [LAMP.stock[0].tally]))[LAMP.stock[0].tally]
        assert level.available == 10
        assert await shop.tallies.audit(connection) == []
    assert await desk.audit() == []
    with pytest.raises(SessionNotFound):
        await desk.cancel_order(shop.ids.new(), session.id, "not mine")


async def test_transfer_waits_then_lapses(shop: Shop, clock: VirtualClock) -> None:
    """An order by transfer holds its goods for three days, then lapses once; late money buys what is still there."""
    desk = shop.desk()
    owner = shop.ids.new()
    session = await desk.create(owner, SessionKind.CHECKOUT, "key", wanted((LAMP, 10)))
    done = await desk.complete(owner, session.id, PaymentInput("transfer"))
    assert done.order.state is OrderState.PENDING
    assert await desk.audit() == []
    assert await desk.due.step() == 0
    clock.advance(timedelta(hours=72))
    assert await desk.due.step() == 1
    assert await desk.due.step() == 0
    assert (await desk.order(owner, session.id)).state is OrderState.LAPSED
    assert await desk.audit() == []
    late = await desk.mark_transferred(session.id, "statement line 7")
    assert late.state is OrderState.PAID
    assert await desk.audit() == []
    async with shop.database.read() as connection:
        level = (await shop.tallies.levels(connection, [LAMP.stock[0].tally]))[LAMP.stock[0].tally]
        assert (level.held, level.spent) == (0, 10)
        assert await shop.tallies.audit(connection) == []


async def test_late_money_without_goods_goes_back(shop: Shop, clock: VirtualClock) -> None:
    """Money that comes after the hold lapsed and the goods were sold to others is given back by itself."""
    desk = shop.desk()
    first, second = shop.ids.new(), shop.ids.new()
    slow = await desk.create(first, SessionKind.CHECKOUT, "key", wanted((LAMP, 10)))
    await desk.complete(first, slow.id, PaymentInput("transfer"))
    clock.advance(timedelta(hours=72))
    await desk.due.step()
    quick = await desk.create(second, SessionKind.CHECKOUT, "key", wanted((LAMP, 10)))
    assert (await desk.complete(second, quick.id, CARD)).order.state is OrderState.PAID
    late = await desk.mark_transferred(slow.id, "statement line 8")
    assert late.state is OrderState.LAPSED
    assert [payment.state.value for payment in late.payments] in (["void_due"], ["refund_due"])
    assert await desk.audit() == []


async def test_repeated_create_finds_the_first(shop: Shop) -> None:
    """The same key finds the same session; the same key with another request is refused."""
    desk = shop.desk()
    owner = shop.ids.new()
    one = await desk.create(owner, SessionKind.CHECKOUT, "key", wanted((LAMP, 1)))
    two = await desk.create(owner, SessionKind.CHECKOUT, "key", wanted((LAMP, 1)))
    assert one.id == two.id
    with pytest.raises(KeyReused):
        await desk.create(owner, SessionKind.CHECKOUT, "key", wanted((LAMP, 2)))
    other = await desk.create(shop.ids.new(), SessionKind.CHECKOUT, "key", wanted((LAMP, 1)))
    assert other.id != one.id


async def test_a_session_becomes_one_order(shop: Shop) -> None:
    """Fifty clicks on "pay" through two processes make one order and one payment."""
    desks = [shop.desk(), shop.desk()]
    owner = shop.ids.new()
    session = await desks[0].create(owner, SessionKind.CHECKOUT, "key", wanted((LAMP, 1)))
    answers = await asyncio.gather(*(desks[n % 2].complete(owner, session.id, CARD) for n in range(50)))
    assert {answer.order.id for answer in answers} == {session.id}
    async with shop.database.read() as connection:
        level = (await shop.tallies.levels(connection, [LAMP.stock[0].tally]))[LAMP.stock[0].tally]
    assert (level.held, level.spent) == (0, 1)
    assert len((await desks[0].order(owner, session.id)).payments) == 1


async def test_fifty_units_three_hundred_buyers(shop: Shop) -> None:
    """300 buyers for 10 units through two processes: 10 orders, 290 clear refusals."""
    desks = [shop.desk(), shop.desk()]
    owners = [shop.ids.new() for _ in range(300)]
    sessions = await asyncio.gather(
        *(desks[0].create(owner, SessionKind.CHECKOUT, "key", wanted((LAMP, 1))) for owner in owners)
    )
    results = await asyncio.gather(
        *(
            desks[n % 2].complete(owner, session.id, CARD)
            for n, (owner, session) in enumerate(zip(owners, sessions, strict=True))
        ),
        return_exceptions=True,
    )
    refused = [result for result in results if isinstance(result, OutOfStock)]
    assert len(refused) == 290
    assert sum(not isinstance(result, BaseException) for result in results) == 10
    assert await desks[0].audit() == []


async def test_units_in_two_places_are_one_stock(shop: Shop) -> None:
    """Units that lie in two places can be bought together, and no unit stays unsold."""
    desk = shop.desk()
    owner = shop.ids.new()
    async with shop.database.transaction() as tx:
        from nightmarket.tally.contract import Adjustment

        await shop.tallies.adjust(tx, [Adjustment(shop.ids.new(), RARE.stock[1].tally, 2, "arrived")], shop.clock.now())
    session = await desk.create(owner, SessionKind.CHECKOUT, "key", wanted((RARE, 3)))
    assert (await desk.complete(owner, session.id, CARD)).order.state is OrderState.PAID
    assert await desk.audit() == []


async def test_dearer_price_goes_back_to_the_buyer(shop: Shop) -> None:
    """A price that rose since it was shown is not charged; the second confirmation buys at the new price."""
    desk = shop.desk()
    owner = shop.ids.new()
    session = await desk.create(owner, SessionKind.CHECKOUT, "key", wanted((LAMP, 1)))
    shop.catalog.put(listing("LAMP", price=3333))
    with pytest.raises(Problem) as refusal:
        await desk.complete(owner, session.id, CARD)
    assert refusal.value.code == "price_changed"
    assert (await desk.complete(owner, session.id, CARD)).order.total == 3333 + 490
    shop.catalog.put(listing("LAMP", price=1111))
    cheaper = await desk.create(owner, SessionKind.CHECKOUT, "key-2", wanted((LAMP, 1)))
    assert (await desk.complete(owner, cheaper.id, CARD)).order.total == 1111 + 490


async def test_what_is_missing_is_named(shop: Shop) -> None:
    """A session without contact, address or lines is not completed, and each missing thing is named."""
    desk = shop.desk()
    owner = shop.ids.new()
    bare = wanted((LAMP, 1))
    bare = type(bare)(lines=bare.lines, currency="EUR")
    session = await desk.create(owner, SessionKind.CHECKOUT, "key", bare)
    assert session.state is SessionState.INCOMPLETE
    with pytest.raises(NotReady) as refusal:
        await desk.complete(owner, session.id, CARD)
    assert {notice.code for notice in refusal.value.fields["notices"]} == {"email_missing", "address_missing"}
    await desk.cancel(owner, SessionKind.CHECKOUT, session.id)
    with pytest.raises(SessionClosed):
        await desk.complete(owner, session.id, CARD)
