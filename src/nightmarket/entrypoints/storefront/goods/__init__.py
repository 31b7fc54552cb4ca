"""Front page, product pages and brand pages, which come without the framework; and the stream of what is left."""

from collections.abc import Sequence

from nightmarket.entrypoints.storefront.storefront import Storefront
from nightmarket.platform.http import Route

from .brand import BrandPages
from .front import FrontPage
from .product import ProductPages
from .stream import stock


def hot_routes(store: Storefront) -> Sequence[Route]:
    """The pages that everyone opens at once: kept rendered, and filled in for each visitor."""
    return [
        Route("GET", "/", FrontPage(store).answer, page=True),
        Route("GET", "/products/{slug}", ProductPages(store).answer, page=True),
        Route("GET", "/brands/{slug}", BrandPages(store).answer, page=True),
    ]


ROUTES = [stock]

__all__ = ["ROUTES", "hot_routes"]
