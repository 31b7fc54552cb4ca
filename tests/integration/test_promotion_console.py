"""Every kind of offer made by the console's form, tried on sample carts, published, and sold."""

import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import encode
from nightmarket.promotions.contract import (
    OPERATOR,
    AmountOff,
    Bundle,
    BuyGet,
    Companion,
    Each,
    Effect,
    EveryOff,
    FixedPrice,
    FreeShipping,
    Funding,
    Gift,
    Goods,
    Hours,
    NthPiece,
    Part,
    PercentOff,
    Step,
    Tiers,
    Which,
)
from tests.conftest import FESTIVAL_EVE
from tests.doors import people
from tests.drawing import segmented
from tests.shopper_house import ShopperHouse, open_house

pytestmark = pytest.mark.engine

TEA, LUMO = Goods(categories=frozenset({"tea"})), Goods(brands=frozenset({"Lumo"}))

EFFECTS: dict[str, tuple[dict[str, str], Effect]] = {
    "percent": ({"percent": "12.5", "pieces": "2"}, PercentOff(1250, pieces=2)),
    "amount": ({"amount": "5.00", "each": "piece"}, AmountOff({"EUR": 500}, Each.PIECE)),
    "fixed": ({"amount": "10.00", "pieces": "3", "times": "2"}, FixedPrice({"EUR": 1000}, 3, 2)),
    "nth": ({"count": "3", "which": "cheapest"}, NthPiece(3, which=Which.CHEAPEST)),
    "buy_get": (
        {"count": "2", "get": "1", "percent": "50", "effect_goods": "category:tea", "which": "dearest"},
        BuyGet(2, 1, TEA, 5000, Which.DEAREST),
    ),
    "bundle": (
        {"amount": "30.00", "parts": "2 category:tea\nbrand:Lumo"},
        Bundle((Part(TEA, 2), Part(LUMO)), {"EUR": 3000}),
    ),
    "every": (
        {"threshold": "300", "amount": "50", "times": "4", "per_merchant": "1"},
        EveryOff({"EUR": 30_000}, {"EUR": 5_000}, 4, per_merchant=True),
    ),
    "tiers": (
        {"steps": "2: 5%\n3: 10%"},
        Tiers((Step(2, basis_points=500), Step(3, basis_points=1000))),
    ),
    "free_shipping": (
        {"percent": "50", "options": "standard", "each": "line"},
        FreeShipping({}, 5000, options=frozenset({"standard"})),
    ),
}


TERMS = {
    "goods": "category:tea, merchant:{}",
    "excluded": "brand:Lumo",
    "alongside": "2 category:lamps",
    "hours": "fri-sun 18:00-24:00\n0:00-2:00",
    "least_units": "3",
    "regions": "de, it",
    "languages": "zh",
    "channels": "agent",
    "places": "mall",
    "segments": "test-segment",
    "needs": "coupon:7",
    "first_order": "1",
    "exclusive": "night",
    "combines": "market, {}",
    "funding": "market 40\n{} 60",
    "most": "20.00",
    "compulsory": "1",
    "percent": "10",
}
"""Every condition and agreement as it is typed; the merchant's short name goes between the braces."""


@pytest.fixture
async def house(fresh_database: str, tmp_path: Path) -> AsyncGenerator[ShopperHouse]:
    async with open_house(fresh_database, tmp_path / "home", VirtualClock(FESTIVAL_EVE)) as one:
        yield one


async def test_every_offer_can_be_made_by_form(house: ShopperHouse) -> None:
    """What is typed becomes the effect and the conditions; a trial shows sample carts and publishes nothing; what is
    wrong is said beside its field."""
    [merchant, *_] = await house.shop.catalog.merchants()
    await segmented(house.shop)
    operator = (await people(house.shop, merchant.id))["operator"]
    client = house.browser().client
    client.headers.update(operator.headers)
    plain = {"name_en": "A trial", "currency": "EUR", "starts_at": "2026-01-01T00:00", "ends_at": "2026-12-31T00:00"}
    kind = {"content-type": "application/x-www-form-urlencoded"}

    made: list[UUID] = []

    async def send(effect: str, **more: str) -> Any:
        made.append(house.shop.ids.new())
        fields = plain | {"once": encode("off", made[-1]), "effect": effect} | more
        return await client.post("/console/offers/new", content=operator.form(fields), headers=kind)

    def newest() -> Any:
        return next(offer for offer in house.shop.books.current().offers if offer.id == made[-1])

    before = house.shop.books.current().number
    for name, (fields, effect) in EFFECTS.items():
        tried = await send(name, **fields, **{"try": "1"})
        assert tried.status_code == 200, (name, re.findall(r'class="error"[^>]*>.*?</p>', tried.text, re.DOTALL))
        assert "Sample carts" in tried.text
        assert house.shop.books.current().number == before
        assert (await send(name, **fields)).status_code == 303, name
        before = house.shop.books.current().number
        assert newest().effect == effect, name
    wanted = {name: text.format(merchant.slug) for name, text in TERMS.items()}
    assert (await send("percent", **wanted)).status_code == 303
    offer, condition, zone = newest(), newest().condition, house.shop.settings.zone.key
    assert (condition.categories, condition.merchants) == (frozenset({"tea"}), frozenset({merchant.id}))
    assert condition.excluded == LUMO
    assert condition.alongside == (Companion(Goods(categories=frozenset({"lamps"})), 2),)
    assert condition.hours == (Hours(18 * 60, 24 * 60, frozenset({4, 5, 6}), zone), Hours(0, 120, zone=zone))
    assert (condition.least_units, condition.first_order) == (3, True)
    assert (condition.regions, condition.languages) == (frozenset({"DE", "IT"}), frozenset({"zh"}))
    assert (condition.channels, condition.places) == (frozenset({"agent"}), frozenset({"mall"}))
    assert (condition.segments, condition.needs) == (frozenset({"test-segment"}), frozenset({"coupon:7"}))
    assert (offer.exclusive, offer.compulsory, offer.most) == ("night", True, {"EUR": 2000})
    assert offer.combines == frozenset({OPERATOR, merchant.id})
    assert offer.funding == (Funding(None, 4000), Funding(merchant.id, 6000))
    shown = (await client.get("/console/offers")).text
    assert "every €300.00 minus €50.00, at most 4 times" in shown
    assert "first order only" in shown
    assert "for orders through an agent" in shown
    assert "Test segment" in shown
    assert "Each step begins higher" in (await send("tiers", steps="3: 5%\n3: 6%", **{"try": "1"})).text
    assert "Hours end after they start" in (await send("percent", percent="5", hours="20:00-19:00")).text
    assert "is not known here" in (await send("percent", percent="5", goods="brand")).text
    assert "come to 100" in (await send("percent", percent="5", funding="market 90")).text
    other = encode("off", offer.id)
    assert (await send("percent", percent="5", not_with=other)).status_code == 303
    gift = await send("gift", effect_goods=f"sku:{merchant.slug}/LAMP", count="3")
    assert gift.status_code == 303
    assert isinstance(newest().effect, Gift)
