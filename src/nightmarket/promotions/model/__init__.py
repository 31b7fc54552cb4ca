"""The rules of promotions, pure: what an offer is, what a cart costs, and why."""

from .carts import PriceCart, PriceLine, ShippingLine, Shopper
from .explaining import explain
from .offers import AmountOff, Book, Condition, Effect, FreeShipping, Offer, PercentOff, uses_tally
from .pricing import book_tallies, price
from .quotes import Applied, Explanation, OfferNote, Quote, QuoteLine, QuoteShipping, Share

__all__ = [
    "AmountOff",
    "Applied",
    "Book",
    "Condition",
    "Effect",
    "Explanation",
    "FreeShipping",
    "Offer",
    "OfferNote",
    "PercentOff",
    "PriceCart",
    "PriceLine",
    "Quote",
    "QuoteLine",
    "QuoteShipping",
    "Share",
    "ShippingLine",
    "Shopper",
    "book_tallies",
    "explain",
    "price",
    "uses_tally",
]
