"""A shop that begins with nothing: its first goods come by hand."""

from pathlib import Path

import pytest

from nightmarket.catalog.contract import MerchantProfile, ProductDraft, ProductText, VariantDraft
from nightmarket.kernel.clock import VirtualClock
from tests.open_shop import opened

pytestmark = pytest.mark.engine


async def test_the_first_product_needs_no_category(fresh_database: str, home: Path, clock: VirtualClock) -> None:
    """Goods typed before anybody made a category stand under one that is there from then on."""
    async with opened(fresh_database, home, clock) as market:
        shop = market.shop
        async with shop.database.transaction() as tx:
            merchant = await shop.editor.apply(tx, MerchantProfile(slug="first-stall", name="First Stall"))
            draft = ProductDraft(
                merchant=merchant.id,
                texts={"en": ProductText("First Lamp")},
                variants=(VariantDraft(sku="FIRST", prices={"EUR": "5.00"}),),
            )
            for number in (1, 2):
                (saved,) = await shop.editor.save_products(tx, [draft], "Test Merchant")
                product = await shop.editor.product(tx, saved.product)
                assert product is not None
                assert product.category == "other"
                draft = ProductDraft(
                    merchant=merchant.id,
                    texts={"en": ProductText(f"Lamp {number}")},
                    variants=(VariantDraft(sku=f"LAMP-{number}", prices={"EUR": "5.00"}),),
                )
        assert "other" in {one.slug for one in await shop.catalog.categories()}
