"""The page on prices tells what its example really prints."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from nightmarket.entrypoints.storefront.documents import ORDER
from nightmarket.promotions.contract import (
    AmountOff,
    Book,
    FixedPrice,
    FreeShipping,
    NthPiece,
    Offer,
    PercentOff,
    PriceCart,
    PriceLine,
    ShippingLine,
    Shopper,
    Stage,
    price,
)

ROOT = Path(__file__).parents[2]


def test_the_worked_example_prints_what_the_page_says() -> None:
    """The example runs by itself, and its output is the page's text block, letter for letter."""
    run = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples" / "price_a_cart.py"],
        capture_output=True,
        text=True,
        check=True,
    )
    page = (ROOT / "docs" / "explanation" / "prices.md").read_text()
    blocks = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert blocks == [run.stdout]


def test_the_sums_on_the_page_are_right() -> None:
    """The explanation below the block does its sums as the block does."""
    page = (ROOT / "docs" / "explanation" / "prices.md").read_text()
    left = 3998 - 600
    assert f"{left / 100:.2f} and 4.50" in page
    lantern, paper = 500 * left / (left + 450), 500 * 450 / (left + 450)
    assert f"{lantern / 100:.4f} and {paper / 100:.4f}" in page


def test_the_published_order_is_the_one_that_prices_go_by() -> None:
    """The page, the shop's own page on prices and the engine name the same steps in the same order, whatever the ids
    and the order of the book."""
    page = (ROOT / "docs" / "explanation" / "prices.md").read_text()
    short = page.split("## In which order offers apply")[1].split("A minimum is compared")[0]
    published = re.findall(r"\d\. \*\*(\w+)\*\*", short)
    assert published == [ORDER[stage][0] for stage in sorted(ORDER)]
    assert sorted(ORDER) == sorted(value for name, value in vars(Stage).items() if name.isupper())
    effects = {
        "Delivery": FreeShipping({"EUR": 100}),
        "Amounts": AmountOff({"EUR": 100}),
        "Percentages": PercentOff(1_000),
        "Pieces": NthPiece(2, 5_000),
        "Prices": FixedPrice({"EUR": 1_500}),
    }
    now, shop = datetime(2026, 11, 11, tzinfo=UTC), UUID(int=1)
    offers = [
        Offer(UUID(int=number), 1, {"en": name}, effect, now, now + timedelta(days=1))
        for number, (name, effect) in enumerate(effects.items(), start=1)
    ]
    cart = PriceCart("EUR", (PriceLine("1", shop, shop, shop, "", "", 2, 2_000),), (ShippingLine(shop, "x", 490),))
    quote = price(cart, Book(1, tuple(offers)), Shopper(), now)
    names = {offer.id: offer.name["en"] for offer in offers}
    assert [names[one.offer] for one in quote.applied] == published
    # 2 x 15.00; the second at half price; 10 % off 22.50; 1.00; and 1.00 of the delivery
    assert [one.amount for one in quote.applied] == [1_000, 750, 225, 100, 100]
