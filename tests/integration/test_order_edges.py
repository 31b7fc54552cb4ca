"""Corners of an order's way: two clicks at once, money for an attempt long gone, transfers to the end."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.orders.contract import OrderState, PaymentInput, SessionInput, SessionKind
from nightmarket.orders.errors import KeyReused, PaymentRefused
from nightmarket.orders.handlers import OrderDesk
from nightmarket.orders.handlers.settling import Settled, Settlement
from nightmarket.orders.model.order import claim_id
from nightmarket.payments.contract import PaymentRow, PaymentState
from nightmarket.payments.handlers import WebhookReceiver
from nightmarket.payments.jobs import PaymentsDrain
from nightmarket.payments.providers import BankTransfers, TestProvider, WebhookOptions, WebhookSender
from nightmarket.platform.database import Database
from nightmarket.platform.subscriptions import ensure, step
from tests.till import no_wait
from tests.twins import SECRET, Shop, listing, wanted

pytestmark = pytest.mark.engine

LAMP = listing("LAMP", price=2222)
TEA = listing("TEA", merchant="teas", price=990)
CHECKOUT = SessionKind.CHECKOUT
HOOKS = WebhookOptions(secret=SECRET)
SILENT = PaymentInput("test", "tok_silent")
CARD = PaymentInput("test", "success_token")


@pytest.fixture
async def shop(fresh_database: str, clock: VirtualClock, ids: SeededIds) -> AsyncGenerator[Shop]:
    database = await Database.open(fresh_database)
    shop = Shop(database, clock, ids, [LAMP, TEA])
    await shop.stock([(LAMP, 10), (TEA, 10)])
    yield shop
    await database.close()


@pytest.fixture
async def provider(tmp_path: Path, clock: VirtualClock) -> AsyncGenerator[TestProvider]:
    provider = TestProvider(tmp_path / "provider.sqlite3", clock, name="test", webhooks=HOOKS, sleep=no_wait)
    yield provider
    await provider.close()


def desk_of(shop: Shop, provider: TestProvider) -> OrderDesk:
    return shop.desk({"test": provider, "transfer": BankTransfers()})


async def webhooks_come_in(shop: Shop, desk: OrderDesk, provider: TestProvider) -> None:
    """Every webhook is delivered, and what it reports is heard."""
    receiver = WebhookReceiver("test", [SECRET], shop.clock, shop.facts)

    async def receive(body: bytes, signature: str) -> None:
        async with shop.database.transaction() as tx:
            await receiver.receive_webhook(tx, body, signature)

    while await WebhookSender(provider, HOOKS, shop.clock).deliver(receive):
        pass
    async with shop.database.transaction() as tx:
        await ensure(tx, desk.reported.subscription)
        await step(tx, desk.reported.subscription, shop.clock)


async def payments_drained(shop: Shop, provider: TestProvider) -> None:
    drain = PaymentsDrain(shop.database, {"test": provider, "transfer": BankTransfers()}, shop.clock, shop.facts)
    while await drain.step():
        pass


async def clean(shop: Shop, desk: OrderDesk) -> bool:
    async with shop.database.read() as connection:
        findings = [
            *await shop.tallies.audit(connection),
            *await shop.payments.audit(connection),
            *await desk.audit(),
        ]
    assert not findings, findings
    return True


async def test_two_requests_with_one_key_in_one_batch(shop: Shop) -> None:
    """Two different requests with the same key that arrive together: one makes its session, the other is refused."""
    desk = shop.desk()
    owner = shop.ids.new()
    one, other = await asyncio.gather(
        desk.create(owner, CHECKOUT, "key", wanted((LAMP, 1))),
        desk.create(owner, CHECKOUT, "key", wanted((LAMP, 2))),
        return_exceptions=True,
    )
    assert not isinstance(one, BaseException)
    assert isinstance(other, KeyReused)
    assert [line.quantity for line in (await desk.get(owner, CHECKOUT, one.id)).body.lines] == [1]


async def test_a_session_made_from_a_cart_twice(shop: Shop) -> None:
    """A repeat finds the session that was made from the cart, also when the cart has changed since."""
    desk = shop.desk()
    owner = shop.ids.new()
    cart = await desk.create(owner, SessionKind.CART, "cart", wanted((LAMP, 1)))
    request = SessionInput(lines=(), currency="EUR", cart=cart.id)
    first = await desk.create(owner, CHECKOUT, "key", request)
    await desk.update(owner, SessionKind.CART, cart.id, wanted((LAMP, 5)))
    again = await desk.create(owner, CHECKOUT, "key", request)
    assert again.id == first.id
    assert [line.quantity for line in again.body.lines] == [1]


async def test_two_ways_to_pay_clicked_at_once(shop: Shop, provider: TestProvider) -> None:
    """Transfer and card clicked together: the first one counts, and no card is charged for a transfer's order."""
    desk = desk_of(shop, provider)
    owner = shop.ids.new()
    session = await desk.create(owner, CHECKOUT, "key", wanted((LAMP, 1)))
    transfer, card = await asyncio.gather(
        desk.complete(owner, session.id, PaymentInput("transfer")), desk.complete(owner, session.id, CARD)
    )
    assert (transfer.order.state, card.order.state) == (OrderState.PENDING, OrderState.PENDING)
    assert card.order.rows[0].handler == "transfer"
    assert await provider.find(str(session.id)) is None
    assert await clean(shop, desk)


async def test_transfers_are_captured_and_given_back(shop: Shop, provider: TestProvider, clock: VirtualClock) -> None:
    """Money that staff saw arrive is taken and given back like any other, and never gets stuck."""
    desk = desk_of(shop, provider)
    owner = shop.ids.new()
    kept = await desk.create(owner, CHECKOUT, "kept", wanted((LAMP, 1)))
    cancelled = await desk.create(owner, CHECKOUT, "cancelled", wanted((LAMP, 1)))
    late = await desk.create(owner, CHECKOUT, "late", wanted((LAMP, 8)))
    for session in (kept, cancelled, late):
        await desk.complete(owner, session.id, PaymentInput("transfer"))
    await desk.mark_transferred(kept.id, "statement line 1")
    await desk.mark_transferred(cancelled.id, "statement line 2")
    await payments_drained(shop, provider)
    await desk.cancel_order(owner, cancelled.id, "changed my mind")
    clock.advance(timedelta(hours=72))
    await desk.due.step()
    other = await desk.create(owner, CHECKOUT, "other", wanted((LAMP, 2)))
    await desk.complete(owner, other.id, CARD)
    await desk.mark_transferred(late.id, "statement line 3")
    await payments_drained(shop, provider)
    states = [(await desk.order(owner, session.id)).payments[0].state for session in (kept, cancelled, late)]
    assert states == [PaymentState.CAPTURED, PaymentState.REFUNDED, PaymentState.VOIDED]
    assert await clean(shop, desk)


async def test_reported_money_of_a_lapsed_order_buys_it(
    shop: Shop, provider: TestProvider, clock: VirtualClock
) -> None:
    """The provider took the money but nobody heard of it in time: its report pays the order if the goods are there."""
    desk = desk_of(shop, provider)
    owner = shop.ids.new()
    session = await desk.create(owner, CHECKOUT, "key", wanted((LAMP, 10)))
    assert (await desk.complete(owner, session.id, SILENT)).awaited  # noqa: PGH005
    deaf = shop.desk()  # asks a provider that never heard of it
    clock.advance(timedelta(minutes=15))
    await deaf.due.step()
    assert (await desk.order(owner, session.id)).state is OrderState.LAPSED
    await webhooks_come_in(shop, desk, provider)
    assert (await desk.order(owner, session.id)).state is OrderState.PAID
    await payments_drained(shop, provider)
    assert await clean(shop, desk)


async def test_reported_money_of_a_cancelled_order_goes_back(shop: Shop, provider: TestProvider) -> None:
    """An order that was cancelled while the provider kept silent: what it reserved is given up."""
    desk = desk_of(shop, provider)
    owner = shop.ids.new()
    session = await desk.create(owner, CHECKOUT, "key", wanted((LAMP, 1)))
    assert (await desk.complete(owner, session.id, SILENT)).awaited  # noqa: PGH005
    await desk.cancel_order(owner, session.id, "too slow")
    await webhooks_come_in(shop, desk, provider)
    await payments_drained(shop, provider)
    (payment,) = (await desk.order(owner, session.id)).payments
    assert payment.state is PaymentState.VOIDED
    found = await provider.find(str(session.id))
    assert found is not None
    assert found.decline_code == "voided"
    assert await clean(shop, desk)


async def test_late_money_of_an_earlier_attempt_goes_back(
    shop: Shop, provider: TestProvider, clock: VirtualClock
) -> None:
    """Money of a lapsed attempt does not buy what a later, declined attempt of the changed session wanted."""
    desk = desk_of(shop, provider)
    owner = shop.ids.new()
    session = await desk.create(owner, CHECKOUT, "key", wanted((LAMP, 1)))
    assert (await desk.complete(owner, session.id, SILENT)).awaited  # noqa: PGH005
    clock.advance(timedelta(minutes=15))
    await shop.desk().due.step()
    await desk.update(owner, CHECKOUT, session.id, wanted((TEA, 7)))
    with pytest.raises(PaymentRefused):
        await desk.complete(owner, session.id, PaymentInput("test", "fail_token"))
    authorisation = await provider.find(str(claim_id(session.id, 0)))
    assert authorisation is not None
    settled = await desk.settles.settle(Settlement(session.id, 0, authorisation, "test"))
    assert settled is Settled.GIVEN_BACK
    order = await desk.order(owner, session.id)
    assert order.state is OrderState.DECLINED
    first: dict[object, PaymentRow] = {payment.id: payment for payment in order.payments}
    assert first[session.id].state is PaymentState.VOID_DUE
    assert await clean(shop, desk)


async def test_waiting_orders_of_others_are_left_alone(shop: Shop, provider: TestProvider) -> None:
    """An order whose session another process has locked is looked after later; nothing waits for that lock."""
    desk = desk_of(shop, provider)
    owner = shop.ids.new()
    session = await desk.create(owner, CHECKOUT, "key", wanted((LAMP, 1)))
    await desk.complete(owner, session.id, PaymentInput("transfer"))
    order = await desk.order(owner, session.id)
    async with shop.database.transaction() as tx:
        await tx.execute("SELECT 1 FROM orders.session WHERE id = $1 FOR UPDATE", session.id)
        async with asyncio.timeout(60):
            await desk.due.look_after([session.id])
        assert (await desk.order(owner, session.id)).rows[0].due_at == order.rows[0].due_at
    await desk.due.look_after([session.id])
    assert (await desk.order(owner, session.id)).rows[0].due_at != order.rows[0].due_at
