"""Every address of the festival's board."""

from nightmarket.entrypoints.console.console import Page
from nightmarket.platform.access import Scope

from . import campaigns, dry_run, pages, switching

S = Scope
HERE = pages.HERE

PAGES = (
    Page("GET", HERE, S.OFFERS_WRITE, pages.show),
    Page("GET", f"{HERE}/new", S.OFFERS_WRITE, pages.show_new),
    Page("POST", f"{HERE}/new", S.OFFERS_WRITE, pages.save),
    Page("GET", f"{HERE}/plan/{{id:str}}", S.OFFERS_WRITE, pages.show_plan),
    Page("POST", f"{HERE}/plan/{{id:str}}", S.OFFERS_WRITE, pages.save),
    Page("GET", campaigns.HERE, S.OFFERS_WRITE, campaigns.show_list),
    Page("GET", f"{campaigns.HERE}/new", S.OFFERS_WRITE, campaigns.show_new),
    Page("POST", f"{campaigns.HERE}/new", S.OFFERS_WRITE, campaigns.create),
    Page("GET", f"{campaigns.HERE}/{{id:str}}", S.OFFERS_WRITE, campaigns.show),
    Page("POST", f"{campaigns.HERE}/{{id:str}}", S.OFFERS_WRITE, campaigns.decide),
    Page("GET", f"{campaigns.HERE}/{{id:str}}/edit", S.OFFERS_WRITE, campaigns.show_edit),
    Page("POST", f"{campaigns.HERE}/{{id:str}}/edit", S.OFFERS_WRITE, campaigns.create),
    Page("POST", f"{HERE}/dry-run", S.JOBS_WRITE, dry_run.begin),
    Page("POST", f"{HERE}/dry-run/end", S.JOBS_WRITE, dry_run.end),
    Page("POST", f"{HERE}/switches", S.JOBS_WRITE, switching.turn),
    Page("POST", f"{HERE}/sets", S.JOBS_WRITE, switching.prepare),
    Page("POST", f"{HERE}/sets/{{id:str}}", S.JOBS_WRITE, switching.use),
)
