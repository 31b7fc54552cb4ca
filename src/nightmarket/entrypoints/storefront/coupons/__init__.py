"""Coupons and booklets, as shoppers meet them: collect, enter a code, fill a booklet, see what is theirs."""

from .booklets import ROUTES as BOOKLETS
from .pages import ROUTES as PAGES

ROUTES = [*PAGES, *BOOKLETS]

__all__ = ["ROUTES"]
