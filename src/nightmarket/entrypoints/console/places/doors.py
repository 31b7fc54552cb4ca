"""The addresses of places, samples and the counter. A merchant's people find their own; operators find all."""

from nightmarket.entrypoints.console.console import Page
from nightmarket.platform.access import Scope

from . import places, samples

S = Scope
PAGES = (
    Page("GET", places.HERE, S.SELLING, places.show_list),
    Page("GET", f"{places.HERE}/new", S.SELLING, places.show_new, open_stall=True),
    Page("POST", f"{places.HERE}/new", S.SELLING, places.create, open_stall=True),
    Page("GET", f"{places.HERE}/{{id:str}}", S.SELLING, places.show),
    Page("POST", f"{places.HERE}/{{id:str}}", S.SELLING, places.publish, open_stall=True),
    Page("GET", f"{places.HERE}/{{id:str}}/sheet", S.SELLING, places.sheet),
    Page("GET", f"{places.HERE}/{{id:str}}/change", S.SELLING, places.show_change),
    Page("POST", f"{places.HERE}/{{id:str}}/change", S.SELLING, places.change, open_stall=True),
    Page("POST", f"{places.HERE}/{{id:str}}/renew", S.SELLING, places.renew, open_stall=True),
    Page("POST", f"{places.HERE}/{{id:str}}/close", S.SELLING, places.close),
    Page("GET", samples.HERE, S.SELLING, samples.show_list),
    Page("GET", f"{samples.HERE}/new", S.SELLING, samples.show_new, open_stall=True),
    Page("POST", f"{samples.HERE}/new", S.SELLING, samples.create, open_stall=True),
    Page("GET", f"{samples.HERE}/{{id:str}}", S.SELLING, samples.show),
    Page("POST", f"{samples.HERE}/{{id:str}}", S.SELLING, samples.extend, open_stall=True),
    Page("GET", samples.COUNTER, S.SELLING, samples.show_counter),
    Page("POST", samples.COUNTER, S.SELLING, samples.check_in),
)
