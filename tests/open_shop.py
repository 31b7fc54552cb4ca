"""A whole shop in this process for tests: every room real, goods imported, reached by HTTP without a socket."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from nightmarket.bootstrap import Shop, open_shop
from nightmarket.catalog.contract import ImportRequest
from nightmarket.entrypoints.app import build
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import encode
from nightmarket.platform.http import Edge
from nightmarket.platform.settings import Settings

SECRET = "a secret of the tests, thirty-two bytes"
GOODS = [
    ("lanterns", "lamp", "LAMP", "22.20", 10),
    ("lanterns", "candle", "CANDLE", "3.50", 100),
    ("teas", "oolong", "OOLONG", "9.90", 10),
    ("teas", "rare", "RARE", "99.00", 0),
]
"""merchant, product, SKU, price in EUR, stock."""


@dataclass
class Opened:
    """An open shop, a client to it, and its items' ids by SKU as the API names them."""

    shop: Shop
    client: httpx.AsyncClient
    items: dict[str, str]
    app: "App"


class App:
    """The application around a shop, made when the first request comes: it takes longer than opening the shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    @cached_property
    def _built(self) -> Edge:
        return build(self._shop)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._built(scope, receive, send)


@asynccontextmanager
async def opened(
    database: str, home: Path, clock: Clock | None = None, *, loopback_agents: bool = False
) -> AsyncGenerator[Opened]:
    """Open a shop on a fresh database with a few goods."""
    settings = Settings(database_url=database, secret=SECRET, home=home, port=1111, loopback_agents=loopback_agents)
    async with open_shop(settings, clock=clock) as shop:
        await stock_up(shop, home)
        items: dict[str, str] = {}
        for merchant, _, sku, _, _ in GOODS:
            variant = await shop.catalog.find(merchant, sku)
            assert variant is not None
            items[sku] = encode("var", variant)
        app = App(shop)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:1111") as client:
            yield Opened(shop, client, items, app)


async def stock_up(shop: Shop, home: Path) -> None:
    """Import the goods."""
    home.mkdir(parents=True, exist_ok=True)
    file = home / "goods.jsonl"
    file.write_text(
        "".join(
            json.dumps(
                {
                    "merchant": merchant,
                    "product": product,
                    "category": "night",
                    "texts": {"en": {"title": product.title()}, "de": {"title": f"{product.title()} (de)"}},
                    "variants": [{"sku": sku, "prices": {"EUR": price, "USD": price}, "stock": {"main": amount}}],
                }
            )
            + "\n"
            for merchant, product, sku, price, amount in GOODS
        )
    )
    report = await shop.importer.run_import(ImportRequest(file=str(file)))
    assert report.variants.created == len(GOODS), report.remarks
