"""What the framework hands to routes."""

from typing import TypeAlias

from litestar.di import NamedDependency

from nightmarket.bootstrap import Shop

TheShop: TypeAlias = NamedDependency[Shop]
"""Annotate a route's `shop` with this."""
