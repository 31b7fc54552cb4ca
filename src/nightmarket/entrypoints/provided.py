"""What the framework hands to routes."""

from typing import TypeAlias

from litestar.di import NamedDependency

from nightmarket.bootstrap import Shop

from .pages import Site

TheShop: TypeAlias = NamedDependency[Shop]
"""Annotate a route's `shop` with this."""

TheSite: TypeAlias = NamedDependency[Site]
"""Annotate a route's `site` with this."""
