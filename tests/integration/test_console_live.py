"""The stream of what happens: who hears what, and how it ends."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from nightmarket.platform.http import ASGIApp
from tests.doors import Answer, Person, ask, people
from tests.open_shop import Opened, opened
from tests.placing import place_order


@pytest.fixture
async def shop(fresh_database: str, tmp_path: Path) -> AsyncGenerator[Opened]:
    async with opened(fresh_database, tmp_path) as shop:
        assert (await shop.client.get("/health/live")).status_code == 200  # the application is made
        yield shop


async def listen(app: ASGIApp, person: Person, path: str = "/console/live") -> "asyncio.Task[Answer]":
    """Begin to watch, and wait until the watching has begun."""
    listening = asyncio.create_task(ask(app, "GET", path, person.headers, stay=True))
    await asyncio.sleep(0.5)
    assert not listening.done(), listening
    return listening


async def test_each_role_hears_what_it_may(shop: Opened) -> None:
    """Of an order the operator hears everything, service that orders changed, a picker that stock did, each once."""
    app = shop.app
    who = await people(shop.shop, next(iter(await shop.shop.catalog.merchants())).id)
    operator = await listen(app, who["operator"])
    chosen = await listen(app, who["operator"], "/console/live?kind=payments.")
    service = await listen(app, who["service"])
    picker = await listen(app, who["picker"])
    order = await place_order(shop.client, [shop.items["LAMP"]])
    await asyncio.sleep(1.5)
    shop.shop.closing.set()
    heard = {
        name: (await task).body.decode()
        for name, task in {"operator": operator, "chosen": chosen, "service": service, "picker": picker}.items()
    }
    assert "event: orders" in heard["operator"]
    assert "orders.placed" in heard["operator"]
    assert order in heard["operator"]
    assert "orders.placed" not in heard["chosen"]
    assert "event: orders" in heard["service"]
    assert "event: stock" in heard["picker"]
    for name in ("service", "picker"):
        assert "event: facts" not in heard[name]
        assert order not in heard[name]
    assert "event: orders" not in heard["picker"]


async def test_a_process_that_stops_sends_watchers_home(shop: Opened) -> None:
    """Streams end at once when the process is told to stop, and no new one begins."""
    app = shop.app
    who = await people(shop.shop, next(iter(await shop.shop.catalog.merchants())).id)
    watching = await listen(app, who["operator"])
    shop.shop.closing.set()
    async with asyncio.timeout(60):
        assert (await watching).status == 200
    assert (await ask(app, "GET", "/console/live", who["operator"].headers)).status == 503
