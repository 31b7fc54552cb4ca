"""A checkout that was left open too long: its page says so, and opening it again loses nothing typed."""

import re
from collections.abc import AsyncGenerator
from datetime import timedelta

import httpx
import pytest

from nightmarket.bootstrap import open_shop
from nightmarket.entrypoints.app import build
from nightmarket.entrypoints.seeding import seed_demo
from nightmarket.kernel.clock import SystemClock, VirtualClock
from nightmarket.platform.settings import Settings

pytestmark = pytest.mark.engine
ADDRESS = "http://127.0.0.1:1111"


@pytest.fixture
def now() -> VirtualClock:
    """Begins with the machine's time, since the demo's offers begin when it comes in."""
    return VirtualClock(SystemClock().now())


@pytest.fixture(scope="module")
async def settings(tmp_path_factory: pytest.TempPathFactory, database: str) -> Settings:
    """Of a demo that is filled once."""
    made = Settings(home=tmp_path_factory.mktemp("home"), database_url=database, secret="s" * 40, demo=True)
    await seed_demo(made, database)
    return made


@pytest.fixture
async def browser(settings: Settings, now: VirtualClock) -> AsyncGenerator[httpx.AsyncClient]:
    """A visitor of a demo shop whose clock is `now`."""
    async with open_shop(settings, clock=now) as shop:
        transport = httpx.ASGITransport(app=build(shop))
        async with httpx.AsyncClient(transport=transport, base_url=ADDRESS, headers={"accept": "text/html"}) as client:
            yield client


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, pattern
    return match[1]


async def send(browser: httpx.AsyncClient, page: httpx.Response, path: str, **fields: str) -> httpx.Response:
    token = found(r'name="csrf_token" value="([^"]+)"', page.text)
    return await browser.post(path, data={"csrf_token": token, **fields})


async def test_expired_checkout_opens_again(browser: httpx.AsyncClient, now: VirtualClock) -> None:
    """After six hours the page answers 410; one press makes a new checkout that knows the address."""
    page = await browser.get("/products/mahjong-set")
    variant = found(r'name="variant" value="([^"]+)"', page.text)
    await send(browser, page, "/cart/lines", variant=variant, quantity="1")
    begun = await send(browser, page, "/checkout")
    checkout = begun.headers["location"]
    typed = {"email": "guest@demo.example", "first_name": "Mira", "last_name": "Example", "country": "DE"}
    typed |= {"street": "Lantern Street 11", "postal_code": "10115", "city": "Berlin", "pay": "transfer"}
    told = await send(browser, page, checkout, **typed, shown_total="1")
    assert told.status_code == 422
    assert "The total has changed" in told.text

    now.advance(timedelta(hours=7))
    expired = await browser.get(checkout)
    assert expired.status_code == 410
    assert "This checkout has closed" in expired.text
    late = await send(browser, page, checkout, **typed, shown_total="1")
    assert late.status_code == 410

    again = await send(browser, expired, "/checkout", again=found(r'name="again" value="([^"]+)"', expired.text))
    assert again.headers["location"] != checkout
    fresh = await browser.get(again.headers["location"])
    assert fresh.status_code == 200
    assert 'value="Lantern Street 11"' in fresh.text


async def test_cart_that_expired_is_followed_by_a_new_one(browser: httpx.AsyncClient, now: VirtualClock) -> None:
    """After 31 days the old cart is gone without a fault, and the next thing goes into a new one."""
    page = await browser.get("/products/mahjong-set")
    variant = found(r'name="variant" value="([^"]+)"', page.text)
    await send(browser, page, "/cart/lines", variant=variant, quantity="2")
    now.advance(timedelta(days=31))
    assert "Your cart is empty" in (await browser.get("/cart")).text
    await send(browser, page, "/cart/lines", variant=variant, quantity="1")
    cart = await browser.get("/cart")
    assert cart.text.count('class="line"') == 1
    assert 'data-count="1"' in cart.text
