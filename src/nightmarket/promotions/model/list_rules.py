"""What is wrong with an offer beside the list prices of the very goods that it names, and what they cost."""

from collections.abc import Iterator, Mapping
from uuid import UUID

import msgspec

from .carts import PriceCart, PriceLine, Shopper
from .conditions import Condition
from .effects import FixedPrice
from .flaws import Flaw
from .offers import Book, Offer
from .pricing import price


class ListPrice(msgspec.Struct, frozen=True):
    """What a variant is listed at and costs its merchant, in minor units per currency; a cost may be unknown."""

    merchant: UUID
    prices: dict[str, int]
    costs: dict[str, int] = {}


def list_flaws(offer: Offer, known: Mapping[UUID, ListPrice]) -> Iterator[Flaw]:
    """A price above the list's takes nothing off, and a piece alone is not sold below what it is known to cost."""
    if isinstance(offer.effect, FixedPrice) and offer.effect.pieces == 1:
        for currency, amount in offer.effect.prices.items():
            lists = [one.prices[currency] for one in known.values() if currency in one.prices]
            if lists and amount >= max(lists):
                text = "This is no less than the list price of what it is for, so it takes nothing off."
                yield Flaw(f"effect.prices.{currency}", "above_price", text)
    bare = msgspec.structs.replace(offer, condition=Condition(), code=None, per_buyer=None, budget={})
    for variant, listed in known.items():
        for currency, cost in listed.costs.items():
            if currency not in listed.prices:
                continue
            line = PriceLine("1", variant, variant, listed.merchant, "", "", 1, listed.prices[currency])
            found = price(PriceCart(currency, (line,)), Book(0, (bare,)), Shopper(), offer.starts_at)
            if found.discount and found.total < cost:
                yield Flaw("effect", "below_cost", "One of the goods that it names would be sold below what it costs.")
                return
