"""Prices that another open shop expects of its promotions, translated: they must come out the same to the cent.

The cases are Medusa's own (MIT); the folder with them stands beside the checkout, and without it nothing runs here.
Where its words mean something else than ours, `MEANINGS` and the totals' own test say what, case by case.
"""

import json
from datetime import UTC, datetime
from functools import cache
from math import floor
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from nightmarket.kernel.ids import derive
from nightmarket.promotions.contract import (
    AmountOff,
    Book,
    BuyGet,
    Condition,
    Each,
    Effect,
    FreeShipping,
    Goods,
    Offer,
    PercentOff,
    PriceCart,
    PriceLine,
    Scarce,
    ShippingLine,
    Shopper,
    Sold,
    Which,
    demand,
    explain,
    price,
    refund,
)

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "promotion-cases"
CASES, TOTALS = FOLDER / "medusa-compute-actions.json", FOLDER / "medusa-cart-totals.json"
NOW = datetime(2023, 6, 1, tzinfo=UTC)
SHOP = UUID(int=1)
CONDITIONS = {"product_category.id": "categories", "product.id": "products", "shipping_option.id": "merchants"}
HERE = pytest.mark.skipif(not CASES.exists(), reason="the reference cases are not beside this checkout")

Case = dict[str, Any]

MEANINGS = {
    1: "They refuse a cart whose old discount has a code that nobody knows. Our carts carry no old discounts: every "
    "price is made from nothing; an unknown code is named, and what applies applies (1,000.00 off 850.00).",
    2: "As 1.",
    9: "After 30 % off two of three pieces (50.00 each: 35.00, 35.00, 50.00) they take the second promotion's 10 % of "
    "one piece from 50.00 less all that came off before, 20.00; we take it from the dearest piece left, 50.00: 5.00.",
    27: "Their switch that leaves automatic promotions out is our cart's `without`.",
    34: "As 27.",
    55: "They name an old discount that is to be removed; our quotes hold nothing but what applies.",
    56: "As 55, and parts of a cent are shared to the cent by largest remainder.",
    39: "Parts of a cent are shared to the cent by largest remainder: 166.67 and 33.33.",
    40: "As 39.",
    41: "As 39; of what the first promotion left, the second's halves of a cent go to the first line.",
    65: "1,000.00 for three pieces is no whole number of cents each; as nothing is expected, 333.33 is as good.",
}
"""What the number of a case means differently, and how it is read here."""

OURS = {
    1: {("item_cotton_tshirt", "PROMOTION_TEST"): 10_000, ("item_cotton_sweater", "PROMOTION_TEST"): 75_000},
    2: {("item_cotton_tshirt", "PROMOTION_TEST"): 10_000, ("item_cotton_sweater", "PROMOTION_TEST"): 75_000},
    9: {
        ("item_cotton_tshirt", "PROMOTION_TEST"): 3_000,
        ("item_cotton_sweater", "PROMOTION_TEST"): 4_500,
        ("item_cotton_tshirt", "PROMOTION_TEST_2"): 500,
        ("item_cotton_sweater", "PROMOTION_TEST_2"): 1_050,
    },
}
"""What ours come to where the meaning differs in amounts; all others are the recorded ones."""


@cache
def cases(path: Path = CASES) -> list[Case]:
    return json.loads(path.read_text()) if path.exists() else []


def reference(kind: str, name: str) -> UUID:
    return derive("medusa", kind, name)


def cents(amount: float) -> int:
    return floor(amount * 100 + 0.5)


def line(item: Case, place: int) -> PriceLine:
    """A line of ours. Theirs of one price are taken from the last, ours from the lowest id: so they count down."""
    product = reference("product", item.get("product", {}).get("id", item["id"]))
    category = item.get("product_category", {}).get("id", "")
    unit = cents(item["subtotal"]) // item["quantity"]
    return PriceLine(f"{99 - place}:{item['id']}", product, product, SHOP, category, "", item["quantity"], unit)


def effect(promotion: Case) -> Effect:
    method = promotion["application_method"]
    match method:
        case {"buy_rules_min_quantity": buy, "apply_to_quantity": get, "max_quantity": most}:
            # their amount off each piece is never below a piece's price, so the pieces are free
            wanted = goods_of(method["target_rules"])
            return BuyGet(buy, get, wanted, which=Which.DEAREST, times=max(1, most // get))
        case {"target_type": "order", "value": value} | {
            "target_type": "items",
            "allocation": "across",
            "value": value,
        }:
            fixed = method["type"] == "fixed"
            return AmountOff({"USD": cents(value)}) if fixed else PercentOff(round(value * 100))
        case {"target_type": "items", "type": "fixed", "value": value, "max_quantity": pieces}:
            # an amount off each line, of no more pieces than these
            return AmountOff({"USD": cents(value)}, Each.LINE, pieces)
        case {"target_type": "items", "value": value, "max_quantity": pieces}:
            return PercentOff(round(value * 100), pieces=pieces)
        case {"type": "percentage", "value": value}:
            return FreeShipping(basis_points=round(value * 100))
        case {"allocation": allocation, "value": value}:
            return FreeShipping({"USD": cents(value)}, together=allocation == "across")
        case _:
            raise AssertionError(method)


def goods_of(rules: list[Case]) -> Goods:
    wanted: dict[str, Any] = {}
    for rule in rules:
        name = CONDITIONS[rule["attribute"]]
        kinds = {"products": "product", "merchants": "option"}
        values = [reference(kinds[name], value) if name in kinds else value for value in rule["values"]]
        wanted[name] = frozenset(values)
    return Goods(**wanted)


def offer(promotion: Case, number: int, case: Case) -> Offer:
    """The promotion, with its campaign's budget as its own: no case has two promotions that could exhaust one."""
    method = promotion["application_method"]
    segments: frozenset[str] = frozenset()
    for rule in promotion.get("rules") or []:
        assert rule["attribute"] == "customer.customer_group.id"
        segments = frozenset(rule["values"])
    bought = method.get("buy_rules") if promotion["type"] == "buyget" else method.get("target_rules")
    wanted = goods_of(bought or [])
    budget = next((one["budget"] for one in case["campaigns"] if one["id"] == promotion.get("campaign_id")), None)
    spend = budget is not None and budget["type"] == "spend"
    return Offer(
        id=UUID(int=1_000 + number),
        revision=1,
        name={"en": promotion["code"]},
        effect=effect(promotion),
        starts_at=datetime(2023, 1, 1, tzinfo=UTC),
        ends_at=datetime(2024, 1, 1, tzinfo=UTC),
        condition=Condition(
            merchants=wanted.merchants, products=wanted.products, categories=wanted.categories, segments=segments
        ),
        code=None if promotion.get("is_automatic") else promotion["code"],
        budget={"USD": cents(budget["limit"])} if budget and spend else {},
        uses=None if budget is None or spend else UUID(int=9_000 + number),
    )


def translate(case: Case) -> tuple[PriceCart, Book, Shopper]:
    """The case in our words. A shipping method is the delivery of a merchant of its own with a line that costs
    nothing, so that rules about shipping options become rules about merchants."""
    context = case["context"]
    methods = context.get("shipping_methods", [])
    lines = [line(item, place) for place, item in enumerate(context.get("items", []))]
    shipping: list[ShippingLine] = []
    for method in methods:
        merchant = reference("option", method.get("shipping_option", {}).get("id", method["id"]))
        shipping.append(ShippingLine(merchant, method["id"], cents(method["subtotal"])))
        lines.append(PriceLine(method["id"], merchant, merchant, merchant, "", "", 1, 0))
    group = context.get("customer", {}).get("customer_group", {}).get("id")
    book = Book(1, tuple(offer(promotion, number, case) for number, promotion in enumerate(case["promotions"])))
    old = [one["code"] for item in context.get("items", []) for one in item.get("adjustments", [])]
    unknown = [code for code in old if code not in {promotion["code"] for promotion in case["promotions"]}]
    cart = PriceCart("USD", tuple(lines), tuple(shipping), (*case["codes"], *unknown))
    if case.get("options", {}).get("prevent_auto_promotions"):
        cart = msgspec.structs.replace(cart, without=frozenset(one.id for one in book.offers if one.code is None))
    return cart, book, Shopper(segments=frozenset({group} if group else ()))


def used_of(case: Case) -> bool:
    """Whether the case's campaign of uses has none left."""
    return any(one["budget"].get("used") == 1000 for update in case["campaign_updates"] for one in update)


def refusals(case: Case, cart: PriceCart, book: Book, shopper: Shopper) -> dict[UUID, str]:
    """The offers whose tallies would not give what the order takes, as the claim of an order finds it."""
    found: dict[UUID, str] = {}
    for want in demand(price(cart, book, shopper, NOW), cart, book, NOW, ()).wants:
        left = 0 if want.why is Scarce.USES and used_of(case) else 1_000
        if want.why is Scarce.BUDGET:
            left = next(one for one in book.offers if one.id == want.offer).budget["USD"]
        if want.quantity > left:
            found[want.offer] = want.why.value
    return found


@HERE
@pytest.mark.parametrize("number", range(67))
def test_price_as_another_shop_expects_it(number: int) -> None:
    """Each translated case gives the same discount per line, delivery and code; what is used up and codes that nobody
    knows are named."""
    case = cases()[number]
    cart, book, shopper = translate(case)
    refused = refusals(case, cart, book, shopper)
    cart = msgspec.structs.replace(cart, without=cart.without | refused.keys(), refused=refused)
    quote = price(cart, book, shopper, NOW)
    rows = case["expected"].get("equal", [])
    expected = OURS.get(number) or {
        (row.get("item_id") or row["shipping_method_id"], row["code"]): cents(row["amount"])
        for row in rows
        if row["action"].startswith("add")
    }
    codes = {offer.id: offer.name["en"] for offer in book.offers}
    priced = [(row.id.rpartition(":")[2], row) for row in quote.lines] + [(row.option, row) for row in quote.shipping]
    found = {(name, codes[share.offer]): share.amount for name, row in priced for share in row.shares}
    assert found == expected
    exceeded = {row["code"] for row in rows if row["action"] == "campaignBudgetExceeded"}
    assert {codes[offer] for offer in refused} == exceeded
    known = {offer.code for offer in book.offers}
    told = explain(cart, quote, book, shopper, NOW)
    assert set(told.unknown_codes) == set(cart.codes) - known
    assert {codes[n.offer] for n in told.notes if n.offer in refused and n.reason == refused[n.offer]} == exceeded
    assert ("error_contains" in case["expected"]) == (number in {1, 2}), MEANINGS[1]


@HERE
@pytest.mark.parametrize("number", range(8))
def test_totals_as_another_shop_expects_them(number: int) -> None:
    """Each cart of the totals, before and after its discounts.

    Theirs add tax to prices without tax, or find it in prices with tax; ours are what the buyer pays. So each price is
    made one with tax, to the cent. Their amount off is before tax even where the price has it in it, so ours is that
    amount and its tax (0: no discount; 1: 10.00 become 11.00; 2: 9.00 off 99.00 become 9.90; 6 and 7: 20.00 become
    22.00). 3 to 5 are the same cart, of which 3 and 4 ask for one of its two items each. In 7 a piece that is sent back
    takes its half of the discount along, so ours is 11.00 off each piece; one amount off both would stay with the piece
    that is kept. Refunds bring 44.00 a piece, and both together all of it.
    """
    case = cases(TOTALS)[number]
    expected, wanted = case["expected"], case["cart"]
    listed = expected["items"]
    asked = [
        item
        for item in wanted["items"]
        if any(item.get("is_tax_inclusive") == row.get("is_tax_inclusive") and same(item, row) for row in listed)
    ]
    lines = tuple(
        PriceLine(f"{place}", UUID(int=place + 1), UUID(int=place + 1), SHOP, "", "", item["quantity"], gross(item))
        for place, item in enumerate(asked)
    )
    owners = [UUID(int=100 + place) for place in range(len(wanted.get("shipping_methods", [])))]
    shipping = tuple(
        ShippingLine(owner, f"{place}", gross(method, "amount"))
        for place, (owner, method) in enumerate(zip(owners, wanted.get("shipping_methods", []), strict=True))
    )
    free = tuple(PriceLine(f"s{place}", owner, owner, owner, "", "", 1, 0) for place, owner in enumerate(owners))
    deals = [
        deal(place, off_goods(item, by_piece=number == 7), Condition(variants=frozenset({lines[place].variant})))
        for place, item in enumerate(asked)
        if off(item)
    ] + [
        deal(50 + place, FreeShipping({"USD": off(method)}), Condition(merchants=frozenset({owners[place]})))
        for place, method in enumerate(wanted.get("shipping_methods", []))
        if off(method)
    ]
    cart, book = PriceCart("USD", (*lines, *free), shipping), Book(1, tuple(deals))
    quote = price(cart, book, Shopper(), NOW)
    goods = quote.total - quote.shipping_total
    assert goods == cents(expected["item_total"])
    assert quote.subtotal == cents(expected["original_item_total"])
    assert quote.total == cents(expected["total"])
    assert quote.shipping_total == cents(expected.get("shipping_total", 0))
    for row, theirs in zip(quote.lines, listed, strict=False):
        assert row.total == cents(theirs["total"])
        assert row.quantity * row.unit_price == cents(theirs["original_total"])
    if number == 7:
        sold = Sold(quote, cart, book, Shopper(), NOW)
        first = refund(sold, {"0": 1}).amount
        assert first + refund(sold, {"0": 1}, {"0": 1}, first).amount == quote.total == cents(88)
        assert first == cents(listed[0]["return_received_total"])


def same(item: Case, row: Case) -> bool:
    return item["unit_price"] == row["unit_price"] and item["quantity"] == row["quantity"]


def rate(row: Case) -> float:
    return 1 + sum(tax["rate"] for tax in row["tax_lines"]) / 100


def gross(row: Case, name: str = "unit_price") -> int:
    return cents(row[name]) if row.get("is_tax_inclusive") else cents(row[name] * rate(row))


def off(row: Case) -> int:
    return cents(sum(one["amount"] for one in row.get("adjustments", [])) * rate(row))


def off_goods(item: Case, *, by_piece: bool) -> AmountOff:
    if by_piece:
        return AmountOff({"USD": off(item) // item["quantity"]}, Each.PIECE)
    return AmountOff({"USD": off(item)})


def deal(number: int, gives: Effect, condition: Condition) -> Offer:
    start, end = datetime(2023, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)
    return Offer(UUID(int=1_000 + number), 1, {"en": "Off"}, gives, start, end, condition)
