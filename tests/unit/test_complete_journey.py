"""The Complete Journey's coupons as offers: every pair loads, every redemption is one that the offers allow."""

from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from nightmarket.entrypoints.simulating import grocery
from nightmarket.promotions.contract import PriceCart, PriceLine, Shopper, book_of, explain, flaws, price

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "completejourney"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the machine has no folder of real data")
CENTS = 100
SAMPLE_EVERY = 20


def _redeem(every: int) -> int:
    """Redeem each nth redemption: its holder gets the coupon's amount, somebody else does not."""
    offers = {(one.code, one.campaign): grocery.offers_of(one, CENTS) for one in grocery.coupons(FOLDER)}
    coupons = {(one.code, one.campaign): one for one in grocery.coupons(FOLDER)}
    holders = grocery.holders(FOLDER)
    redeemed = 0
    for one in grocery.redemptions(FOLDER)[::every]:
        key = (one.code, one.campaign)
        assert (one.campaign, one.household) in holders
        goods = grocery.product_id(min(coupons[key].products))
        line = PriceLine("1", goods, goods, grocery.GROCER, "", "", 1, 999)
        cart = PriceCart(grocery.CURRENCY, (line,), codes=(f"{one.code}-{one.campaign}",))
        book, at = book_of(1, offers[key]), datetime.combine(one.on, time(12), UTC)
        holder = Shopper(entitlements=frozenset({grocery.entitlement(one.campaign)}))
        assert price(cart, book, holder, at).total == 999 - CENTS
        stranger = price(cart, book, Shopper(), at)
        assert stranger.total == 999
        assert {note.reason for note in explain(cart, stranger, book, Shopper(), at).notes} <= {
            "not_entitled",
            "no_line",
        }
        redeemed += 1
    return redeemed


def test_all_coupon_product_pairs_become_offers_without_a_flaw() -> None:
    """116,204 rows, 111,332 of them different, are 1,197 coupons whose offers could be published; no pair is lost."""
    coupons = grocery.coupons(FOLDER)
    assert (grocery.pairs(FOLDER), len(coupons)) == (116_204, 1_197)
    made = [grocery.offers_of(one, CENTS) for one in coupons]
    assert sum(len(offer.condition.products) for offers in made for offer in offers) == 111_332
    assert [flaw for offers in made for offer in offers for flaw in flaws(offer)] == []


def test_a_sample_of_redemptions_is_what_the_offers_allow() -> None:
    """Each twentieth of the 2,102 redemptions holds for its household on its day, and for nobody else."""
    assert _redeem(SAMPLE_EVERY) == 106


@pytest.mark.long
def test_every_redemption_is_what_the_offers_allow() -> None:
    """All 2,102 redemptions hold for their household on their day, and for nobody else."""
    assert _redeem(1) == 2_102
