"""What goods cost their merchants: typed, imported, kept from shoppers, and held against every offer."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from nightmarket.bootstrap import Shop
from nightmarket.catalog.contract import CostDraft, ImportRequest
from nightmarket.catalog.handlers.costs import StoredCosts
from nightmarket.kernel.ids import decode
from nightmarket.kernel.problems import NotFound
from nightmarket.promotions.contract import Condition, FixedPrice, Offer
from nightmarket.promotions.errors import OfferRefused
from tests.open_shop import Opened, opened

pytestmark = pytest.mark.engine


@pytest.fixture
async def house(fresh_database: str, home: Path) -> AsyncGenerator[Opened]:
    async with opened(fresh_database, home) as made:
        yield made


async def _note(house: Opened, sku: str, cost: str) -> None:
    variant = decode("var", house.items[sku])
    listing = (await house.shop.catalog.listings([variant]))[variant]
    async with house.shop.database.transaction() as tx:
        await house.shop.editor.set_costs(tx, listing.merchant, [CostDraft(variant, {"EUR": cost})], "Test Hand")


def _offer(shop: Shop, variant: str, price: int) -> Offer:
    now = shop.clock.now()
    condition = Condition(variants=frozenset({decode("var", variant)}))
    return Offer(
        shop.ids.new(), 1, {"en": "Price"}, FixedPrice({"EUR": price}), now, now + timedelta(days=1), condition
    )


async def test_an_offer_below_cost_is_refused_at_publication(house: Opened) -> None:
    """A fixed price of a cent less than what a piece costs is refused with the reason; at its cost it is published."""
    await _note(house, "LAMP", "15.00")
    shop, lamp = house.shop, house.items["LAMP"]
    with pytest.raises(OfferRefused) as refused:
        async with shop.database.transaction() as tx:
            await shop.offers.publish(tx, [_offer(shop, lamp, 1499)], shop.clock.now())
    assert refused.value.fields["reason"] == "below_cost"
    async with shop.database.transaction() as tx:
        assert await shop.offers.publish(tx, [_offer(shop, lamp, 1500)], shop.clock.now()) == 1


async def test_costs_can_be_taken_back_and_stay_with_their_merchant(house: Opened) -> None:
    """An empty cost is not known any more, and nobody notes what another merchant's goods cost."""
    variant, costs = decode("var", house.items["LAMP"]), StoredCosts()
    await _note(house, "LAMP", "15.00")
    async with house.shop.database.read() as connection:
        assert await costs.costs(connection, [variant]) == {variant: {"EUR": 1500}}
    await _note(house, "LAMP", "")
    async with house.shop.database.read() as connection:
        assert await costs.costs(connection, [variant]) == {}
    tea = decode("var", house.items["OOLONG"])
    other = (await house.shop.catalog.listings([tea]))[tea].merchant
    with pytest.raises(NotFound):
        async with house.shop.database.transaction() as tx:
            await house.shop.editor.set_costs(tx, other, [CostDraft(variant, {"EUR": "1.00"})], "Test Hand")


async def test_costs_are_imported_and_never_shown(house: Opened, home: Path) -> None:
    """A column of costs is read, a later file without it leaves it, and no page or API answer of the goods has it."""
    file = home / "costs.csv"
    file.write_text("product,sku,price.EUR,cost.EUR\nlamp,LAMP,22.20,13.37\n")
    await house.shop.importer.run_import(ImportRequest(file=str(file), merchant="lanterns"))
    file.write_text("product,sku,price.EUR\nlamp,LAMP,22.30\n")
    await house.shop.importer.run_import(ImportRequest(file=str(file), merchant="lanterns"))
    variant = decode("var", house.items["LAMP"])
    async with house.shop.database.read() as connection:
        assert await StoredCosts().costs(connection, [variant]) == {variant: {"EUR": 1337}}
    listing = (await house.shop.catalog.listings([variant]))[variant]
    page = await house.client.get(f"/products/{listing.slug}")
    answer = await house.client.post("/ucp/catalog/lookup", json={"ids": [house.items["LAMP"]]})
    assert page.status_code == answer.status_code == 200
    assert "22.30" in page.text
    assert "13.37" not in page.text
    assert "1337" not in answer.text
