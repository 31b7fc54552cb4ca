"""The rules of promotions, pure: what an offer is, what a cart costs, and why."""

from .carts import PriceCart, PriceLine, ShippingLine, Shopper
from .explaining import explain
from .limits import Cap, Demand, Met, Scarce, Want, book_tallies, buyer_caps, counts, demand, limits_met
from .offers import (
    AmountOff,
    Book,
    BuyerCap,
    Condition,
    Effect,
    FreeShipping,
    Offer,
    PercentOff,
    PurchaseLimit,
    book_of,
    budget_tally,
    buyer_tally,
    uses_tally,
)
from .pricing import price, reduces_delivery
from .quotes import Applied, Explanation, OfferNote, Quote, QuoteLine, QuoteShipping, Share
from .spans import Span, steady

__all__ = [
    "AmountOff",
    "Applied",
    "Book",
    "BuyerCap",
    "Cap",
    "Condition",
    "Demand",
    "Effect",
    "Explanation",
    "FreeShipping",
    "Met",
    "Offer",
    "OfferNote",
    "PercentOff",
    "PriceCart",
    "PriceLine",
    "PurchaseLimit",
    "Quote",
    "QuoteLine",
    "QuoteShipping",
    "Scarce",
    "Share",
    "ShippingLine",
    "Shopper",
    "Span",
    "Want",
    "book_of",
    "book_tallies",
    "budget_tally",
    "buyer_caps",
    "buyer_tally",
    "counts",
    "demand",
    "explain",
    "limits_met",
    "price",
    "reduces_delivery",
    "steady",
    "uses_tally",
]
