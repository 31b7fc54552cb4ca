"""The pages of a presale as a shopper meets them, without script."""

import asyncio
import re
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import decode
from nightmarket.promotions.contract.presales import PRESALE
from tests.conftest import FESTIVAL_EVE
from tests.preselling import presold
from tests.shopper_house import ShopperHouse, open_house

pytestmark = pytest.mark.engine


@pytest.fixture
async def house(fresh_database: str, tmp_path: Path) -> AsyncGenerator[ShopperHouse]:
    async with open_house(fresh_database, tmp_path / "home", VirtualClock(FESTIVAL_EVE)) as one:
        yield one


async def test_book_and_pay(house: ShopperHouse) -> None:
    """A shopper books on the page and pays the balance at an ordinary checkout; when the booking ends early, the kept
    page of the goods says so too."""
    lamp = await house.shop.catalog.find("lanterns", "LAMP")
    ident = await presold(house.shop, (await house.shop.catalog.listings([lamp]))[lamp])
    wanda = await house.sign_up("wanda@example.org")
    assert "2.00" in (await wanda.get("/presales")).text
    path = f"/presales/{ident}"
    goods = f"/products/{(await house.shop.catalog.listings([lamp]))[lamp].slug}"
    assert path in (await wanda.get(goods)).text
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
    async with house.shop.database.transaction() as tx:
        await house.shop.presales.close(tx, decode(PRESALE, ident))
    async with asyncio.timeout(60):  # the shop's clock stands still: no page grows old by itself
        while path in (await wanda.get(goods)).text:
            await asyncio.sleep(0.02)
    house.clock.advance(timedelta(hours=3))
    await house.shop.books.refresh()
    due = await wanda.get(booking)
    assert "Pay the balance" in due.text
    to = (await wanda.post(f"{booking}/pay", booking)).headers["location"]
    checkout = await wanda.get(to)
    assert "€5.20" in checkout.text
    assert "€21.90" in checkout.text  # 17.00 and the delivery
    assert (await wanda.get(goods)).status_code == 200
