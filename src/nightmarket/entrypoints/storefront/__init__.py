"""The shop that shoppers see. `open_storefront(site)` once per process; `ROUTES` need it as the dependency `store`."""

from . import account, bookings, cart, checkout, choices, documents, gate, goods, merchants, orders, search, wishes
from .goods import hot_routes
from .storefront import FOLDER, Storefront

ROUTES = [
    route
    for room in (account, merchants, search, goods, wishes, bookings, cart, checkout, orders, choices, documents, gate)
    for route in room.ROUTES
]

__all__ = ["FOLDER", "ROUTES", "Storefront", "hot_routes"]
