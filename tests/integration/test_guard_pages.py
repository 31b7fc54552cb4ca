"""The loss guard's page and the table of costs, as the people of the market and of a stall use them."""

from pathlib import Path

import httpx
import pytest

from nightmarket.catalog.handlers.costs import StoredCosts
from nightmarket.kernel.ids import decode, encode
from nightmarket.platform.access import NewAccount, Role
from nightmarket.promotions.contract import Offer, PercentOff
from nightmarket.promotions.contract.guards import GuardRules, OfferSale
from tests.browsing import Visitor
from tests.open_shop import Opened, opened

pytestmark = pytest.mark.engine
PASSWORD = "a made-up sentence for tests"


async def _signed_in(house: Opened, role: Role, merchant: object = None) -> Visitor:
    email = f"{role.value}@example.org"
    account = NewAccount(email, f"Test {role.value}", role, PASSWORD, merchant)  # pyright: ignore[reportArgumentType]
    await house.shop.access.accounts.create([account])
    visitor = Visitor(httpx.ASGITransport(house.app))
    await visitor.send(await visitor.open("/console/login"), {"email": email, "password": PASSWORD})
    return visitor


async def test_an_operator_puts_back_what_was_stopped_with_one_press(fresh_database: str, home: Path) -> None:
    """The stop stands on the page with its figures; the press publishes the offer again, and the rules can be set."""
    async with opened(fresh_database, home) as house:
        shop, now = house.shop, house.shop.clock.now()
        offer = Offer(shop.ids.new(), 1, {"en": "Test fall"}, PercentOff(9000), now, now.replace(year=now.year + 1))
        async with shop.database.transaction() as tx:
            await shop.offers.publish(tx, [offer], now)
            await shop.guard.set_rules(tx, GuardRules(loss_orders=1), by="Test", at=now)
            [stop] = await shop.guard.note(tx, [OfferSale(offer.id, "EUR", 1, 900, 1, 100, 700)], now)
        await shop.books.refresh()
        assert offer.id not in {one.id for one in shop.books.current().offers}
        visitor = await _signed_in(house, Role.OPERATOR)
        page = await visitor.open("/console/guard")
        assert "Test fall" in page.text
        assert "€7.00" in page.text
        await visitor.send(page, {}, to=f"/console/guard/{encode('gst', stop.id)}/undo")
        assert offer.id in {one.id for one in shop.books.current().offers}
        page = await visitor.open("/console/guard")
        await visitor.send(page, {"window_hours": "48", "loss_orders": "5"}, to="/console/guard")
        async with shop.database.read() as connection:
            assert await shop.guard.rules(connection) == GuardRules(window_hours=48, loss_orders=5)
        refused = await visitor.send(page, {"window_hours": "0"}, to="/console/guard")
        assert refused.status_code == 422


async def test_a_merchant_types_what_goods_cost(fresh_database: str, home: Path) -> None:
    """A cost typed into the table is noted; one that somebody changed in the meantime is not overwritten."""
    async with opened(fresh_database, home) as house:
        lamp = decode("var", house.items["LAMP"])
        listing = (await house.shop.catalog.listings([lamp]))[lamp]
        visitor = await _signed_in(house, Role.MERCHANT, listing.merchant)
        page = await visitor.open("/console/selling/costs")
        assert page.status_code == 200
        name = f"cost-{house.items['LAMP']}-EUR"
        await visitor.send(page, {name: "12.50"}, to="/console/selling/costs?")
        async with house.shop.database.read() as connection:
            assert await StoredCosts().costs(connection, [lamp]) == {lamp: {"EUR": 1250}}
        late = await visitor.send(page, {name: "1.00"}, to="/console/selling/costs?")
        assert late.status_code == 409
