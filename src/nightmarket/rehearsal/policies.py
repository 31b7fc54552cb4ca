"""Who hears of orders, and why none of it carries a rehearsal's orders outside. Who is not named stops a rehearsal.

A new consumer of facts is looked at, made to leave shadows out where it reaches anybody, and named; a test compares
this with those that the shop has.
"""

KEPT_APART: dict[str, str] = {
    "orders-reported-payments": "hears of payments only; a rehearsal's are the test provider's",
    "order-mail": "writes to nobody about a shadow",
    "order-webhooks": "tells no agent of a shadow",
    "merchant-mail": "hears of merchants and goods, not of orders",
    "search-catalog": "hears of goods, not of orders",
    "search-sales": "counts no shadow",
    "search-stock": "notes that stock was counted anew, which is true",
    "launches": "hears of goods, not of orders",
    "loss-guard": "judges no offer by a shadow",
    "purchases": "keeps no purchase of a shadow",
    "groups": "follows orders with a seat in a group; no shadow has one",
    "cashback": "credits no shadow",
    "presales": "follows orders of those who have booked, which takes an account; no shadow has one",
}
"""Consumers by name, and what keeps a rehearsal's orders inside."""
