"""The Complete Journey's files: coupons with their products, who got which campaign, redemptions, and baskets.

Of a basket's line its documentation defines: `sales_value` is what the shop receives; the shelf price of the line is
sales_value + retail_disc + coupon_match_disc, and what the shopper pays is sales_value - coupon_disc. What a coupon is
worth is written nowhere but in the lines that it was used on.
"""

import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import derive
from nightmarket.promotions.contract import AmountOff, Condition, Offer, PriceCart, PriceLine, Shopper
from nightmarket.promotions.contract.simulations import PastCart

from .retail_year import opened

CURRENCY = "USD"
GROCER = derive("past-carts", "grocer")
MOST_PRODUCTS = 1_000
"""Products that one offer names; a coupon for more becomes several offers of which one applies."""


class Coupon(msgspec.Struct, frozen=True):
    """A coupon of a campaign: the products that it is for, and the days on which it holds."""

    code: str
    campaign: str
    products: frozenset[str]
    first_on: date
    last_on: date


class Redemption(msgspec.Struct, frozen=True):
    """Somebody used a coupon."""

    household: str
    code: str
    campaign: str
    on: date


class BasketLine(msgspec.Struct, frozen=True):
    """A line of a basket, in cents: the shelf price of all its pieces, and what came off it."""

    household: str
    basket: str
    product: str
    shelf: int
    loyalty: int
    matched: int
    coupon: int

    @property
    def paid(self) -> int:
        return self.shelf - self.loyalty - self.matched - self.coupon


def product_id(product: str) -> UUID:
    return derive("past-carts", "grocery", product)


def coupons(folder: Path) -> list[Coupon]:
    """All coupons, in order of campaign and code."""
    days = {
        row["campaign_id"]: (date.fromisoformat(row["start_date"]), date.fromisoformat(row["end_date"]))
        for row in _rows(folder, "campaign_descriptions")
    }
    found: dict[tuple[str, str], set[str]] = {}
    for row in _rows(folder, "coupons"):
        found.setdefault((row["campaign_id"], row["coupon_upc"]), set()).add(row["product_id"])
    return [
        Coupon(code, campaign, frozenset(products), *days[campaign])
        for (campaign, code), products in sorted(found.items())
    ]


def pairs(folder: Path) -> int:
    """How many coupon-product pairs the file has."""
    return sum(1 for _ in _rows(folder, "coupons"))


def redemptions(folder: Path) -> list[Redemption]:
    return [
        Redemption(
            row["household_id"], row["coupon_upc"], row["campaign_id"], date.fromisoformat(row["redemption_date"])
        )
        for row in _rows(folder, "coupon_redemptions")
    ]


def holders(folder: Path) -> set[tuple[str, str]]:
    """Which household got which campaign: (campaign, household)."""
    return {(row["campaign_id"], row["household_id"]) for row in _rows(folder, "campaigns")}


def basket_lines(folder: Path) -> Iterator[BasketLine]:
    """The lines that something was bought with; those of no pieces are corrections."""
    for row in _rows(folder, "transactions_sample"):
        if Decimal(row["quantity"]) > 0:
            sales, loyalty, matched = (
                _cents(row["sales_value"]),
                _cents(row["retail_disc"]),
                _cents(row["coupon_match_disc"]),
            )
            shelf, coupon = sales + loyalty + matched, _cents(row["coupon_disc"])
            yield BasketLine(row["household_id"], row["basket_id"], row["product_id"], shelf, loyalty, matched, coupon)


def past_carts(folder: Path) -> Iterator[PastCart]:
    """Each line of the sample at its shelf price, as one piece: the file says what all its pieces cost together."""
    for number, line in enumerate(basket_lines(folder)):
        if line.shelf > 0:
            cart = PriceCart(CURRENCY, (_price_line(line),))
            yield PastCart(f"{line.basket}-{number}", cart, Shopper(id=product_id(f"household {line.household}")))


def cart_of(line: BasketLine, codes: Sequence[str]) -> PriceCart:
    """The line alone, with codes."""
    return PriceCart(CURRENCY, (_price_line(line),), codes=tuple(codes))


def _price_line(line: BasketLine) -> PriceLine:
    goods = product_id(line.product)
    return PriceLine("1", goods, goods, GROCER, "", "", 1, line.shelf)


def offers_of(coupon: Coupon, cents: int) -> list[Offer]:
    """A coupon as offers: for who holds its campaign, with its code, on its days, on its products."""
    products = sorted(product_id(one) for one in coupon.products)
    word = f"coupon {coupon.campaign} {coupon.code}"
    return [
        Offer(
            id=derive("past-carts", word, str(start)),
            revision=1,
            name={"en": f"Coupon {coupon.code} of campaign {coupon.campaign}"},
            effect=AmountOff({CURRENCY: cents}),
            starts_at=datetime.combine(coupon.first_on, time(), UTC),
            ends_at=datetime.combine(coupon.last_on + timedelta(days=1), time(), UTC),
            condition=Condition(
                products=frozenset(products[start : start + MOST_PRODUCTS]),
                needs=frozenset({entitlement(coupon.campaign)}),
            ),
            code=f"{coupon.code}-{coupon.campaign}",
            exclusive=f"coupon-{coupon.campaign}-{coupon.code}",
        )
        for start in range(0, len(products), MOST_PRODUCTS)
    ]


def entitlement(campaign: str) -> str:
    return f"campaign:{campaign}"


def _cents(text: str) -> int:
    return int((Decimal(text) * 100).to_integral_value(ROUND_HALF_UP))


def _rows(folder: Path, name: str) -> Iterator[dict[str, str]]:
    with opened(folder / "csv" / f"{name}.csv.gz") as file:
        yield from csv.DictReader(file)
