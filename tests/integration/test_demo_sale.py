"""The demo's sale: planned at each start, two minutes ahead, at half price, for what is on the shelf."""

import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nightmarket.catalog.contract import ImportRequest
from nightmarket.entrypoints.seeding import SALE_LASTS, crowd_article, plan_sale, sale_of
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import encode
from nightmarket.tally.contract import Level
from tests.open_shop import Opened, opened

pytestmark = pytest.mark.engine

FULL, HALF = 2222, 1111
AGENT = {"ucp-agent": 'profile="http://127.0.0.1/sale"'}
CARD = {"type": "token", "token": "success_token"}
PAY = {"payment": {"instruments": [{"id": "i", "handler_id": "testpay", "type": "card", "credential": CARD}]}}
HOME = {
    "id": "home",
    "street_address": "Lampengasse 11",
    "address_locality": "Nachtstadt",
    "address_country": "DE",
    "postal_code": "11111",
}


@pytest.fixture
async def sale(fresh_database: str, tmp_path: Path, clock: VirtualClock) -> AsyncGenerator[Opened]:
    """A shop that sells the article, before any sale is planned."""
    article = crowd_article()
    row = {
        "merchant": article.merchant,
        "product": article.product,
        "category": "lamps",
        "texts": {"en": {"title": "Lantern"}},
        "variants": [{"sku": article.sku, "prices": {"EUR": "22.22"}, "stock": {"main": article.units}}],
    }
    async with opened(fresh_database, tmp_path, clock) as shop:
        file = tmp_path / "lantern.jsonl"
        file.write_text(json.dumps(row) + "\n")
        report = await shop.shop.importer.run_import(ImportRequest(file=str(file)))
        assert report.variants.created == 1
        yield shop


async def session(opened: Opened, key: str, quantity: int = 1) -> dict[str, Any]:
    """A checkout that lacks nothing."""
    listing = await opened.shop.stage.listing(crowd_article())
    group = {"id": encode("grp", listing.merchant), "selected_option_id": "standard"}
    method = {"type": "shipping", "destinations": [HOME], "selected_destination_id": "home", "groups": [group]}
    wanted = {
        "line_items": [{"item": {"id": encode("var", listing.variant)}, "quantity": quantity}],
        "buyer": {"email": "sale@example.com"},
        "fulfillment": {"methods": [method]},
    }
    made = await opened.client.post("/ucp/checkout-sessions", json=wanted, headers={**AGENT, "idempotency-key": key})
    assert made.json()["status"] == "ready_for_complete", made.text
    return made.json()


async def pay(opened: Opened, checkout: str) -> dict[str, Any]:
    path = f"/ucp/checkout-sessions/{checkout}/complete"
    answer = await opened.client.post(path, json=PAY, headers={**AGENT, "idempotency-key": checkout})
    return answer.json()


def goods_of(checkout: dict[str, Any]) -> int:
    """What the goods come to, without delivery."""
    (line,) = checkout["line_items"]
    return next(total["amount"] for total in line["totals"] if total["type"] == "total")


async def level(opened: Opened) -> Level:
    tally = (await opened.shop.stage.listing(crowd_article())).stock[0].tally
    async with opened.shop.database.read() as connection:
        return (await opened.shop.tallies.levels(connection, [tally]))[tally]


async def test_the_price_is_halved_at_the_opening_and_not_before(sale: Opened, clock: VirtualClock) -> None:
    """Two minutes ahead, to the ten seconds; who pays before pays all, who pays after pays 11.11, also in a checkout
    that was begun before; when the sale is over the price is what it was."""
    shop = sale.shop
    opens = await plan_sale(shop)
    await shop.books.refresh()
    assert opens is not None
    assert timedelta(seconds=120) <= opens - clock.now() <= timedelta(seconds=136)
    assert opens.second % 10 == 0
    assert opens.microsecond == 0
    early, patient = await session(sale, "early"), await session(sale, "patient")
    assert goods_of(early) == goods_of(patient) == FULL
    clock.advance(opens - clock.now() - timedelta(milliseconds=1))
    assert goods_of(await pay(sale, early["id"])) == FULL
    clock.advance(timedelta(milliseconds=1))
    assert goods_of(await session(sale, "late")) == HALF
    paid = await pay(sale, patient["id"])
    assert paid["status"] == "completed"
    assert goods_of(paid) == HALF
    clock.advance(SALE_LASTS)
    assert goods_of(await session(sale, "tomorrow")) == FULL
    assert await shop.audit.findings() == []


async def test_each_start_plans_it_anew_and_fills_the_shelf(sale: Opened, clock: VirtualClock) -> None:
    """The second start moves the opening and puts back what was sold, by an adjustment with a cause; what is there is
    left alone; an offer that an operator has retired comes back under its next number."""
    shop, units = sale.shop, crowd_article().units
    await plan_sale(shop)
    await shop.books.refresh()
    assert (await level(sale)).available == units
    bought = await session(sale, "thirteen", 13)
    assert (await pay(sale, bought["id"]))["status"] == "completed"
    clock.advance(timedelta(hours=1))
    opens = await plan_sale(shop)
    await shop.books.refresh()
    assert opens is not None
    assert opens > clock.now()
    planned = sale_of(shop)
    assert planned is not None
    assert (planned.revision, planned.starts_at) == (2, opens)
    after = await level(sale)
    assert (after.available, after.capacity, after.spent) == (units, units + 13, 13)
    async with shop.database.transaction() as tx:
        await shop.offers.retire(tx, [planned.id], clock.now())
    await shop.books.refresh()
    assert sale_of(shop) is None
    clock.advance(timedelta(hours=1))
    assert await plan_sale(shop) is not None
    await shop.books.refresh()
    again = sale_of(shop)
    assert again is not None
    assert again.revision == 3
    assert await level(sale) == after
    assert await shop.audit.findings() == []


async def test_without_the_article_there_is_no_sale(fresh_database: str, tmp_path: Path) -> None:
    """A shop that has thrown the lantern out opens without a sale, and says so by planning none."""
    async with opened(fresh_database, tmp_path) as shop:
        assert await plan_sale(shop.shop) is None
        assert sale_of(shop.shop) is None
