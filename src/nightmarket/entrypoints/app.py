"""The web application of one process: pages, console, APIs, and the edge around them."""

import ipaddress
from functools import cache

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.types import Scope

import nightmarket
from nightmarket.bootstrap import Shop
from nightmarket.entrypoints import console, health, pictures, storefront, webhooks
from nightmarket.entrypoints.busy import Busy
from nightmarket.entrypoints.claims.routes import ClaimsController
from nightmarket.entrypoints.claims.routes import hot_routes as claims_routes
from nightmarket.entrypoints.console.imports.uploads import UPLOAD_LIMIT as IMPORT_LIMIT
from nightmarket.entrypoints.dry_run import DryRun
from nightmarket.entrypoints.order_webhook import OrderWebhookController
from nightmarket.entrypoints.pages import Site, open_site
from nightmarket.entrypoints.pages.problem_page import problem_page
from nightmarket.entrypoints.pages.uploads import UPLOAD_LIMIT
from nightmarket.entrypoints.serving import Serving, serving_of
from nightmarket.entrypoints.storefront import gate
from nightmarket.entrypoints.storefront.api_page import ApiPage
from nightmarket.entrypoints.ucp.catalog import CatalogController
from nightmarket.entrypoints.ucp.confirming import ConfirmationController
from nightmarket.entrypoints.ucp.coupons import CouponController
from nightmarket.entrypoints.ucp.festival import FestivalController
from nightmarket.entrypoints.ucp.refusing import SHAPES
from nightmarket.entrypoints.ucp.routes import UcpController, hot_routes, profile
from nightmarket.entrypoints.ucp.simulation import SimulatedUcpController, simulate_shipping
from nightmarket.entrypoints.ucp.wallet import WalletController
from nightmarket.platform import access
from nightmarket.platform.http import (
    ASGIApp,
    Dispatcher,
    Edge,
    EdgeOptions,
    Errors,
    Rate,
    RateLimiter,
    ShedLimits,
    Straight,
    header,
)
from nightmarket.platform.http.framework import AnyRequest, exception_handlers
from nightmarket.platform.telemetry import Exchange

BODY_LIMITS = (("/console/selling/", UPLOAD_LIMIT), ("/console/imports", IMPORT_LIMIT))
"""Where more than a form may be sent: pictures with the product that they show, and files of goods."""

SECRET_PATHS = ("/festival/calendar/", "/festival/stop/", "/sample-pass/", "/place/")
"""Who knows the rest of such an address may do what it is for: read a calendar, show a pass."""

ANYONE = Rate(1_200, 60)
"""Requests a minute from one address, where the shop is open to others."""

SHED = ShedLimits()
UNLIMITED = ("/health/", "/metrics", "/static/", "/gate/")
"""What is never refused for its rate: health checks, files, and waiting, which has a limit of its own for tickets."""

THIS_MACHINE = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1"))
"""With PUBLIC_URL, a proxy on this machine is believed when it says whose requests it carries."""


def build(shop: Shop, exchange: Exchange | None = None) -> Edge:
    """The application of this process, around an open shop. Without an exchange there is no /metrics."""
    site = open_site(shop)
    errors = Errors(problem_page(site), SHAPES)
    limiter = None if shop.settings.is_loopback else RateLimiter(ANYONE)
    observe = exchange.metrics.request if exchange else None
    options = EdgeOptions(
        public_url=shop.settings.address,
        body_limits=BODY_LIMITS,
        secret_prefixes=SECRET_PATHS,
        errors=errors,
        limiter=limiter,
        unlimited_prefixes=UNLIMITED,
        known=lambda scope: shop.access.proven(header(scope, b"authorization"), access.Scope.CLAIMS),
        observe=observe,
        shed=SHED,
        busy=Busy(site),
        trusted_proxies=THIS_MACHINE if shop.settings.public_url else (),
    )
    store = storefront.Storefront(site)
    routes = [*hot_routes(shop), *claims_routes(shop), *storefront.hot_routes(store), *gate.hot_routes(site)]
    dispatcher = Dispatcher(routes, _served(store, errors, exchange))
    dry = DryRun(dispatcher, site, lambda other: _pages(other, errors, exchange))
    doorkeeper = gate.Doorkeeper(dry, site)
    straight = Straight(dispatcher.find, lambda scope: not dry.concerns(scope) and doorkeeper.passes(scope))
    return Edge(doorkeeper, shop.ids, options, hot=straight)


def _pages(site: Site, errors: Errors, exchange: Exchange | None) -> ASGIApp:
    """The pages of the shop around another site, for a dry run; by the same routes."""
    store = storefront.Storefront(site)
    return Dispatcher(storefront.hot_routes(store), _served(store, errors, exchange))


def _served(store: storefront.Storefront, errors: Errors, exchange: Exchange | None) -> Serving:
    routes = framework(sample_answers=store.shop.settings.sample_answers, metrics=exchange is not None)
    return Serving(routes, store, console.Console(store.site), errors, exchange)


@cache
def framework(*, sample_answers: bool, metrics: bool) -> Litestar:
    """Every route but the hottest, for any shop: `Serving` brings it. Made once, as it takes a quarter of a second."""
    routes = [
        SimulatedUcpController if sample_answers else UcpController,
        ConfirmationController,
        CouponController,
        CatalogController,
        FestivalController,
        WalletController,
        ClaimsController,
        profile,
        health.live,
        health.ready,
        *([health.metrics] if metrics else []),
        pictures.picture,
        webhooks.payment_webhook,
        *([simulate_shipping] if sample_answers else []),
        OrderWebhookController,
        *storefront.ROUTES,
        *console.handlers(lambda request: serving_of(request.scope).console),
    ]
    return Litestar(
        route_handlers=[Router("/", route_handlers=routes)],  # at once: the app looks over all it has at each
        logging_config=None,  # telemetry has set it up: the framework's own would take its place
        dependencies={
            "shop": Provide(_shop, sync_to_thread=False),
            "store": Provide(_store, sync_to_thread=False),
            "site": Provide(_site, sync_to_thread=False),
        },
        exception_handlers=exception_handlers(_errors),
        openapi_config=OpenAPIConfig(
            title="Nightmarket",
            version=nightmarket.__version__,
            path="/docs",
            use_handler_docstrings=True,
            render_plugins=[
                JsonRenderPlugin(path="/openapi.json"),
                ApiPage(lambda request: _site(request.scope)),
            ],
        ),
    )


def _shop(scope: Scope) -> Shop:
    return _store(scope).shop


def _store(scope: Scope) -> storefront.Storefront:
    return serving_of(scope).store


def _site(scope: Scope) -> Site:
    return _store(scope).site


def _errors(request: AnyRequest) -> tuple[Errors, str]:
    serving = serving_of(request.scope)
    return serving.errors, f"{serving.store.shop.settings.address}/docs/openapi.json"
