"""The shop that shoppers see. `open_storefront(site)` once per process; `ROUTES` need it as the dependency `store`."""

from collections.abc import Sequence

from nightmarket.platform.http import Route

from . import (
    account,
    bookings,
    cart,
    checkout,
    choices,
    coupons,
    documents,
    draws,
    festival,
    gate,
    goods,
    groups,
    merchants,
    orders,
    places,
    presales,
    search,
    wallet,
    wishes,
)
from .storefront import FOLDER, Storefront

ROUTES = [
    route
    for room in (
        account,
        merchants,
        search,
        goods,
        festival,
        wishes,
        bookings,
        cart,
        checkout,
        orders,
        choices,
        documents,
        gate,
        draws,
        groups,
        coupons,
        places,
        presales,
        wallet,
    )
    for route in room.ROUTES
]


def hot_routes(store: Storefront) -> Sequence[Route]:
    """The pages that everyone opens at once, answered before the framework."""
    return [*goods.hot_routes(store), *festival.hot_routes(store)]


__all__ = ["FOLDER", "ROUTES", "Storefront", "hot_routes"]
