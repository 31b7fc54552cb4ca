"""The loss guard on the real engine: offers that sell below cost or are used far too often stop."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from nightmarket.bootstrap import chores, consumers
from nightmarket.catalog.contract import CostDraft
from nightmarket.kernel.ids import decode
from nightmarket.platform.access import NewAccount, Role
from nightmarket.platform.messages import Filter, page
from nightmarket.platform.subscriptions import ensure, step
from nightmarket.promotions.contract import AmountOff, Offer
from nightmarket.promotions.contract.guards import GuardRules, GuardStop, OfferSale, StopReason
from nightmarket.promotions.errors import GuardRefused
from tests.open_shop import Opened, opened
from tests.placing import place_order

pytestmark = pytest.mark.engine


@pytest.fixture
async def house(fresh_database: str, home: Path) -> AsyncGenerator[Opened]:
    async with opened(fresh_database, home) as made:
        yield made


async def _publish(house: Opened, **fields: object) -> Offer:
    shop, now = house.shop, house.shop.clock.now()
    plain = Offer(shop.ids.new(), 1, {"en": "Test reduction"}, AmountOff({"EUR": 1500}), now, now + timedelta(hours=10))
    offer = msgspec.structs.replace(plain, **fields)
    async with shop.database.transaction() as tx:
        await shop.offers.publish(tx, [offer], now)
    await shop.books.refresh()
    return offer


async def _hear(house: Opened) -> None:
    """Let the guard see what was paid."""
    shop = house.shop
    [guard] = [one for one in consumers(shop) if one.name == "loss-guard"]
    [chore] = [one for one in chores(shop) if one.topic == "loss-guard"]
    async with shop.database.transaction() as tx:
        await ensure(tx, guard)
        await step(tx, guard, shop.clock)
    while await shop.aside.step(chore):
        pass
    await shop.books.refresh()


async def _stops(house: Opened) -> list[GuardStop]:
    async with house.shop.database.read() as connection:
        return list(await house.shop.guard.stops(connection))


async def test_an_offer_that_sells_below_cost_in_sum_is_stopped_and_can_be_put_back(house: Opened) -> None:
    """A lamp of 22.20 that costs 10.00 sells for 7.20: at the second order the offer is out of the book, operators have
    a mail, and one undo publishes it again and counts from nothing."""
    shop, lamp = house.shop, decode("var", house.items["LAMP"])
    account = NewAccount("night@example.org", "Test Operator", Role.OPERATOR, "made-up words of an operator", None)
    await shop.access.accounts.create([account])
    listing = (await shop.catalog.listings([lamp]))[lamp]
    now = shop.clock.now()
    async with shop.database.transaction() as tx:
        await shop.editor.set_costs(tx, listing.merchant, [CostDraft(lamp, {"EUR": "10.00"})], "Test Hand")
        await shop.guard.set_rules(tx, GuardRules(loss_orders=2), by="Test Operator", at=now)
    offer = await _publish(house)
    await place_order(house.client, [house.items["LAMP"]])
    await _hear(house)
    assert await _stops(house) == []
    await place_order(house.client, [house.items["LAMP"]])
    await _hear(house)
    [stop] = await _stops(house)
    assert (stop.offer, stop.reason, stop.orders, stop.sold, stop.cost) == (
        offer.id,
        StopReason.BELOW_COST,
        2,
        2 * 720,
        2 * 1000,
    )
    assert offer.id not in {one.id for one in shop.books.current().offers}
    async with shop.database.read() as connection:
        mails = [one for one in await page(connection, Filter(), None, 50) if "below cost" in one.message.subject]
    assert [one.message.to for one in mails] == ["night@example.org"]
    for _ in range(2):
        async with shop.database.transaction() as tx:
            await shop.guard.undo(tx, stop.id, by="Test Operator", at=shop.clock.now())
    await shop.books.refresh()
    assert [one.revision for one in shop.books.current().offers if one.id == offer.id] == [2]
    await place_order(house.client, [house.items["LAMP"]])
    await _hear(house)
    assert [one.undone_by for one in await _stops(house)] == ["Test Operator"]


async def test_cancelled_orders_leave_the_sums(house: Opened) -> None:
    """Two orders below cost, of which one is cancelled, are one: the offer goes on until another is paid; the mail
    is in the language of the rules."""
    shop, lamp = house.shop, decode("var", house.items["LAMP"])
    account = NewAccount("night@example.org", "Test Operator", Role.OPERATOR, "made-up words of an operator", None)
    await shop.access.accounts.create([account])
    listing = (await shop.catalog.listings([lamp]))[lamp]
    async with shop.database.transaction() as tx:
        await shop.editor.set_costs(tx, listing.merchant, [CostDraft(lamp, {"EUR": "10.00"})], "Test Hand")
        rules = GuardRules(loss_orders=2, language="de")
        await shop.guard.set_rules(tx, rules, by="Test Operator", at=shop.clock.now())
    offer = await _publish(house)
    first = await place_order(house.client, [house.items["LAMP"]])
    await _hear(house)
    await shop.orders.cancel_order(None, decode("ord", first), "the buyer asked for it")
    await _hear(house)
    async with shop.database.read() as connection:
        row = await connection.fetchrow("SELECT orders, discount, costed, sold, cost FROM promotions.guard_sale")
    assert row is not None
    assert tuple(row) == (0, 0, 0, 0, 0)
    await place_order(house.client, [house.items["LAMP"]])
    await _hear(house)
    assert await _stops(house) == []
    await place_order(house.client, [house.items["LAMP"]])
    await _hear(house)
    assert [one.offer for one in await _stops(house)] == [offer.id]
    async with shop.database.read() as connection:
        [mail] = [one.message for one in await page(connection, Filter(), None, 50) if one.message.to == account.email]
    assert (mail.language, "14,40\xa0€" in mail.text) == ("de", True)
    assert "Einkaufspreis" in mail.subject


async def test_goods_of_unknown_cost_stop_nothing(house: Opened) -> None:
    """Without a cost nobody knows of a loss, however cheap."""
    shop = house.shop
    async with shop.database.transaction() as tx:
        await shop.guard.set_rules(tx, GuardRules(loss_orders=1), by="Test", at=shop.clock.now())
    offer = await _publish(house)
    await place_order(house.client, [house.items["LAMP"]])
    await _hear(house)
    assert await _stops(house) == []
    assert offer.id in {one.id for one in shop.books.current().offers}


async def test_a_code_that_leaks_is_stopped_and_a_rush_on_an_open_offer_is_not(house: Opened) -> None:
    """100 uses in ten hours are ten an hour: three times as many in one hour stop an offer with a code, not one for
    everybody."""
    shop = house.shop
    coded = await _publish(house, code="TESTLEAK", max_uses=100)
    everybody = await _publish(house, max_uses=100)
    rules = GuardRules(redemption_orders=5, redemption_factor=3)
    async with shop.database.transaction() as tx:
        at = shop.clock.now()
        await shop.guard.set_rules(tx, rules, by="Test", at=at)
        within = [OfferSale(one.id, "EUR", 30, 100, 0, 0, 0) for one in (coded, everybody)]
        assert await shop.guard.note(tx, within, at) == []
        beyond = [OfferSale(one.id, "EUR", 1, 100, 0, 0, 0) for one in (coded, everybody)]
        [stop] = await shop.guard.note(tx, beyond, at)
    assert (stop.offer, stop.reason, stop.orders, stop.plan) == (coded.id, StopReason.ABNORMAL, 31, 30)


async def test_rules_out_of_bounds_are_refused(house: Opened) -> None:
    """A window of no hours is no rule."""
    shop = house.shop
    with pytest.raises(GuardRefused) as refused:
        async with shop.database.transaction() as tx:
            await shop.guard.set_rules(tx, GuardRules(window_hours=0), by="Test", at=shop.clock.now())
    assert refused.value.field == "window_hours"
