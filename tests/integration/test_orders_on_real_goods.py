"""Orders on real catalogues: what came in through an import can be bought, by two merchants' goods and by the pound."""

from collections.abc import AsyncGenerator
from pathlib import Path
from uuid import UUID

import pytest

from nightmarket.bootstrap import Shop, open_shop
from nightmarket.catalog.contract import ImportRequest
from nightmarket.kernel.clock import VirtualClock
from nightmarket.orders.contract import LineInput, OrderState, PaymentInput, SessionInput, SessionKind
from nightmarket.platform.settings import Settings
from tests.import_workshop import DATA
from tests.integration.test_import_real_goods import SALEOR, UCI, UCI_MAP, converter
from tests.open_shop import SECRET
from tests.twins import HOME, READER

pytestmark = pytest.mark.engine


@pytest.fixture
async def shop(fresh_database: str, tmp_path: Path, clock: VirtualClock) -> AsyncGenerator[Shop]:
    settings = Settings(database_url=fresh_database, secret=SECRET, home=tmp_path)
    async with open_shop(settings, clock=clock) as shop:
        yield shop


async def buy(shop: Shop, variants: list[UUID], currency: str) -> None:
    """Buy two of each; the order is paid and the audits are clean."""
    listings = await shop.catalog.listings(variants)
    owner = shop.ids.new()
    wanted = SessionInput(
        lines=tuple(LineInput(variant, 2) for variant in variants),
        currency=currency,
        contact=READER,
        destination=HOME,
        options={listing.merchant: "standard" for listing in listings.values()},
    )
    session = await shop.orders.create(owner, SessionKind.CHECKOUT, "real goods", wanted)
    done = await shop.orders.complete(owner, session.id, PaymentInput("testpay", "success_token"))
    assert done.order.state is OrderState.PAID
    goods = sum(2 * listings[variant].prices[currency] for variant in variants)
    shipping = sum(row.body.shipping.total for row in done.order.rows if row.body.shipping)
    assert done.order.total == goods + shipping
    assert await shop.audit.findings() == []


@pytest.mark.skipif(not SALEOR.is_dir(), reason="Saleor's demo data is not on this machine")
async def test_an_order_on_the_saleor_demo(shop: Shop, tmp_path: Path) -> None:
    """Shoes and a shirt of the Saleor demo can be bought in dollars."""
    converter("saleor_demo").convert(SALEOR, tmp_path)
    for name in ("categories.json", "merchants.json", "products.jsonl"):
        await shop.importer.run_import(ImportRequest(file=str(tmp_path / name), pictures=str(SALEOR)))
    cards = await shop.catalog.cards(limit=100)
    variants: list[UUID] = []
    for card in cards[:2]:
        product = await shop.catalog.product(card.slug)
        assert product is not None
        variants.append(product.variants[0].id)
    await buy(shop, variants, "USD")


@pytest.mark.skipif(not UCI.is_file(), reason=f"the retailer's sales are not in {DATA}")
async def test_an_order_on_a_retailers_assortment(shop: Shop, tmp_path: Path) -> None:
    """Two articles of a real retailer can be bought in pounds."""
    table = tmp_path / "assortment.csv"
    converter("uci_retail").convert(UCI, table)
    await shop.importer.run_import(ImportRequest(file=str(table), columns=UCI_MAP))
    found = [await shop.catalog.find("uci", code) for code in ("85123A", "22423")]
    await buy(shop, [variant for variant in found if variant is not None], "GBP")
