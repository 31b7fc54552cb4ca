"""The shop that shoppers see. `open_storefront(site)` once per process; `ROUTES` need it as the dependency `store`."""

from . import browsing, cart, choices, product
from .storefront import FOLDER, Storefront

ROUTES = [*browsing.ROUTES, *product.ROUTES, *cart.ROUTES, *choices.ROUTES]

__all__ = ["FOLDER", "ROUTES", "Storefront"]
