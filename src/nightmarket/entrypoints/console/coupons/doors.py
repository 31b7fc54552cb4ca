"""The doors of coupons and booklets."""

from nightmarket.entrypoints.console.console import Page
from nightmarket.platform.access import Scope

from . import booklets, pages

S = Scope

COUPONS = (
    Page("GET", pages.HERE, S.OFFERS_READ, pages.show_list),
    Page("GET", f"{pages.HERE}/new", S.OFFERS_WRITE, pages.show_new),
    Page("POST", f"{pages.HERE}/new", S.OFFERS_WRITE, pages.create),
    Page("GET", f"{pages.HERE}/{{id:str}}", S.OFFERS_READ, pages.show),
    Page("GET", f"{pages.HERE}/{{id:str}}/codes.csv", S.OFFERS_WRITE, pages.codes),
    Page("POST", f"{pages.HERE}/{{id:str}}/end", S.OFFERS_WRITE, pages.end),
    Page("GET", f"{pages.SELLING}/new", S.SELLING, pages.show_new, open_stall=True),
    Page("POST", f"{pages.SELLING}/new", S.SELLING, pages.create, open_stall=True),
    Page("GET", f"{pages.SELLING}/{{id:str}}/codes.csv", S.SELLING, pages.codes),
    Page("POST", f"{pages.SELLING}/{{id:str}}/end", S.SELLING, pages.end),
    Page("GET", booklets.HERE, S.OFFERS_READ, booklets.show_list),
    Page("GET", f"{booklets.HERE}/new", S.OFFERS_WRITE, booklets.show_new),
    Page("POST", f"{booklets.HERE}/new", S.OFFERS_WRITE, booklets.create),
)
