"""A whole shop whose clock is moved by hand, and shoppers at it with browsers without script."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from nightmarket.kernel.clock import VirtualClock
from nightmarket.platform.messages import ChannelKind, LocalChannel, Postman, inbox
from tests.open_shop import Opened, opened

PASSWORD = "three lanterns in the fog"
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class Browser:
    """A browser without script: sends our forms as our pages made them, a second after one another."""

    client: httpx.AsyncClient
    clock: VirtualClock

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path)

    async def post(self, path: str, page: str = "/cart", **fields: str) -> httpx.Response:
        self.clock.advance(timedelta(seconds=1))
        found = TOKEN.search((await self.client.get(page)).text)
        assert found, page
        return await self.client.post(path, data={"csrf_token": found[1], **fields})


@dataclass
class ShopperHouse:
    """A shop with a clock that is moved by hand."""

    shop: Any
    opened: Opened
    clock: VirtualClock
    app: Any

    def browser(self) -> Browser:
        transport = httpx.ASGITransport(self.app)
        return Browser(
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1111", headers={"accept": "text/html"}),
            self.clock,
        )

    async def mails(self, email: str) -> list[str]:
        """What arrived at an address, the newest first."""
        local = LocalChannel(self.shop.database, self.clock)
        postman = Postman(self.shop.database, self.clock, {ChannelKind.MAIL: local})
        while await postman.step():
            pass
        async with self.shop.database.read() as connection:
            return [one.text for one in await inbox(connection, email, None, 100)]

    async def link(self, email: str) -> str:
        """The path of the link in the newest mail."""
        found = re.search(r"http://127\.0\.0\.1:1111(/\S+)", (await self.mails(email))[0])
        assert found
        return found[1]

    async def sign_up(self, email: str, name: str = "Wanda Example", browser: Browser | None = None) -> Browser:
        """A browser that is signed in with a new account."""
        browser = browser or self.browser()
        asked = await browser.post("/account/sign-up", "/account/sign-up", name=name, email=email, password=PASSWORD)
        assert asked.headers["location"] == "/account/sign-up/sent", asked.text
        path = await self.link(email)
        key = path.partition("key=")[2]
        done = await browser.post("/account/sign-up/confirm", path, key=key)
        assert done.headers.get("location") == "/account?done=welcome", done.text
        self.clock.advance(timedelta(seconds=3))
        return browser

    async def sign_in(self, email: str, password: str = PASSWORD, browser: Browser | None = None) -> httpx.Response:
        browser = browser or self.browser()
        return await browser.post("/account/sign-in", "/cart", email=email, password=password)


@asynccontextmanager
async def open_house(database: str, home: Path, clock: VirtualClock) -> AsyncGenerator[ShopperHouse]:
    async with opened(database, home, clock) as shop:
        yield ShopperHouse(shop.shop, shop, clock, shop.app)
