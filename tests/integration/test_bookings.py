"""Bookings and enquiries: seats are a tally like any other, nothing is sent, what has begun is not sold."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from nightmarket.catalog.contract import Listing, ProductKind
from nightmarket.engagement.contract.enquiries import MAX_OPEN, MAX_WORDS_LETTERS, Enquiry
from nightmarket.engagement.errors import EnquiryNotFound, EnquiryRefused, TooManyEnquiries
from nightmarket.engagement.handlers import StoredEnquiries
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.orders.contract import OrderState, PaymentInput, SessionInput, SessionKind, SessionView
from nightmarket.orders.errors import NotReady, OutOfStock
from nightmarket.orders.handlers import OrderDesk
from nightmarket.payments.providers import TestProvider
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Facts
from tests.till import no_wait
from tests.twins import Shop, listing, wanted

pytestmark = pytest.mark.engine

LAMP = listing("LAMP", price=2222)
CARD = PaymentInput("test", "success_token")
CHECKOUT = SessionKind.CHECKOUT
GUEST = UUID(int=1)


def slot(clock: VirtualClock, sku: str = "WALK", merchant: str = "guides") -> Listing:
    """A walk in two hours."""
    return msgspec.structs.replace(
        listing(sku, merchant=merchant, price=1500),
        kind=ProductKind.BOOKING,
        starts_at=clock.now() + timedelta(hours=2),
        ends_at=clock.now() + timedelta(hours=4),
    )


@pytest.fixture
async def shop(fresh_database: str, clock: VirtualClock, ids: SeededIds) -> AsyncGenerator[Shop]:
    database = await Database.open(fresh_database)
    shop = Shop(database, clock, ids, [LAMP, slot(clock)])
    await shop.stock([(LAMP, 10), (slot(clock), 4)])
    yield shop
    await database.close()


@pytest.fixture
async def desk(shop: Shop, tmp_path: Path) -> AsyncGenerator[OrderDesk]:
    provider = TestProvider(tmp_path / "provider.sqlite3", shop.clock, name="test", sleep=no_wait)
    desk = shop.desk({"test": provider})
    yield desk
    await desk.close()
    await provider.close()


async def checkout(desk: OrderDesk, key: str, wish: SessionInput, owner: UUID = GUEST) -> SessionView:
    return await desk.create(owner, CHECKOUT, key, wish)


async def test_a_booking_needs_no_delivery(shop: Shop, desk: OrderDesk, clock: VirtualClock) -> None:
    """With nothing but slots of a merchant in it, a session is ready without a choice, and delivery costs nothing."""
    walk = slot(clock)
    view = await checkout(desk, "one", msgspec.structs.replace(wanted((walk, 2)), options={}))
    (group,) = view.assessment.groups
    assert [option.id for option in group.options] == ["on_site"]
    assert group.chosen == "on_site"
    assert view.assessment.notices == ()
    done = await desk.complete(GUEST, view.id, CARD)
    (row,) = done.order.rows
    assert row.state is OrderState.PAID
    assert row.total == 3000
    assert row.body.lines[0].title.endswith("UTC")
    assert row.body.shipping is not None
    assert row.body.shipping.total == 0


async def test_goods_beside_a_booking_are_still_sent(shop: Shop, desk: OrderDesk, clock: VirtualClock) -> None:
    """A merchant's lamp and walk together: the lamp needs its delivery, and the order waits until it is chosen."""
    walk = slot(clock, "LAMPWALK", merchant="lanterns")
    shop.catalog.put(walk)
    await shop.stock([(walk, 4)])
    without = msgspec.structs.replace(wanted((LAMP, 1), (walk, 1)), options={})
    view = await checkout(desk, "two", without)
    (group,) = view.assessment.groups
    assert {option.id for option in group.options} == {"standard", "express"}
    assert group.chosen is None
    with pytest.raises(NotReady):
        await desk.complete(GUEST, view.id, CARD)


async def test_seats_are_never_sold_twice(shop: Shop, desk: OrderDesk, clock: VirtualClock) -> None:
    """Eight who want one of four seats: four get one, four are told, none is left."""
    walk = slot(clock)
    views = [await checkout(desk, f"s{n}", wanted((walk, 1)), UUID(int=n + 1)) for n in range(8)]
    outcomes = await asyncio.gather(
        *(desk.complete(UUID(int=n + 1), view.id, CARD) for n, view in enumerate(views)), return_exceptions=True
    )
    refused = [one for one in outcomes if isinstance(one, BaseException)]
    assert len(refused) == 4
    assert all(isinstance(one, OutOfStock) for one in refused)
    async with shop.database.read() as connection:
        levels = await shop.tallies.levels(connection, [walk.stock[0].tally])
    assert levels[walk.stock[0].tally].available == 0


async def test_what_has_begun_is_not_sold(shop: Shop, desk: OrderDesk, clock: VirtualClock) -> None:
    """A cart that held a slot past its beginning says so and is not completed; nothing is claimed."""
    walk = slot(clock)
    view = await checkout(desk, "late", wanted((walk, 1)))
    clock.advance(timedelta(hours=2))
    again = await desk.get(GUEST, CHECKOUT, view.id)
    assert [notice.code for notice in again.assessment.notices] == ["slot_over"]
    with pytest.raises(NotReady):
        await desk.complete(GUEST, view.id, CARD)
    async with shop.database.read() as connection:
        levels = await shop.tallies.levels(connection, [walk.stock[0].tally])
    assert levels[walk.stock[0].tally].available == 4


def enquiry(shop: Shop, **words: object) -> Enquiry:
    given: dict[str, object] = {
        "id": shop.ids.new(),
        "merchant": UUID(int=7),
        "product": UUID(int=8),
        "title": "Small House",
        "owner": GUEST,
        "name": "Test Asker",
        "email": "asker@example.org",
        "phone": "",
        "words": "When may I see it?",
        "language": "en",
        "asked_at": shop.clock.now(),
    }
    return Enquiry(**{**given, **words})  # pyright: ignore[reportArgumentType]


async def test_enquiries_are_kept_once_bounded_and_apart(shop: Shop) -> None:
    """Sent twice it is there once; a merchant reads its own only; too many open ones are refused."""
    enquiries, first = StoredEnquiries(Facts(shop.ids)), enquiry(shop)
    async with shop.database.transaction() as tx:
        assert await enquiries.ask(tx, first)
        assert not await enquiries.ask(tx, first)
        for _ in range(MAX_OPEN - 1):
            assert await enquiries.ask(tx, enquiry(shop, merchant=UUID(int=9)))
        with pytest.raises(TooManyEnquiries):
            await enquiries.ask(tx, enquiry(shop))
        with pytest.raises(TooManyEnquiries):
            await enquiries.ask(tx, enquiry(shop, owner=UUID(int=2)))
    async with shop.database.as_merchant(UUID(int=7)) as connection:
        assert [one.id for one in await enquiries.page(connection, answered=None, before=None, limit=50)] == [first.id]
        assert (await enquiries.one(connection, first.id)).words == first.words
    async with shop.database.as_merchant(UUID(int=10)) as connection:
        with pytest.raises(EnquiryNotFound):
            await enquiries.one(connection, first.id)
    async with shop.database.transaction() as tx:
        await enquiries.answer(tx, first.id, answered=True, by="Test Dealer", now=shop.clock.now())
        assert [one.id for one in await enquiries.page(tx, answered=True, before=None, limit=50)] == [first.id]
        await enquiries.forget(tx, GUEST, "asker@example.org")
        assert await enquiries.page(tx, answered=None, before=None, limit=50) == []


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"phone": "1" * 41}, "phone"),
        ({"words": "  "}, "words"),
        ({"words": "x" * (MAX_WORDS_LETTERS + 1)}, "words"),
    ],
)
async def test_unfit_enquiries_are_refused(shop: Shop, words: dict[str, str], field: str) -> None:
    """Each bound is held and the field is named."""
    with pytest.raises(EnquiryRefused) as refusal:
        async with shop.database.transaction() as tx:
            await StoredEnquiries(Facts(shop.ids)).ask(tx, enquiry(shop, **words))
    assert refusal.value.field == field
