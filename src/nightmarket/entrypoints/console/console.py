"""What the pages of the console share in one process, and how each request is answered."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import msgspec
from litestar import Request
from litestar.response.base import ASGIResponse

from nightmarket.bootstrap import Shop
from nightmarket.entrypoints.pages import Site
from nightmarket.kernel.problems import Problem
from nightmarket.platform.access import ActorKind, Scope, require
from nightmarket.platform.http import SAFE_METHODS, wants_page

from .desk import Desk
from .figures import Figures
from .live import Live
from .stalls import NOT_SHOWN, own, require_open

FOLDER = Path(__file__).parent
HOME = "/console"
LOGIN = "/console/login"

AnyRequest: TypeAlias = Request[Any, Any, Any]
Show: TypeAlias = Callable[[Desk], Awaitable[ASGIResponse]]


class Page(msgspec.Struct, frozen=True):
    """One address of the console: who may open it, and what answers. Without a scope anybody may."""

    method: str
    path: str
    scope: Scope | None
    show: Show
    body_limit: int | None = None
    """Bytes that may be sent here; None: what a form may have."""
    open_stall: bool = False
    """Of a merchant's people only those whose stall is open: anybody can apply for one, and what is made here is shown
    to shoppers. People of the market come in all the same."""


class Console:
    """One per process."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.shop: Shop = site.shop
        self.figures = Figures(self.shop)
        self.live = Live(self.shop.database, self.shop.closing, self.figures.hear_news)

    async def answer(self, page: Page, request: AnyRequest) -> ASGIResponse:
        """Check who asks, then let the page answer; what it refuses becomes a page too."""
        desk = Desk(self.site, self.figures, self.live, request, await self.site.visit(request.scope))
        if page.scope is not None and desk.actor.kind is ActorKind.GUEST:
            return self._to_login(desk)
        try:
            if page.scope is not None:
                require(desk.actor, Scope.CONSOLE)
                require(desk.actor, page.scope)
            if page.open_stall and desk.merchant is not None:
                require_open(await own(desk), NOT_SHOWN)
            return await page.show(desk)
        except Problem as problem:
            if not wants_page(request.scope) and not desk.visit.by_script:
                raise
            return desk.refused(problem)

    def _to_login(self, desk: Desk) -> ASGIResponse:
        """To the form, and from there back to the page that was asked for."""
        if desk.visit.by_script:
            return desk.refreshed()
        asked = desk.visit.path if desk.request.method in SAFE_METHODS else HOME
        return desk.redirect(f"{LOGIN}?next={quote(asked, safe='')}")
