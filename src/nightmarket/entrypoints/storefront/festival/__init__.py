"""The festival as shoppers see it: a line on every page that counts down, a page with what is on and what is next."""

from collections.abc import Sequence

from nightmarket.entrypoints.storefront.storefront import Storefront
from nightmarket.platform.http import Route

from . import reminders
from .page import FestivalPage, ServerTime


def hot_routes(store: Storefront) -> Sequence[Route]:
    """The festival's page, kept rendered, and the server's time for scripts."""
    return [
        Route("GET", "/festival", FestivalPage(store).answer, page=True),
        Route("GET", "/festival/now", ServerTime(store).answer),
    ]


ROUTES = reminders.ROUTES

__all__ = ["ROUTES", "hot_routes"]
