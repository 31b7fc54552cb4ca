"""Who goes well with whom: a market where the answer is known, and a real grocery's baskets."""

import csv
import gzip
from collections.abc import Iterator
from itertools import count
from math import log
from pathlib import Path
from uuid import UUID

import pytest

from nightmarket.promotions.contract.collaborations import (
    MIN_BUYERS,
    MIN_CARTS,
    MIN_MERCHANT_BUYERS,
    PartnerProposal,
    Purchase,
    propose,
)

GROCERY = Path(__file__).parents[3] / "shared" / "data" / "completejourney" / "csv"
TENTS, STOVES, CAMP, BOOKS = (UUID(int=number) for number in range(1, 5))
GOODS = {"tent": UUID(int=11), "stove": UUID(int=12), "book": UUID(int=13)}


def _market(*, both: int = 20, known: int = 2, books: bool = True) -> list[Purchase]:
    """Forty carts of tents from one merchant, forty of stoves from another, of these so many buyers the same; a third
    sells both, `both` times in one cart; and two hundred carts of books, five of them with a tent as by chance."""
    numbers, found = count(), list[Purchase]()

    def cart(buyer: str, *lines: tuple[UUID, str]) -> None:
        number = next(numbers)
        found.extend(Purchase(number, buyer, merchant, word, GOODS[word]) for merchant, word in lines)

    for number in range(40):
        cart(f"t{number}", (TENTS, "tent"))
        cart(f"t{number}" if number < known else f"s{number}", (STOVES, "stove"))
    for number in range(both):
        cart(f"c{number}", (CAMP, "tent"), (CAMP, "stove"))
    for number in range(200 if books else 0):
        with_tent = [(CAMP, "tent")] if number < 5 else []
        cart(f"b{number}", (BOOKS, "book"), *with_tent)
    return found


def test_tents_are_told_of_stoves() -> None:
    """The merchants of tents and of stoves are proposed to each other, and nobody else to anybody: the third competes
    with both, and books lie with tents no more often than chance has it. Every figure is what counting gives."""
    found = {(one.merchant, one.partner): one for one in propose(_market())}
    assert found.keys() == {(TENTS, STOVES), (STOVES, TENTS)}
    one = found[TENTS, STOVES]
    carts, tents, stoves, both = 300, 40 + 20 + 5, 40 + 20, 20
    [pair] = one.pairs
    lift = both * carts / (tents * stoves)
    assert (pair.mine, pair.theirs, pair.carts) == ("tent", "stove", both)
    assert pair.lift == round(lift, 2)
    assert pair.strength == round(log(lift) / -log(both / carts), 4)
    assert (one.product, one.partner_product) == (GOODS["tent"], GOODS["stove"])
    assert one.score == pair.strength, "what two people did is not in the score either"
    assert one.known is None


def test_what_few_people_did_is_not_there() -> None:
    """Below the least number of carts or of people nothing is proposed and no share of buyers is told."""
    assert propose(_market(both=MIN_CARTS - 1)) == []
    few = MIN_BUYERS - 1
    same = [
        one._replace(buyer=f"c{int(str(one.buyer)[1:]) % few}") if one.merchant == CAMP else one for one in _market()
    ]
    assert propose(same) == []
    small = [one for one in _market() if one.merchant != STOVES or int(str(one.buyer)[1:]) < MIN_MERCHANT_BUYERS - 1]
    assert not [one for one in propose(small) if STOVES in (one.merchant, one.partner)]
    told = {(one.merchant, one.partner): one.known for one in propose(_market(known=MIN_BUYERS))}
    assert told[TENTS, STOVES] == 1_200, "5 of 40 buyers, in whole percents"


def test_merchants_with_the_same_buyers_are_not_proposed() -> None:
    """A joint offer would tell these buyers nothing new."""
    assert propose(_market(known=30)) == []


def test_the_order_of_purchases_decides_nothing() -> None:
    """The same purchases in any order give the same proposals."""
    purchases = _market()
    assert propose(purchases) == propose(purchases[::-1])


def _baskets() -> Iterator[Purchase]:
    """The sample's lines, with manufacturers as merchants, households as buyers."""
    with gzip.open(GROCERY / "products.csv.gz", "rt") as file:
        goods = {row["product_id"]: (row["manufacturer_id"], row["product_category"]) for row in csv.DictReader(file)}
    with gzip.open(GROCERY / "transactions_sample.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            maker, category = goods.get(row["product_id"], ("", ""))
            if category and float(row["quantity"]) > 0:
                id = UUID(int=int(row["product_id"]))
                yield Purchase(row["basket_id"], row["household_id"], UUID(int=int(maker)), category, id)


@pytest.mark.skipif(not GROCERY.is_dir(), reason="the machine has no folder of real data")
def test_a_grocerys_makers_find_what_people_know_goes_together() -> None:
    """Of 74,584 real lines: sausages with buns, cheese with cold cuts, pasta with its sauce are among the reasons; and
    every share, count, lift and limit of a proposal is what plain counting over the same lines gives."""
    purchases = list(_baskets())
    found = propose(purchases)
    reasons = {(pair.mine, pair.theirs) for one in found for pair in one.pairs}
    for pair in (
        ("HOT DOGS", "BAKED BREAD/BUNS/ROLLS"),
        ("DELI MEATS", "CHEESES"),
        ("DRY NOODLES/PASTA", "PASTA SAUCE"),
    ):
        assert pair in reasons or pair[::-1] in reasons, pair
    carts: dict[object, set[str]] = {}
    buyers: dict[UUID, set[object]] = {}
    for one in purchases:
        carts.setdefault(one.cart, set()).add(one.category)
        buyers.setdefault(one.merchant, set()).add(one.buyer)
    for proposal in found[::100]:
        _check(proposal, carts, buyers, purchases)


def _check(
    one: PartnerProposal, carts: dict[object, set[str]], buyers: dict[UUID, set[object]], all_: list[Purchase]
) -> None:
    mine, theirs = buyers[one.merchant], buyers[one.partner]
    common = len(mine & theirs)
    assert min(len(mine), len(theirs)) >= MIN_MERCHANT_BUYERS
    assert common / len(mine | theirs) <= 0.2
    assert one.known == (round(100 * common / len(mine)) * 100 if common >= MIN_BUYERS else None)
    for pair in one.pairs[:1]:
        both = [cart for cart, words in carts.items() if {pair.mine, pair.theirs} <= words]
        single = [sum(word in words for words in carts.values()) for word in (pair.mine, pair.theirs)]
        assert len(both) == pair.carts >= MIN_CARTS
        assert pair.lift == round(len(both) * len(carts) / (single[0] * single[1]), 2) > 1
    for merchant, word, other in (
        (one.merchant, one.pairs[0].mine, one.pairs[0].theirs),
        (one.partner, one.pairs[0].theirs, one.pairs[0].mine),
    ):
        sold = {purchase.category for purchase in all_ if purchase.merchant == merchant}
        assert word in sold
        assert other not in sold
