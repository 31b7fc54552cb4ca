"""The shop as of any instant, for operators: pages as they will be, nothing bought, nothing kept for anyone else.

A signed cookie says the instant; it counts only together with the session of somebody who may run the shop.
"""

import copy
import re
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from nightmarket.bootstrap import Shop
from nightmarket.bootstrap.as_of import shop_as_of
from nightmarket.entrypoints.pages import Site
from nightmarket.platform.access import Scope
from nightmarket.platform.access.signing import Signer
from nightmarket.platform.http import (
    HTML,
    SAFE_METHODS,
    ASGIApp,
    ASGIScope,
    Receive,
    Response,
    Send,
    caller_of,
    header,
)
from nightmarket.platform.http.asgi import Message

COOKIE = "nightmarket_as_of"
LIFE = timedelta(hours=8)
KEPT_INSTANTS = 4
FRESH_SECONDS = 60
"""How long what was built for an instant is used: its clock stands still, so its caches never age by themselves."""

ELSEWHERE = (
    "/console",
    "/static/",
    "/media/",
    "/ucp",
    "/health/",
    "/metrics",
    "/webhooks",
    "/.well-known",
    "/docs",
    "/live/",
    "/choices",
    "/push-",
)
"""What is as it always is."""

NOT_THERE = ("/orders", "/account")
"""What goes by the real clock, so a dry run does not show it. Cart and checkout are shown as they would be priced
then."""

REVIEW = re.compile(r"/checkout/[^/]+/review")
"""Reckons what is chosen in a checkout and stores nothing, so a dry run answers it."""

INSTEAD = ((b"hx-retarget", b"#main"), (b"hx-reselect", b"#main"), (b"hx-reswap", b"outerHTML show:window:top"))
"""Lets htmx put what is refused where the page was, not into the part that it asked for."""

_SECONDS = 8
Build = Callable[[Site], ASGIApp]


class DryRun:
    """Stands before the pages; lets everything through that no cookie speaks of."""

    def __init__(self, app: ASGIApp, site: Site, build: Build) -> None:
        self._app = app
        self._site = site
        self._shop: Shop = site.shop
        self._build = build
        self._signer = Signer(site.shop.secret, "dry-run")
        self._built: OrderedDict[datetime, tuple[datetime, Site, ASGIApp]] = OrderedDict()

    def concerns(self, scope: ASGIScope) -> bool:
        """Whether a request speaks of an instant at all; cheap, for everyone else's sake."""
        return COOKIE in (header(scope, b"cookie") or "")

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "")
        if scope["type"] != "http" or not self.concerns(scope) or path.startswith(ELSEWHERE):
            await self._app(scope, receive, send)
            return
        at = instant_of(self._signer, self._site.cookies.read(scope).get(COOKIE, ""))
        if at is None or not await self._may(scope):
            await self._app(scope, receive, send)
            return
        site, app = self._of(at)
        changes = scope["method"] not in SAFE_METHODS and REVIEW.fullmatch(path) is None
        if changes or path.startswith(NOT_THERE):
            visit = await site.visit(scope)
            page = site.render(visit, "festival/dry_refused.html", {"at": at})
            headers = [(b"content-type", HTML), (b"cache-control", b"no-store"), *(INSTEAD if visit.by_script else ())]
            await Response(409, headers, page).send(send)
            return
        await app(scope, receive, _unkept(send))

    async def _may(self, scope: ASGIScope) -> bool:
        caller = await caller_of(scope, self._shop.access, self._site.cookies)
        return caller.actor.may(Scope.JOBS_WRITE) and caller.actor.merchant_id is None

    def _of(self, at: datetime) -> tuple[Site, ASGIApp]:
        now = self._shop.clock.now()
        known = self._built.get(at)
        if known is None or now - known[0] > timedelta(seconds=FRESH_SECONDS):
            site = copy.copy(self._site)
            site.shop, site.as_of = shop_as_of(self._shop, at), at
            known = self._built[at] = (now, site, self._build(site))
            while len(self._built) > KEPT_INSTANTS:
                self._built.popitem(last=False)
        return known[1], known[2]


def sealed_instant(secret: bytes, at: datetime) -> str:
    """What the cookie says."""
    return Signer(secret, "dry-run").seal(int(at.timestamp()).to_bytes(_SECONDS, "big", signed=True))


def instant_of(signer: Signer, text: str) -> datetime | None:
    """The instant that we sealed."""
    raw = signer.unseal(text, _SECONDS) if text else None
    return datetime.fromtimestamp(int.from_bytes(raw, "big", signed=True), UTC) if raw else None


def _unkept(send: Send) -> Send:
    """No browser and nothing on the way keeps an answer."""

    async def forward(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message["headers"] if pair[0].lower() not in (b"cache-control", b"etag")]
            message = {**message, "headers": [*kept, (b"cache-control", b"private, no-store")]}
        await send(message)

    return forward
