"""The doors of segments."""

from nightmarket.entrypoints.console.console import Page
from nightmarket.platform.access import Scope

from . import pages

S = Scope

SEGMENTS = (
    Page("GET", pages.HERE, S.OFFERS_WRITE, pages.show_list),
    Page("POST", pages.HERE, S.OFFERS_WRITE, pages.count),
    Page("GET", f"{pages.HERE}/new", S.OFFERS_WRITE, pages.show_new),
    Page("POST", f"{pages.HERE}/new", S.OFFERS_WRITE, pages.create),
    Page("GET", f"{pages.HERE}/{{id:str}}", S.OFFERS_WRITE, pages.show),
    Page("POST", f"{pages.HERE}/{{id:str}}", S.OFFERS_WRITE, pages.change),
    Page("POST", f"{pages.HERE}/{{id:str}}/end", S.OFFERS_WRITE, pages.end),
)
