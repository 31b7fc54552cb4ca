"""Every address of the pages about imports and exports."""

from nightmarket.entrypoints.console.console import Page
from nightmarket.platform.access import Scope

from . import choosing, exports, listing, run, uploads

S = Scope

PAGES = (
    Page("GET", "/console/imports", S.CATALOG_WRITE, listing.show),
    Page("POST", "/console/imports", S.CATALOG_WRITE, uploads.receive, uploads.UPLOAD_LIMIT),
    Page("GET", "/console/imports/export", S.CATALOG_WRITE, exports.send),
    Page("GET", "/console/imports/{id:str}", S.CATALOG_WRITE, run.show),
    Page("GET", "/console/imports/{id:str}/progress", S.CATALOG_WRITE, run.show_progress),
    Page("GET", "/console/imports/{id:str}/refused.csv", S.CATALOG_WRITE, run.send_refused),
    Page("POST", "/console/imports/{id:str}", S.CATALOG_WRITE, choosing.begin),
    Page("POST", "/console/imports/{id:str}/stop", S.CATALOG_WRITE, run.stop),
)
