"""Which goods are on offer: those that a live offer makes cheaper by themselves."""

from datetime import datetime

from nightmarket.discovery.contract import OfferScope
from nightmarket.promotions.contract import AmountOff, Book, Goods, Offer, PercentOff
from nightmarket.promotions.contract.asking import announced_holding

MAX_SCOPES = 30
"""Offers that the filter "on offer" looks at; the first published come first."""


def scopes(book: Book, currency: str, now: datetime) -> list[OfferScope]:
    """What the offers touch that hold now, for everyone, without a code and without buying more."""
    return [
        OfferScope(
            merchants=tuple(sorted(offer.condition.merchants)),
            products=tuple(sorted(offer.condition.products)),
            categories=tuple(sorted(offer.condition.categories)),
            brands=tuple(sorted(offer.condition.brands)),
        )
        for offer in announced_holding(book, now)
        if _by_itself(offer, currency, now)
    ][:MAX_SCOPES]


def _by_itself(offer: Offer, currency: str, now: datetime) -> bool:
    condition = offer.condition
    open_now = not condition.hours or any(hours.open_at(now) for hours in condition.hours)
    if offer.code is not None or not condition.for_anyone or not open_now:
        return False
    more = condition.at_least or condition.least_units > 1 or condition.alongside
    fewer = condition.variants or condition.regions or condition.languages or condition.excluded != Goods()
    if more or fewer:
        return False
    match offer.effect:
        case PercentOff():
            return True
        case AmountOff(amounts=amounts):
            return currency in amounts
        case _:
            return False
