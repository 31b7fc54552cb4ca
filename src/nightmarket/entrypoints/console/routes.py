"""Every address of the console, and the permission that it needs. The permission matrix test walks this."""

from collections.abc import Callable, Iterator

from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from nightmarket.platform.access import Scope

from . import (
    audits,
    course,
    deeds,
    enquiries,
    facts,
    health,
    jobs,
    messages,
    order_page,
    orders,
    overview,
    signing_in,
    stock,
)
from .claims import page as claims
from .collaborations.pages import PAGES as COLLABORATIONS
from .console import AnyRequest, Console, Page
from .content import reference, texts
from .content.kinds import KINDS
from .coupons.doors import COUPONS
from .crowd import page as crowd_page
from .crowd import stream as crowd_stream
from .draws import draws as draw_pages
from .draws import surprises as surprise_pages
from .festival.doors import PAGES as FESTIVAL
from .gate import pages as gate_pages
from .gate import stream as gate_stream
from .groups.pages import PAGES as GROUPS
from .imports.doors import PAGES as IMPORTS
from .offers.doors import PAGES as OFFERS
from .people import keys, listing, me, person
from .places.doors import PAGES as PLACES
from .presales import pages as presale_pages
from .rehearsal import pages as rehearsal_pages
from .rehearsal import stream as rehearsal_stream
from .segments.doors import SEGMENTS
from .selling.doors import PAGES as SELLING
from .simulator.doors import PAGES as SIMULATOR
from .wallets.doors import WALLETS
from .webhooks import page as webhooks

S = Scope


def _range() -> Iterator[Page]:
    """The lists and forms of what all merchants share."""
    for kind in KINDS:
        path = f"{reference.PATH}/{kind}"
        show_list, show_new, create, show, save = reference.pages(kind)
        yield Page("GET", path, S.CONTENT_READ, show_list)
        yield Page("GET", f"{path}/new", S.CONTENT_WRITE, show_new)
        yield Page("POST", f"{path}/new", S.CONTENT_WRITE, create)
        yield Page("GET", f"{path}/{{slug:str}}", S.CONTENT_READ, show)
        yield Page("POST", f"{path}/{{slug:str}}", S.CONTENT_WRITE, save)


PAGES = (
    *_range(),
    Page("GET", "/console/login", None, signing_in.show),
    Page("POST", "/console/login", None, signing_in.sign_in),
    Page("POST", "/console/logout", None, signing_in.sign_out),
    Page("GET", "/console", S.CONSOLE, overview.show),
    Page("GET", "/console/board", S.CONSOLE, overview.show_board),
    Page("GET", "/console/live", S.CONSOLE, facts.stream),
    Page("GET", "/console/figures", S.ORDERS_READ, course.show),
    Page("GET", "/console/figures.csv", S.ORDERS_READ, course.export),
    Page("GET", "/console/orders", S.ORDERS_READ, orders.show_list),
    Page("GET", "/console/orders/rows", S.ORDERS_READ, orders.show_rows),
    Page("GET", "/console/orders.csv", S.ORDERS_READ, orders.export),
    Page("GET", "/console/orders/{id:str}", S.ORDERS_READ, order_page.show),
    Page("GET", "/console/orders/{id:str}/cancel", S.ORDERS_WRITE, order_page.show_cancel),
    Page("POST", "/console/orders/{id:str}/cancel", S.ORDERS_WRITE, order_page.cancel),
    Page("GET", "/console/orders/{id:str}/transferred", S.PAYMENTS_WRITE, order_page.show_transferred),
    Page("POST", "/console/orders/{id:str}/transferred", S.PAYMENTS_WRITE, order_page.transferred),
    Page("GET", "/console/stock", S.STOCK_READ, stock.show_list),
    Page("GET", "/console/stock.csv", S.STOCK_READ, stock.export),
    Page("GET", "/console/stock/{id:str}", S.STOCK_READ, stock.show_row),
    Page("POST", "/console/stock/{id:str}", S.STOCK_WRITE, stock.adjust),
    *OFFERS,
    Page("GET", draw_pages.HERE, S.OFFERS_READ, draw_pages.show_list),
    Page("GET", f"{draw_pages.HERE}/new", S.OFFERS_WRITE, draw_pages.show_new),
    Page("POST", f"{draw_pages.HERE}/new", S.OFFERS_WRITE, draw_pages.create),
    Page("GET", f"{draw_pages.HERE}/{{id:str}}", S.OFFERS_READ, draw_pages.show),
    Page("POST", f"{draw_pages.HERE}/{{id:str}}", S.OFFERS_WRITE, draw_pages.note_beacon),
    Page("GET", presale_pages.HERE, S.OFFERS_READ, presale_pages.show_list),
    Page("GET", f"{presale_pages.HERE}/{{id:str}}", S.OFFERS_READ, presale_pages.show),
    Page("POST", f"{presale_pages.HERE}/{{id:str}}", S.OFFERS_WRITE, presale_pages.decide),
    Page("GET", f"{presale_pages.SELLING}/new", S.SELLING, presale_pages.show_new, open_stall=True),
    Page("POST", f"{presale_pages.SELLING}/new", S.SELLING, presale_pages.propose, open_stall=True),
    Page("GET", surprise_pages.HERE, S.OFFERS_READ, surprise_pages.show_list),
    Page("GET", f"{surprise_pages.HERE}/new", S.OFFERS_WRITE, surprise_pages.show_new),
    Page("POST", f"{surprise_pages.HERE}/new", S.OFFERS_WRITE, surprise_pages.create),
    Page("GET", f"{surprise_pages.HERE}/{{id:str}}", S.OFFERS_READ, surprise_pages.show),
    Page("POST", f"{surprise_pages.HERE}/{{id:str}}/withdraw", S.OFFERS_WRITE, surprise_pages.withdraw),
    Page("GET", f"{surprise_pages.SELLING}/new", S.SELLING, surprise_pages.show_new, open_stall=True),
    Page("POST", f"{surprise_pages.SELLING}/new", S.SELLING, surprise_pages.create, open_stall=True),
    Page("POST", f"{surprise_pages.SELLING}/{{id:str}}/withdraw", S.SELLING, surprise_pages.withdraw),
    *SIMULATOR,
    Page("GET", claims.HERE, S.HEALTH_READ, claims.show_list),
    Page("GET", f"{claims.HERE}/{{id:str}}", S.HEALTH_READ, claims.show),
    Page("POST", f"{claims.HERE}/{{id:str}}/settle", S.JOBS_WRITE, claims.settle),
    Page("POST", f"{claims.HERE}/{{id:str}}/release", S.JOBS_WRITE, claims.release),
    Page("GET", "/console/enquiries", S.ENQUIRIES_READ, enquiries.show_list),
    Page("GET", "/console/enquiries/{id:str}", S.ENQUIRIES_READ, enquiries.show),
    Page("POST", "/console/enquiries/{id:str}", S.ENQUIRIES_WRITE, enquiries.answer),
    Page("GET", "/console/facts", S.FACTS_READ, facts.show),
    Page("GET", "/console/messages", S.MESSAGES_READ, messages.show_outbox),
    Page("GET", "/console/messages/inbox", S.MESSAGES_READ, messages.show_inbox),
    Page("GET", webhooks.HERE, S.MESSAGES_READ, webhooks.show),
    Page("POST", f"{webhooks.HERE}/{{id:str}}/again", S.JOBS_WRITE, webhooks.again),
    Page("GET", "/console/messages/{id:str}", S.MESSAGES_READ, messages.show_message),
    Page("POST", "/console/messages/{id:str}/retry", S.JOBS_WRITE, messages.retry),
    Page("GET", "/console/jobs", S.JOBS_READ, jobs.show),
    Page("GET", "/console/jobs/rows", S.JOBS_READ, jobs.show_rows),
    Page("POST", "/console/jobs/cancel", S.JOBS_WRITE, jobs.cancel),
    Page("GET", "/console/health", S.HEALTH_READ, health.show),
    Page("GET", "/console/audit", S.HEALTH_READ, audits.show),
    Page("POST", "/console/audit", S.HEALTH_READ, audits.run),
    Page("GET", "/console/deeds", S.ACCOUNTS_READ, deeds.show),
    Page("GET", "/console/rehearsals", S.REHEARSAL, rehearsal_pages.show_list),
    Page("POST", "/console/rehearsals", S.REHEARSAL, rehearsal_pages.begin),
    Page("GET", "/console/rehearsals/{id:str}", S.REHEARSAL, rehearsal_pages.show),
    Page("GET", "/console/rehearsals/{id:str}/live", S.REHEARSAL, rehearsal_stream.stream),
    Page("GET", "/console/rehearsals/{id:str}/report", S.REHEARSAL, rehearsal_pages.report),
    Page("POST", "/console/rehearsals/{id:str}/stop", S.REHEARSAL, rehearsal_pages.stop),
    Page("GET", "/console/crowd", S.HEALTH_READ, crowd_page.show),
    Page("GET", "/console/crowd/live", S.HEALTH_READ, crowd_stream.stream),
    Page("POST", "/console/crowd", S.JOBS_WRITE, crowd_page.let_in),
    Page("POST", "/console/crowd/away", S.JOBS_WRITE, crowd_page.send_away),
    Page("POST", "/console/crowd/kill", S.JOBS_WRITE, crowd_page.kill),
    Page("GET", gate_pages.HERE, S.HEALTH_READ, gate_pages.show_list),
    Page("GET", f"{gate_pages.HERE}/new", S.JOBS_WRITE, gate_pages.show_new),
    Page("POST", f"{gate_pages.HERE}/new", S.JOBS_WRITE, gate_pages.create),
    Page("GET", f"{gate_pages.HERE}/live", S.HEALTH_READ, gate_stream.list_stream),
    Page("GET", f"{gate_pages.HERE}/past", S.HEALTH_READ, gate_pages.show_past),
    Page("GET", f"{gate_pages.HERE}/{{id:str}}", S.HEALTH_READ, gate_pages.show),
    Page("GET", f"{gate_pages.HERE}/{{id:str}}/live", S.HEALTH_READ, gate_stream.room_stream),
    Page("POST", f"{gate_pages.HERE}/{{id:str}}", S.JOBS_WRITE, gate_pages.change),
    Page("GET", "/console/texts", S.CONTENT_READ, texts.show_list),
    Page("GET", "/console/texts/new", S.CONTENT_WRITE, texts.show_new),
    Page("POST", "/console/texts/new", S.CONTENT_WRITE, texts.create),
    Page("GET", "/console/texts/{slug:str}", S.CONTENT_READ, texts.show),
    Page("POST", "/console/texts/{slug:str}", S.CONTENT_WRITE, texts.save),
    Page("GET", "/console/people", S.ACCOUNTS_READ, listing.show),
    Page("GET", "/console/people.csv", S.ACCOUNTS_READ, listing.export),
    Page("POST", "/console/people", S.ACCOUNTS_WRITE, listing.close),
    Page("GET", "/console/people/new", S.ACCOUNTS_WRITE, person.show_new),
    Page("POST", "/console/people/new", S.ACCOUNTS_WRITE, person.create),
    Page("GET", "/console/people/{id:str}", S.ACCOUNTS_READ, person.show),
    Page("POST", "/console/people/{id:str}/role", S.ACCOUNTS_WRITE, person.change_role),
    Page("POST", "/console/people/{id:str}/password", S.ACCOUNTS_WRITE, person.change_password),
    Page("GET", "/console/keys", S.ACCOUNTS_READ, keys.show),
    Page("POST", "/console/keys", S.ACCOUNTS_WRITE, keys.issue),
    Page("POST", "/console/keys/{id:str}/revoke", S.ACCOUNTS_WRITE, keys.revoke),
    Page("GET", "/console/me", S.CONSOLE, me.show),
    Page("POST", "/console/me", S.CONSOLE, me.change_password),
    *SELLING,
    *COUPONS,
    *SEGMENTS,
    *WALLETS,
    *IMPORTS,
    *FESTIVAL,
    *GROUPS,
    *COLLABORATIONS,
    *PLACES,
)


def handlers(console_of: Callable[[AnyRequest], Console]) -> list[HTTPRouteHandler]:
    """The console's routes for the framework."""
    return [_handler(console_of, page) for page in PAGES]


def _handler(console_of: Callable[[AnyRequest], Console], page: Page) -> HTTPRouteHandler:
    async def handle(request: AnyRequest) -> ASGIResponse:
        return await console_of(request).answer(page, request)

    limit = {"request_max_body_size": page.body_limit} if page.body_limit else {}
    route = HTTPRouteHandler(page.path, http_method=page.method, include_in_schema=False, **limit)  # pyright: ignore[reportArgumentType]
    return route(handle)
