"""Prices that another open shop expects of its promotions, translated: what fits must come out the same to the cent.

The cases are Medusa's own (MIT); the folder with them stands beside the checkout, and without it nothing runs here.
"""

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from nightmarket.kernel.ids import derive
from nightmarket.promotions.contract import (
    AmountOff,
    Book,
    Condition,
    Effect,
    FreeShipping,
    Offer,
    PercentOff,
    PriceCart,
    PriceLine,
    ShippingLine,
    Shopper,
    explain,
    price,
)

CASES = Path(__file__).parents[3] / "shared" / "data" / "promotion-cases" / "medusa-compute-actions.json"
NOW = datetime(2023, 6, 1, tzinfo=UTC)
SHOP = UUID(int=1)
CONDITIONS = {"product_category.id": "categories", "product.id": "products", "shipping_option.id": "merchants"}

Case = dict[str, Any]


class DoesNotFit(Exception):
    """Says which part of a case has no counterpart yet."""


@cache
def cases() -> list[Case]:
    return json.loads(CASES.read_text()) if CASES.exists() else []


def reference(kind: str, name: str) -> UUID:
    return derive("medusa", kind, name)


def cents(amount: float) -> int:
    exact = round(amount * 100)
    if abs(exact - amount * 100) > 1e-6:
        raise DoesNotFit("expects parts of a cent")
    return exact


def line(item: Case) -> PriceLine:
    unit, rest = divmod(cents(item["subtotal"]), item["quantity"])
    if rest:
        raise DoesNotFit("an item's price is no whole number of cents per unit")
    product = reference("product", item.get("product", {}).get("id", item["id"]))
    category = item.get("product_category", {}).get("id", "")
    return PriceLine(item["id"], product, product, SHOP, category, "", item["quantity"], unit)


def effect(method: Case, items: list[Case]) -> Effect:
    match method:
        case {"target_type": "order" | "items", "type": "fixed", "value": value} if (
            method.get("allocation") != "each" or len(items) == 0
        ):
            return AmountOff({"USD": cents(value)})
        case {"target_type": "items", "type": "percentage", "value": value}:
            if method.get("allocation") == "each" and method["max_quantity"] < max(item["quantity"] for item in items):
                raise DoesNotFit("a percentage for the first units of a line only")
            return PercentOff(round(value * 100))
        case {"target_type": "shipping_methods", "type": "percentage", "value": 100}:
            return FreeShipping()
        case {"target_type": "shipping_methods", "type": "fixed", "allocation": "each", "value": value}:
            return FreeShipping({"USD": cents(value)})
        case {"target_type": "items", "type": "fixed"}:
            raise DoesNotFit("an amount off each unit")
        case {"type": "percentage"}:
            raise DoesNotFit("a part of the delivery's price")
        case _:
            raise DoesNotFit("one amount shared over several deliveries")


def offer(promotion: Case, number: int, case: Case) -> Offer:
    if promotion["type"] != "standard":
        raise DoesNotFit("buy some, get some")
    method = promotion["application_method"]
    wanted: dict[str, Any] = {}
    for rule in promotion.get("rules") or []:
        if rule["attribute"] != "customer.customer_group.id":
            raise DoesNotFit(f"a rule about {rule['attribute']}")
        wanted["segments"] = frozenset(rule["values"])
    for rule in method.get("target_rules") or []:
        name = CONDITIONS.get(rule["attribute"])
        if name is None:
            raise DoesNotFit(f"a rule about {rule['attribute']}")
        kinds = {"products": "product", "merchants": "option"}
        values = [reference(kinds[name], value) if name in kinds else value for value in rule["values"]]
        wanted[name] = frozenset(values)
    return Offer(
        id=UUID(int=1_000 + number),
        revision=1,
        name={"en": promotion["code"]},
        effect=effect(method, case["context"].get("items", [])),
        starts_at=datetime(2023, 1, 1, tzinfo=UTC),
        ends_at=datetime(2024, 1, 1, tzinfo=UTC),
        condition=Condition(**wanted),
        code=None if promotion.get("is_automatic") else promotion["code"],
    )


def translate(case: Case) -> tuple[PriceCart, Book, Shopper]:
    """The case in our words. A shipping method is the delivery of a merchant of its own with a line that costs
    nothing, so that rules about shipping options become rules about merchants."""
    context = case["context"]
    if "error_contains" in case["expected"] or any(
        row.get("adjustments") for row in [*context.get("items", []), *context.get("shipping_methods", [])]
    ):
        raise DoesNotFit("a cart that carries its old discounts along")
    if "options" in case:
        raise DoesNotFit("a switch that leaves automatic promotions out")
    if any(row["action"] == "campaignBudgetExceeded" for row in case["expected"]["equal"]) or case["campaign_updates"]:
        raise DoesNotFit("a budget in money")
    methods = context.get("shipping_methods", [])
    lines = [line(item) for item in context.get("items", [])]
    shipping: list[ShippingLine] = []
    for method in methods:
        merchant = reference("option", method.get("shipping_option", {}).get("id", method["id"]))
        shipping.append(ShippingLine(merchant, method["id"], cents(method["subtotal"])))
        lines.append(PriceLine(method["id"], merchant, merchant, merchant, "", "", 1, 0))
    group = context.get("customer", {}).get("customer_group", {}).get("id")
    book = Book(1, tuple(offer(promotion, number, case) for number, promotion in enumerate(case["promotions"])))
    cart = PriceCart("USD", tuple(lines), tuple(shipping), tuple(case["codes"]))
    return cart, book, Shopper(segments=frozenset({group} if group else ()))


@pytest.mark.skipif(not CASES.exists(), reason="the reference cases are not beside this checkout")
@pytest.mark.parametrize("number", range(67))
def test_price_as_another_shop_expects_it(number: int) -> None:
    """Each translated case gives the same discount per line, delivery and code; codes nobody knows are named."""
    case = cases()[number]
    try:
        cart, book, shopper = translate(case)
        expected = {
            (row.get("item_id") or row["shipping_method_id"], row["code"]): cents(row["amount"])
            for row in case["expected"]["equal"]
        }
    except DoesNotFit as reason:
        pytest.skip(f"not offered yet: {reason}")
    quote = price(cart, book, shopper, NOW)
    codes = {offer.id: offer.name["en"] for offer in book.offers}
    rows = [(row.id, row) for row in quote.lines] + [(row.option, row) for row in quote.shipping]
    found = {(name, codes[share.offer]): share.amount for name, row in rows for share in row.shares}
    assert found == expected
    known = {offer.code for offer in book.offers}
    told = explain(cart, quote, book, shopper, NOW)
    assert set(told.unknown_codes) == set(case["codes"]) - known
