"""What the framework hands to routes."""

from collections.abc import Mapping
from typing import TypeAlias

from litestar.di import NamedDependency

from nightmarket.bootstrap import Shop

from .pages import Site

SHOP = "nightmarket.shop"
"""Where a request's scope has the shop that answers it."""


def shop_of(scope: Mapping[str, object]) -> Shop:
    """The shop that answers a request."""
    found = scope[SHOP]
    assert isinstance(found, Shop)
    return found


TheShop: TypeAlias = NamedDependency[Shop]
"""Annotate a route's `shop` with this."""

TheSite: TypeAlias = NamedDependency[Site]
"""Annotate a route's `site` with this."""
