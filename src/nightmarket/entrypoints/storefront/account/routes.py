"""Every address of shoppers' accounts, and whether one has to be signed in."""

from typing import Any
from urllib.parse import quote

from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.storefront.storefront import TheStore
from nightmarket.platform.access import LinkSpent
from nightmarket.platform.http import SAFE_METHODS

from . import addresses, confirming, entering, mailbox, orders, overview, privacy, recovering, security
from .desk import AccountDesk, Page

SIGN_IN = "/account/sign-in"

PAGES = (
    Page("GET", "/account/sign-in", False, entering.show_sign_in),
    Page("POST", "/account/sign-in", False, entering.sign_in),
    Page("POST", "/account/sign-out", False, entering.sign_out),
    Page("GET", "/account/sign-up", False, entering.show_sign_up),
    Page("POST", "/account/sign-up", False, entering.sign_up),
    Page("GET", "/account/sign-up/sent", False, entering.show_sign_up_sent),
    Page("GET", "/account/sign-up/confirm", False, entering.show_sign_up_confirm),
    Page("POST", "/account/sign-up/confirm", False, entering.sign_up_confirm),
    Page("GET", "/account/forgotten", False, recovering.show_forgotten),
    Page("POST", "/account/forgotten", False, recovering.forgotten),
    Page("GET", "/account/forgotten/sent", False, recovering.show_forgotten_sent),
    Page("GET", "/account/reset", False, recovering.show_reset),
    Page("POST", "/account/reset", False, recovering.reset),
    Page("GET", "/account/email/confirm", False, recovering.show_confirm),
    Page("POST", "/account/email/confirm", False, recovering.confirm),
    Page("GET", "/account/email/change", False, recovering.show_change),
    Page("POST", "/account/email/change", False, recovering.change),
    Page("GET", "/confirm", False, confirming.show),
    Page("POST", "/confirm", False, confirming.ask),
    Page("GET", "/confirm/code", False, confirming.show_code),
    Page("POST", "/confirm/code", False, confirming.confirm),
    Page("POST", "/confirm/forget", False, confirming.forget),
    Page("GET", "/account", True, overview.show),
    Page("POST", "/account/sign-out-everywhere", True, entering.sign_out_everywhere),
    Page("GET", "/account/security", True, security.show),
    Page("POST", "/account/name", True, security.set_name),
    Page("POST", "/account/email", True, security.set_email),
    Page("POST", "/account/email/ask", True, security.ask_confirm),
    Page("POST", "/account/password", True, security.set_password),
    Page("POST", "/account/sessions/end", True, security.end_others),
    Page("POST", "/account/sessions/{id:str}/end", True, security.end_session),
    Page("GET", "/account/orders", True, orders.show),
    Page("POST", "/account/orders/claim", True, orders.claim),
    Page("GET", "/account/wallet", True, orders.show_wallet),
    Page("POST", "/account/wallet/code", True, orders.make_wallet_code),
    Page("GET", "/account/addresses", True, addresses.show),
    Page("GET", "/account/addresses/new", True, addresses.show_new),
    Page("POST", "/account/addresses/new", True, addresses.save_new),
    Page("GET", "/account/addresses/{id:str}", True, addresses.show_one),
    Page("POST", "/account/addresses/{id:str}", True, addresses.save),
    Page("POST", "/account/addresses/{id:str}/default", True, addresses.make_default),
    Page("GET", "/account/addresses/{id:str}/remove", True, addresses.show_remove),
    Page("POST", "/account/addresses/{id:str}/remove", True, addresses.remove),
    Page("GET", "/account/messages", True, mailbox.show),
    Page("GET", "/account/messages/{id:str}", True, mailbox.show_one),
    Page("GET", "/account/privacy", True, privacy.show),
    Page("POST", "/account/privacy", True, privacy.decide),
    Page("GET", "/account/data.json", True, privacy.download),
    Page("GET", "/account/delete", True, privacy.show_delete),
    Page("POST", "/account/delete", True, privacy.delete),
)


def _handler(page: Page) -> HTTPRouteHandler:
    async def handle(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
        desk = AccountDesk(store, request, await store.site.visit(request.scope))
        if page.signed_in and desk.visit.account is None:
            asked = desk.visit.path if request.method in SAFE_METHODS else entering.HOME
            return desk.redirect(f"{SIGN_IN}?next={quote(asked, safe='')}")
        try:
            return await page.show(desk)
        except LinkSpent as problem:
            return await desk.page("spent.html", status=problem.status)

    route = HTTPRouteHandler(page.path, http_method=page.method, include_in_schema=False)  # pyright: ignore[reportArgumentType]
    return route(handle)


ROUTES = [_handler(page) for page in PAGES]
