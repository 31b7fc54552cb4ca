"""The pages of wallet money as a shopper meets them, without script."""

import re
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from nightmarket.kernel.clock import VirtualClock
from tests.conftest import FESTIVAL_EVE
from tests.shopper_house import ShopperHouse, open_house
from tests.spending import packet_in

pytestmark = pytest.mark.engine


@pytest.fixture
async def house(fresh_database: str, tmp_path: Path) -> AsyncGenerator[ShopperHouse]:
    async with open_house(fresh_database, tmp_path / "home", VirtualClock(FESTIVAL_EVE)) as one:
        yield one


async def test_open_see_and_pay(house: ShopperHouse) -> None:
    """A packet is opened once, stands in the wallet and as a hint in the cart; the checkout pays with it when told to,
    and never less than it showed."""
    ident = await packet_in(house.shop)
    guest = house.browser()
    asked = await guest.post(f"/packets/{ident}/open", f"/packets/{ident}")
    assert asked.headers["location"].startswith("/account/sign-in")
    wanda = await house.sign_up("wanda@example.org")
    path = f"/packets/{ident}"
    for _ in range(2):
        assert (await wanda.post(f"{path}/open", path)).headers["location"] == path
    shown = re.search(r'wallet-sum figures" role="status">€([0-9.]+)<', (await wanda.get(path)).text)
    assert shown
    amount = shown[1]
    assert f"€{amount}" in (await wanda.get("/account/wallet")).text
    code = re.search(r'"wallet-code">(.{43})<', (await wanda.post("/account/wallet/code", "/account/wallet")).text)
    assert code
    assert code[1] not in (await wanda.get("/account/wallet")).text
    for most in ("0.00", "1,000"):  # a thousand, written so, must not become one
        wrong = await wanda.post("/account/wallet/code", "/account/wallet", most=most, currency="EUR")
        assert (wrong.status_code, '"wallet-code"' in wrong.text) == (422, False)
    limited = await wanda.post("/account/wallet/code", "/account/wallet", most="0,50", currency="EUR")
    assert "It pays €0.50 at most." in limited.text
    await wanda.post("/cart/lines", "/products/lamp", variant=house.opened.items["LAMP"], quantity="1")
    assert f"Your wallet can pay €{amount} of it" in (await wanda.get("/cart")).text
    checkout = (await wanda.post("/checkout")).headers["location"]
    fields = {
        "email": "wanda@example.org",
        "first_name": "Wanda",
        "last_name": "Example",
        "country": "DE",
        "street": "Lantern Lane 1",
        "postal_code": "12345",
        "city": "Example Town",
        "pay": "transfer",
        "use_wallet": "1",
    }
    page = (await wanda.post(f"{checkout}/review", checkout, **fields)).text
    totals = {name: re.search(rf'name="{name}" value="(\d+)"', page) for name in ("shown_total", "shown_rest")}
    assert all(totals.values())
    total, rest = (int(found[1]) for found in totals.values() if found)
    assert total - rest == round(float(amount) * 100)
    low = await wanda.post(checkout, checkout, **fields, shown_total=str(total), shown_rest=str(rest - 1))
    assert low.status_code == 422
    assert "Less is left in your wallet" in low.text
    done = await wanda.post(checkout, checkout, **fields, shown_total=str(total), shown_rest=str(rest))
    order = (await wanda.get(done.headers["location"])).text
    assert "From your wallet" in order
    assert f"€{rest / 100:.2f}" in order
    seen = (await wanda.get("/account/wallet")).text
    assert "waits in an order" in seen
    assert re.search(rf"Still to be paid</dt><dd>€{rest / 100:.2f}<", seen)
