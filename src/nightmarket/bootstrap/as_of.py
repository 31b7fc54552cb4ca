"""The same shop at another instant, to be looked at: its clock stands still, and what it remembers is its own."""

from dataclasses import replace
from datetime import datetime

from nightmarket.discovery.handlers import StoredSearch
from nightmarket.kernel.clock import VirtualClock
from nightmarket.platform.hints import Hints

from .shop import Shop


def shop_as_of(shop: Shop, at: datetime) -> Shop:
    """For pages alone: carts are read as they would be priced then; who orders, pays or signs in goes by the real
    clock."""
    clock = VirtualClock(at)
    search = StoredSearch(shop.database, shop.books, clock)
    orders = shop.orders.as_of(clock)
    return replace(shop, clock=clock, search=search, orders=orders, hints=Hints(shop.database), on_change=[])
