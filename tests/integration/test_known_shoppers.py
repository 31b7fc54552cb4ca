"""What is known of a shopper reaches the price of carts, and stays with the order."""

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.orders.contract import TRANSFER, Known, PaymentInput, SessionKind
from nightmarket.platform.database import Database
from nightmarket.promotions.contract import Condition, Offer, PercentOff
from nightmarket.promotions.handlers import StoredOffers
from tests.twins import Shop, listing, wanted

LAMP = listing("LAMP", price=2000)
HOLDER, OTHER = UUID(int=1), UUID(int=2)
COUPON = "coupon:lamps"


class Pockets:
    """Who has which entitlement."""

    def __init__(self, *holders: UUID) -> None:
        self.holders = set(holders)

    async def of(self, owner: UUID, now: datetime) -> Known:
        return Known(entitlements=(COUPON,)) if owner in self.holders else Known()


class Passage:
    """Everybody is at the mall."""

    async def of(self, owner: UUID, now: datetime) -> Known:
        return Known(places=("mall",), channel="storefront")


@pytest.fixture
async def shop(fresh_database: str, clock: VirtualClock, ids: SeededIds) -> AsyncGenerator[Shop]:
    database = await Database.open(fresh_database)
    shop = Shop(database, clock, ids, [LAMP])
    await shop.stock([(LAMP, 10)])
    offers = StoredOffers(shop.facts, shop.tallies, shop.catalog)
    offer = Offer(
        ids.new(),
        1,
        {"en": "For holders"},
        PercentOff(2500),
        clock.now() - timedelta(days=1),
        clock.now() + timedelta(days=1),
        Condition(needs=frozenset({COUPON}), places=frozenset({"mall"})),
    )
    async with database.transaction() as tx:
        await offers.publish(tx, [offer], clock.now())
    await shop.books.refresh()
    yield shop
    await database.close()


async def total(shop: Shop, owner: UUID) -> int:
    """What a lamp and its delivery come to for that shopper, as the order says that keeps it."""
    desk = shop.desk()
    view = await desk.create(owner, SessionKind.CHECKOUT, "one", wanted((LAMP, 1)))
    done = await desk.complete(owner, view.id, PaymentInput(TRANSFER))
    assert sum(row.total for row in done.order.rows) == view.assessment.quote.total
    assert done.order.rows[0].body.known == view.body.known
    async with shop.database.read() as connection:
        query = "SELECT body FROM orders.order WHERE id = $1"
        assert isinstance(await connection.fetchval(query, view.id), bytes)
    again = await desk.order(owner, view.id)
    assert again.rows[0].body.known == view.body.known
    return view.assessment.quote.total


async def test_entitlements_and_places_reach_price_and_order(shop: Shop) -> None:
    """Who holds the coupon, at the mall, pays a quarter less; who does not pays the whole; both orders say why."""
    shop.known.sources += [Pockets(HOLDER), Passage()]
    assert await total(shop, OTHER) - await total(shop, HOLDER) == 500


async def test_a_coupon_that_is_taken_counts_when_the_cart_is_read_again(shop: Shop) -> None:
    """A cart that was filled before its shopper took the coupon is cheaper when it is next looked at."""
    pockets = Pockets()
    shop.known.sources += [pockets, Passage()]
    desk = shop.desk()
    view = await desk.create(HOLDER, SessionKind.CART, "one", wanted((LAMP, 1)))
    pockets.holders.add(HOLDER)
    later = await desk.get(HOLDER, SessionKind.CART, view.id)
    assert view.assessment.quote.total - later.assessment.quote.total == 500
