"""Wallet money on a real database: earned, sent, opened, spent, given back, taken back, over; the books agree."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from nightmarket.bootstrap import WALLET, Shop, open_shop
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import derive
from nightmarket.orders.contract import OrderReduction, OrderState, SessionKind
from nightmarket.orders.errors import PaymentRefused, WalletChanged
from nightmarket.payments.contract.wallets import GRACE, Audience, SourceKind, packet_parts
from nightmarket.payments.errors import PacketNotOpened, WalletRefused
from nightmarket.platform.access import NewAccount, Role
from nightmarket.platform.access.store import confirm_email
from nightmarket.platform.messages import Filter, page
from nightmarket.promotions.contract import Condition, Offer, PercentOff
from nightmarket.promotions.contract.festivals import Festival, Window
from tests.conftest import FESTIVAL_EVE
from tests.open_shop import opened
from tests.spending import BAD, DAY, HOUR, READER, Purses

pytestmark = pytest.mark.engine

CASHBACK, PACKET, OPEN = SourceKind


@pytest.fixture
async def house(fresh_database: str, tmp_path: Path) -> AsyncGenerator[Purses]:
    clock = VirtualClock(FESTIVAL_EVE)
    async with opened(fresh_database, tmp_path / "home", clock) as shop:
        clock.advance(timedelta(minutes=1))
        yield Purses(shop.shop, clock)


async def test_earned_seen_spent_and_back(house: Purses) -> None:
    """A paid order earns its percentage; the money pays of the next order, in part; cancelling gives both parts back
    the way they came."""
    one = await house.account()
    await house.make(house.terms(CASHBACK, 10_000, basis_points=1_000))
    await house.buy(one, "first", {"LAMP": 1}, pay=False)
    await house.work()
    assert await house.balance(one) == 222
    second = await house.buy(one, "second", {"CANDLE": 2})
    assert (second.order.total, second.order.to_pay) == (1_190, 968)
    await house.work()
    [lot] = [lot for lot in await house.lots(one) if lot.about != second.order.id]
    assert (lot.available, lot.reserved) == (0, 0)
    assert await house.balance(one) == 47  # of 7.00 less 2.22 from the wallet
    await house.sound()
    async with house.shop.database.read() as connection:
        [payment] = await house.shop.payments.of_orders(connection, [second.order.id])
    assert payment.amount == 968
    await house.shop.orders.cancel_order(one, second.order.id, "changed my mind")
    await house.work()
    assert await house.balance(one) == 222
    async with house.shop.database.read() as connection:
        [payment] = await house.shop.payments.of_orders(connection, [second.order.id])
        kinds = [entry.kind for entry in await house.shop.wallets.history(connection, one)]
    assert payment.refunded in (0, 968)
    assert kinds.count("wallet_refunded") == 1
    assert set(kinds) == {"wallet_given", "wallet_paid", "wallet_refunded", "wallet_taken"}
    await house.sound()


async def test_an_agents_order_earns_for_whose_it_is(house: Purses) -> None:
    """An order of an agent earns for the account under whose e-mail it was placed, if a code sent there was typed
    in for that order and the account has proven the address, too; a mere name, or another's address, earns nothing."""
    shop, orders = house.shop, house.shop.orders
    [one] = await shop.access.accounts.create([NewAccount(READER.email, "Wanda", Role.SHOPPER, "a lantern in the fog")])
    await house.make(house.terms(CASHBACK, 10_000, basis_points=1_000))
    agent = derive("agent", "test")
    mine, another = (shop.identities.key_of(address) for address in (READER.email, "another@example.org"))

    async def earned(name: str, identity: UUID | None) -> int:
        view = await house.checkout(agent, name, {"LAMP": 1}, pay=False)
        if identity is not None:
            await orders.identify(agent, SessionKind.CHECKOUT, view.id, identity)
        await house.pay(agent, view)
        await house.work()
        return await house.balance(one.id)

    assert await earned("account unproven", mine) == 0
    async with shop.database.transaction() as tx:
        await confirm_email(tx, one.id, READER.email, house.clock.now())
    assert await earned("nobody confirmed", None) == 0
    assert await earned("another's", another) == 0
    assert await earned("theirs", mine) == 222
    await house.sound()


async def test_wallet_alone_pays_all(house: Purses) -> None:
    """What the wallet covers whole needs no card; a handler that asks nobody takes no order with something left."""
    one = await house.account()
    await house.give(one, 1_000)
    done = await house.pay(one, await house.checkout(one, "whole", {"CANDLE": 1}), WALLET)
    assert (done.order.to_pay, done.awaited) == (0, False)
    assert await house.balance(one) == 1_000 - 840
    view = await house.checkout(one, "more", {"CANDLE": 1})
    with pytest.raises(PaymentRefused):
        await house.pay(one, view, WALLET)
    assert await house.balance(one) == 160
    await house.sound()
    await house.shop.orders.cancel_order(one, done.order.id, "changed my mind")
    assert await house.balance(one) == 1_000
    await house.sound()


async def test_two_checkouts_spend_one_lot_at_once(house: Purses) -> None:
    """Of many checkouts that were shown the same money, one gets it; the others are told, and lost nothing."""
    one = await house.account()
    await house.give(one, 800)
    views = [await house.checkout(one, f"race{number}", {"CANDLE": 1}) for number in range(8)]
    done = await asyncio.gather(*(house.pay(one, view) for view in views), return_exceptions=True)
    assert sum(not isinstance(each, BaseException) for each in done) == 1
    assert sum(isinstance(each, WalletChanged) for each in done) == 7
    assert await house.balance(one) == 0
    await house.sound()


async def test_declined_and_lapsed_orders_let_go(house: Purses) -> None:
    """Money is reserved while an order waits, and free again when its payment is declined or never comes."""
    one = await house.account()
    await house.give(one, 500)
    with pytest.raises(PaymentRefused):
        await house.pay(one, await house.checkout(one, "declined", {"CANDLE": 1}), token=BAD)
    assert await house.balance(one) == 500
    waits = await house.pay(one, await house.checkout(one, "waits", {"CANDLE": 1}), "transfer", "")
    [lot] = await house.lots(one)
    assert (lot.available, lot.reserved, waits.awaited) == (0, 500, False)
    house.clock.advance(timedelta(hours=73))
    await house.shop.orders.due.step()
    assert await house.balance(one) == 500
    await house.sound()


async def test_a_silent_provider_keeps_the_wallets_part_waiting(house: Purses) -> None:
    """While nobody knows whether the card was charged, the wallet's part stays reserved; it is spent when the answer
    comes, once."""
    one = await house.account()
    await house.give(one, 500)
    view = await house.checkout(one, "silent", {"CANDLE": 1})
    waits = await house.pay(one, view, token="tok_silent")
    [lot] = await house.lots(one)
    assert (waits.awaited, lot.available, lot.reserved) == (True, 0, 500)
    house.clock.advance(timedelta(seconds=31))
    await house.shop.orders.due.step()
    [lot] = await house.lots(one)
    assert (lot.available, lot.reserved) == (0, 0)
    await house.sound()


async def _tenth_off(house: Purses) -> Offer:
    """Everything is a tenth cheaper, and the market pays for it."""
    now = house.clock.now()
    offer = Offer(derive("tenth"), 1, {"en": "Ten off"}, PercentOff(1_000), now, now + 90 * DAY)
    async with house.shop.database.transaction() as tx:
        await house.shop.offers.publish(tx, [offer], now)
    await house.shop.books.refresh()
    return offer


async def _reduce(shop: Shop, order: UUID, offer: Offer, amount: int) -> int:
    async with shop.database.transaction() as tx:
        found = await shop.orders.reduce_paid(tx, [OrderReduction(order, offer.id, amount, "best price")])
    return found.get(order, 0)


async def test_what_an_order_costs_less_goes_back_both_ways(house: Purses) -> None:
    """A lamp at 19.98 was paid with 10.00 from the wallet. When it costs 9.99 less, the wallet gets 5.00 and the card
    4.99, also after the money's end, and it can still be spent; a cancellation gives back the rest, each to its own."""
    one, offer = await house.account(), await _tenth_off(house)
    await house.give(one, 1_000)
    done = await house.buy(one, "less", {"LAMP": 1})
    assert (done.order.total, done.order.to_pay) == (2_488, 1_488)
    house.clock.advance(41 * DAY)
    await house.work()
    assert await _reduce(house.shop, done.order.id, offer, 999) == 999
    await house.sound()
    assert await house.balance(one) == 500
    order = await house.shop.orders.order(one, done.order.id)
    assert (order.total, order.to_pay, order.payments[0].refunded) == (1_489, 989, 499)
    house.clock.advance(GRACE - HOUR)
    assert (await house.checkout(one, "grace", {"CANDLE": 1})).body.purse is not None
    await house.shop.orders.cancel_order(one, order.id, "changed my mind")
    await house.sound()
    assert await house.balance(one) == 1_000
    assert (await house.shop.orders.order(one, order.id)).payments[0].refunded == 1_488
    house.clock.advance(GRACE + HOUR)
    await house.sound()
    assert await house.balance(one) == 0


async def test_two_workers_at_one_order(house: Purses) -> None:
    """While two workers hear that a card was charged, its buyer cancels; while one makes an order cheaper, another
    cancels it: whoever comes first, wallet and card have all they paid in the end, and no worker stumbles."""
    one, offer = await house.account(), await _tenth_off(house)
    await house.give(one, 5_000)
    async with open_shop(house.shop.settings, clock=house.clock, application="other") as other:
        for turn in range(4):
            waits = await house.pay(one, await house.checkout(one, f"waits{turn}", {"CANDLE": 1}), token="tok_silent")
            paid = await house.buy(one, f"paid{turn}", {"OOLONG": 1})
            house.clock.advance(timedelta(seconds=31))
            shops = (house.shop, other) if turn % 2 else (other, house.shop)
            await asyncio.gather(
                shops[0].orders.cancel_order(one, waits.order.id, "changed my mind"),
                shops[0].orders.due.step(),
                shops[1].orders.due.step(),
                shops[1].orders.cancel_order(one, paid.order.id, "changed my mind"),
                _reduce(shops[0], paid.order.id, offer, 300),
            )
            await house.work()
            assert await house.balance(one) == 5_000
            for id in (waits.order.id, paid.order.id):
                order = await house.shop.orders.order(one, id)
                assert order.state is OrderState.CANCELLED
                assert all(each.refunded == each.amount for each in order.payments if each.state != "voided")
        await house.sound()


async def test_a_merchants_money_is_for_its_goods(house: Purses) -> None:
    """What a merchant funds is earned by its goods alone, pays for nothing else, and goes back when it is over."""
    one = await house.account()
    shop = house.shop
    lamp = await shop.catalog.find("lanterns", "LAMP")
    assert lamp is not None
    merchant = (await shop.catalog.listings([lamp]))[lamp].merchant
    money = house.money(funder=merchant, merchants=(merchant,))
    await house.make(house.terms(CASHBACK, 10_000, money, basis_points=1_000))
    await house.buy(one, "first", {"LAMP": 1, "OOLONG": 1}, pay=False)
    await house.work()
    assert await house.balance(one) == 222
    tea = await house.buy(one, "tea", {"OOLONG": 1})
    assert tea.order.to_pay == tea.order.total
    both = await house.buy(one, "both", {"OOLONG": 1, "CANDLE": 1})
    assert both.order.total - both.order.to_pay == 222
    [spent] = both.order.rows[0].body.wallet
    assert (spent.merchant, spent.amount) == (merchant, 222)
    await house.sound()
    house.clock.advance(41 * DAY)
    await house.sound()


async def test_what_was_earned_and_spent_comes_out_of_the_next(house: Purses) -> None:
    """Cancelling an order takes back what it earned; what was spent of that is owed and comes out of the next cashback;
    the wallet never shows less than nothing."""
    one = await house.account()
    source = await house.make(house.terms(CASHBACK, 10_000, amount=500, per_account=1_000))
    first = await house.buy(one, "first", {"LAMP": 1}, pay=False)
    await house.work()
    kept = await house.buy(one, "spends", {"CANDLE": 1}, pay=True)
    await house.work()
    assert await house.balance(one) == 0, "what the wallet pays earns nothing"
    await house.shop.orders.cancel_order(one, first.order.id, "changed my mind")
    await house.work()
    assert await house.balance(one) == 0
    await house.buy(one, "third", {"LAMP": 1}, pay=False)
    await house.work()
    assert await house.balance(one) == 0, "it paid what was owed"
    await house.buy(one, "fourth", {"LAMP": 1}, pay=False)
    await house.work()
    assert await house.balance(one) == 500
    await house.sound()
    await house.shop.orders.cancel_order(one, kept.order.id, "changed my mind")
    await house.work()
    await house.sound()
    async with house.shop.database.read() as connection:
        figures = (await house.shop.wallets.figures(connection, [source.id]))[source.id]
    assert 0 <= figures.spent <= 1_000


async def test_credit_waits_and_is_dropped_with_its_order(house: Purses) -> None:
    """Credited after the days that the campaign says, if the order still stands then; else its budget is free again."""
    one, other = await house.account(), await house.account()
    source = await house.make(house.terms(CASHBACK, 222, basis_points=1_000, credit_days=14))
    first = await house.buy(one, "first", {"LAMP": 1}, pay=False)
    await house.buy(other, "late", {"LAMP": 1}, pay=False)
    await house.work()
    assert (await house.balance(one), await house.balance(other)) == (0, 0)
    await house.shop.orders.cancel_order(one, first.order.id, "changed my mind")
    await house.work()
    third = await house.account()
    await house.buy(third, "third", {"LAMP": 1}, pay=False)
    await house.work()
    house.clock.advance(14 * DAY)
    await house.work()
    balances = [await house.balance(account) for account in (one, other, third)]
    assert balances == [0, 0, 222], "the first to pay had the budget, and whoever came after it was given back"
    async with house.shop.database.read() as connection:
        assert (await house.shop.wallets.figures(connection, [source.id]))[source.id].spent == 222
    await house.sound()


async def test_to_those_who_used_no_offer(house: Purses) -> None:
    """A packet for those who used no offer in a festival misses whoever paid an order with one in its windows."""
    now = house.clock.now()
    festival = Festival(
        id=derive("test-festival"),
        revision=0,
        name={"en": "11.11"},
        zone="UTC",
        windows=(Window(id=derive("test-window"), name={"en": "11.11"}, starts_at=now - HOUR, ends_at=now + DAY),),
    )
    offer = Offer(
        derive("test-offer"), 1, {"en": "Ten off"}, PercentOff(1_000), now, now + DAY, Condition(merchants=frozenset())
    )
    async with house.shop.database.transaction() as tx:
        await house.shop.festivals.save(tx, festival, "operator", now)
        await house.shop.offers.publish(tx, [offer], now)
    await house.shop.festivals.refresh()
    await house.shop.books.refresh()
    used, bought_nothing = await house.account(), await house.account()
    await house.buy(used, "offer", {"LAMP": 1}, pay=False)
    await house.work()
    terms = house.terms(
        PACKET, 10_000, amount=300, audience=Audience.NO_OFFER, festival=festival.id, since=now + 2 * DAY
    )
    await house.make(terms)
    await house.work()
    assert await house.balance(bought_nothing) == 0
    house.clock.advance(2 * DAY)
    await house.work()
    assert (await house.balance(used), await house.balance(bought_nothing)) == (0, 300)
    await house.sound()


async def test_packets_are_opened_once_each_until_empty(house: Purses) -> None:
    """A crowd opens a red packet at once: each account one part, no part twice, exactly the budget, and what everybody
    got follows from the secret that was committed to."""
    accounts = [await house.account() for _ in range(6)]
    source = await house.make(house.terms(OPEN, 1_000, parts=4, at_least=50))
    wishes = [house.shop.wallets.open_packet(source.id, account) for account in accounts * 2]
    done = await asyncio.gather(*wishes, return_exceptions=True)
    refused = [each for each in done if isinstance(each, PacketNotOpened)]
    assert len(refused) == 4
    assert {each.fields["reason"] for each in refused} == {"empty"}
    balances = sorted([await house.balance(account) for account in accounts])
    assert sum(balances) == 1_000
    assert balances[:2] == [0, 0]
    assert balances[2] >= 50
    async with house.shop.database.read() as connection:
        opened_parts = await house.shop.wallets.parts(connection, source.id)
    assert tuple(amount for _, amount in opened_parts) == packet_parts(source.secret, 1_000, 4, 50)
    await house.sound()


async def test_it_ends_with_a_warning_and_a_posting(house: Purses) -> None:
    """Its owner is written to before money is over; then it goes back to who gave it. Money of an order that is
    cancelled after that can still be spent for a while."""
    one = await house.account()
    await house.give(one, 600)
    spent = await house.buy(one, "spends", {"CANDLE": 1})
    assert await house.balance(one) == 0
    await house.give(one, 700)
    house.clock.advance(38 * DAY)
    await house.work()
    async with house.shop.database.read() as connection:
        mails = await page(connection, Filter(), None, 20)
    assert [mail.message.to for mail in mails if mail.message.key.startswith("wallet-ends:")] == [
        "shopper0@example.org"
    ]
    house.clock.advance(3 * DAY)
    await house.work()
    assert await house.balance(one) == 0
    await house.shop.orders.cancel_order(one, spent.order.id, "too late")
    await house.work()
    assert await house.balance(one) == 600
    await house.sound()
    house.clock.advance(GRACE + HOUR)
    await house.work()
    assert await house.balance(one) == 0
    async with house.shop.database.read() as connection:
        entries = await house.shop.wallets.history(connection, one)
    assert [entry.amount for entry in entries if entry.kind == "wallet_expired"] == [-600, -700]
    await house.sound()


async def test_who_leaves_leaves_it_to_the_giver(house: Purses) -> None:
    """A shopper who leaves has nothing any more; what was left goes back to who gave it."""
    one = await house.account()
    await house.give(one, 600)
    async with house.shop.database.transaction() as tx:
        await house.shop.wallets.forget(tx, one, one)
    await house.sound()
    assert await house.balance(one) == 0


async def test_wrong_sources_are_refused_with_reasons(house: Purses) -> None:
    """What cannot be is refused, each flaw with its field."""
    late = house.money(spend_until=house.clock.now() - HOUR)
    with pytest.raises(WalletRefused) as refused:
        await house.make(house.terms(CASHBACK, 0, late, basis_points=20_000))
    fields = {flaw["field"] for flaw in refused.value.fields["flaws"]}
    assert fields >= {"spend_until", "budget", "amount"}
