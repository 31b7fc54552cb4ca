"""The pages of a presale as a shopper meets them, without script."""

import re
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from nightmarket.kernel.clock import VirtualClock
from tests.conftest import FESTIVAL_EVE
from tests.preselling import presold
from tests.shopper_house import ShopperHouse, open_house

pytestmark = pytest.mark.engine


@pytest.fixture
async def house(fresh_database: str, tmp_path: Path) -> AsyncGenerator[ShopperHouse]:
    async with open_house(fresh_database, tmp_path / "home", VirtualClock(FESTIVAL_EVE)) as one:
        yield one


async def test_book_and_pay(house: ShopperHouse) -> None:
    """A shopper books on the page and pays the balance at an ordinary checkout."""
    lamp = await house.shop.catalog.find("lanterns", "LAMP")
    ident = await presold(house.shop, (await house.shop.catalog.listings([lamp]))[lamp])
    wanda = await house.sign_up("wanda@example.org")
    assert "2.00" in (await wanda.get("/presales")).text
    path = f"/presales/{ident}"
    page = await wanda.get(path)
    assert page.status_code == 200
    found = re.search(r'name="once" value="([^"]+)"', page.text)
    assert found
    once = found[1]
    card = {"number": "4242 4242 4242 4242", "expiry": "11/30", "cvc": "123", "name": "Wanda Example"}
    bad = await wanda.post(f"{path}/book", path, once=once, **card)
    assert bad.status_code == 422
    done = await wanda.post(f"{path}/book", path, once=once, agreed="yes", **card)
    booking = done.headers["location"]
    shown = await wanda.get(booking)
    assert "Place 1" in shown.text
    assert "Place 1" in (await wanda.get("/account/presales")).text
    assert "You have booked it." in (await wanda.get(path)).text
    house.clock.advance(timedelta(hours=3))
    await house.shop.books.refresh()
    due = await wanda.get(booking)
    assert "Pay the balance" in due.text
    to = (await wanda.post(f"{booking}/pay", booking)).headers["location"]
    checkout = await wanda.get(to)
    assert "€5.20" in checkout.text
    assert "€21.90" in checkout.text  # 17.00 and the delivery
    slug = (await house.shop.catalog.listings([lamp]))[lamp].slug
    assert (await wanda.get(f"/products/{slug}")).status_code == 200
