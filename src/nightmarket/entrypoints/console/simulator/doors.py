"""Every address of the pages about simulations and the loss guard."""

from nightmarket.entrypoints.console.console import Page
from nightmarket.entrypoints.pages.uploads import UPLOAD_LIMIT
from nightmarket.platform.access import Scope

from . import guard, pages

S = Scope

PAGES = (
    Page("GET", pages.HERE, S.OFFERS_WRITE, pages.show),
    Page("POST", pages.HERE, S.OFFERS_WRITE, pages.begin, UPLOAD_LIMIT),
    Page("GET", f"{pages.HERE}/{{id:str}}", S.OFFERS_WRITE, pages.show_one),
    Page("GET", f"{pages.HERE}/{{id:str}}/progress", S.OFFERS_WRITE, pages.show_progress),
    Page("POST", f"{pages.HERE}/{{id:str}}/stop", S.OFFERS_WRITE, pages.stop),
    Page("GET", guard.HERE, S.OFFERS_WRITE, guard.show),
    Page("POST", guard.HERE, S.OFFERS_WRITE, guard.set_rules),
    Page("POST", f"{guard.HERE}/{{id:str}}/undo", S.OFFERS_WRITE, guard.undo),
)
