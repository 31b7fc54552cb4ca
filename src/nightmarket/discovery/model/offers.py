"""Which goods are on offer: those that a live offer makes cheaper by themselves."""

from datetime import datetime

from nightmarket.discovery.contract import OfferScope
from nightmarket.promotions.contract import AmountOff, Book, Offer, PercentOff

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
        for offer in book.offers
        if offer.starts_at <= now < offer.ends_at and _by_itself(offer, currency)
    ][:MAX_SCOPES]


def _by_itself(offer: Offer, currency: str) -> bool:
    condition = offer.condition
    if offer.code is not None or condition.at_least or condition.variants or condition.regions or condition.segments:
        return False
    match offer.effect:
        case PercentOff():
            return True
        case AmountOff(amounts=amounts):
            return currency in amounts
        case _:
            return False
