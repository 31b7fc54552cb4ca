"""The real shop's hot routes answer alike whether a server calls them straight or through ASGI."""

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from nightmarket.bootstrap import Shop, open_shop
from nightmarket.entrypoints.app import build
from nightmarket.entrypoints.claims.routes import hot_routes as claims_routes
from nightmarket.entrypoints.pages import open_site
from nightmarket.entrypoints.storefront import Storefront, gate
from nightmarket.entrypoints.storefront import hot_routes as storefront_routes
from nightmarket.entrypoints.ucp.routes import hot_routes
from nightmarket.gate.contract import Guards, NewRoom
from nightmarket.platform.access import SYSTEM, NewKey
from nightmarket.platform.http import Route
from nightmarket.platform.http.direct import Direct
from nightmarket.platform.http.server import Listening, Server
from nightmarket.platform.settings import Settings
from tests.open_shop import SECRET, stock_up

BODIES = ("", "{}", '{"payment": {"instruments": [{"id": "i", "handler_id": "transfer", "type": "card"}]}}')
MADE_UP = "chk_01m81wkketedasfhbsj8y63abc"


@dataclass
class Both:
    """The same application behind a server that calls hot routes straight, and as plain ASGI."""

    shop: Shop
    routes: list[Route]
    straight: httpx.AsyncClient
    plain: httpx.AsyncClient
    direct: Direct


@asynccontextmanager
async def both(database: str, home: Path) -> AsyncGenerator[Both]:
    """Open a shop with a few goods and listen."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    settings = Settings(database_url=database, secret=SECRET, home=home, port=port)
    async with open_shop(settings) as shop:
        if await shop.catalog.find("lanterns", "LAMP") is None:
            await stock_up(shop, home)
        site = open_site(shop)
        routes = [*hot_routes(shop), *claims_routes(shop), *storefront_routes(Storefront(site)), *gate.hot_routes(site)]
        edge = build(shop)
        server = Server(edge, Listening(host="127.0.0.1", port=port))
        serving = asyncio.create_task(server.run_until_stopped())
        base = f"http://127.0.0.1:{port}"
        async with (
            httpx.AsyncClient(base_url=base, timeout=60) as straight,
            httpx.AsyncClient(transport=httpx.ASGITransport(edge), base_url=base, timeout=60) as plain,
        ):
            yield Both(shop, routes, straight, plain, Direct(edge))
        server.stop()
        await serving


def told(answer: httpx.Response) -> tuple[int, str, str, list[str]]:
    """What has to be the same: status, kind, a problem's code, and which headers there are."""
    kind = answer.headers.get("content-type", "")
    code = answer.json().get("code", "") if kind == "application/problem+json" else ""
    return answer.status_code, kind, code, sorted(answer.headers)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder for the shop."""
    return tmp_path / "home"


async def test_every_hot_route_answers_alike_to_everyone(database: str, home: Path) -> None:
    """Strangers, bad keys, keys without the permission and good ones, with bodies well and badly formed: the same
    status, code and headers on both ways, and each of these routes has a straight way."""
    async with both(database, home) as here:
        [issued] = await here.shop.access.keys.issue(SYSTEM, [NewKey("a program")])
        people = [{}, {"authorization": "Bearer nonsense"}, {"authorization": f"Bearer {issued.token}"}]
        refused = 0
        for route in here.routes:
            path = route.path.partition("{")[0]
            path += MADE_UP + route.path.partition("}")[2] if "{" in route.path else ""
            scope = {"type": "http", "method": route.method, "path": path, "headers": []}
            assert here.direct.open(scope, keep_alive=True) is not None, route.path
            for person in people:
                for body in BODIES if route.method != "GET" else ("",):
                    headers = {**person, "idempotency-key": f"k-{path}", "ucp-agent": 'profile="http://127.0.0.1/x"'}
                    if body:
                        headers["content-type"] = "application/json"
                    first = await here.straight.request(route.method, path, content=body, headers=headers)
                    second = await here.plain.request(route.method, path, content=body, headers=headers)
                    assert told(first) == told(second), (route.method, path, person, body)
                    assert first.status_code < 500
                    refused += first.status_code >= 400
        assert refused > 50


async def test_a_waiting_room_holds_the_straight_way_too(database: str, home: Path) -> None:
    """While a room of the site is at work nobody without a pass reaches a hot route, on either way."""
    async with both(database, home) as here:
        page = {"accept": "text/html"}
        assert (await here.straight.get("/products/lamp", headers=page)).status_code == 200
        now = here.shop.clock.now()
        new = NewRoom(
            name="A rush",
            guards=Guards.SITE,
            gathers_at=now,
            opens_at=now + timedelta(hours=1),
            rate_milli=1_000,
        )
        async with here.shop.database.transaction() as tx:
            await here.shop.gates.make(tx, new, "test")
        await here.shop.gates.refresh()
        for client in (here.straight, here.plain):
            led = await client.get("/products/lamp", headers=page)
            assert (led.status_code, led.headers["location"].startswith("/gate/")) == (303, True)
            held = await client.post(f"/ucp/checkout-sessions/{MADE_UP}/complete", json={})
            assert (held.status_code, held.json()["code"]) == (429, "queue_required")
            assert (await client.get("/stock")).status_code == 401  # programs of other shops do not queue here


async def test_the_log_stays_as_it_was_set_up(database: str, home: Path) -> None:
    """Making and serving the application leaves the process's log to telemetry: no other handler takes its place."""
    before = list(logging.getLogger().handlers)
    async with both(database, home) as here:
        await here.straight.get("/health/ready")
        assert logging.getLogger().handlers == before
