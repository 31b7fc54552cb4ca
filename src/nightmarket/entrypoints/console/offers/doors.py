"""Every address of the pages about offers."""

from nightmarket.entrypoints.console.console import Page
from nightmarket.entrypoints.pages.uploads import UPLOAD_LIMIT
from nightmarket.platform.access import Scope

from . import files
from .pages import publish, retire, show_list, show_new, show_retire

S = Scope

PAGES = (
    Page("GET", "/console/offers", S.OFFERS_READ, show_list),
    Page("GET", "/console/offers/new", S.OFFERS_WRITE, show_new),
    Page("POST", "/console/offers/new", S.OFFERS_WRITE, publish),
    Page("GET", "/console/offers/file", S.OFFERS_WRITE, files.show),
    Page("POST", "/console/offers/file", S.OFFERS_WRITE, files.take, UPLOAD_LIMIT),
    Page("GET", "/console/offers/all.jsonl", S.OFFERS_WRITE, files.send),
    Page("GET", "/console/offers/{id:str}/retire", S.OFFERS_WRITE, show_retire),
    Page("POST", "/console/offers/{id:str}/retire", S.OFFERS_WRITE, retire),
)
