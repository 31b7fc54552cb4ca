"""One request of someone at the console."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from litestar import Request
from litestar.response.base import ASGIResponse

from nightmarket.bootstrap import Shop
from nightmarket.entrypoints.pages import Form, Site, Visit
from nightmarket.entrypoints.pages.uploads import Files, read_upload
from nightmarket.kernel.ids import decode
from nightmarket.kernel.languages import DEFAULT_LANGUAGE
from nightmarket.kernel.problems import InvalidInput, NotFound, Problem
from nightmarket.platform.access import Actor, Scope
from nightmarket.platform.database import Connection
from nightmarket.platform.deeds import MAX_DETAIL_LETTERS, Acted
from nightmarket.platform.http import safe_next

from .figures import Figures
from .live import Live
from .menu import menu_of
from .sentences import said
from .words import DONE

MAX_QUERY_LETTERS = 200
MAX_SEVERAL = 200


class Desk:
    """Who asks, what they may see, and the ways to answer. Everything a merchant's person sees is that merchant's."""

    def __init__(self, site: Site, figures: Figures, live: Live, request: Request[Any, Any, Any], visit: Visit) -> None:
        self.site = site
        self.figures = figures
        self.live = live
        self.request = request
        self.visit = visit
        self.shop: Shop = site.shop
        self.actor: Actor = visit.caller.actor

    @cached_property
    def now(self) -> datetime:
        return self.shop.clock.now()

    @property
    def merchant(self) -> UUID | None:
        """The merchant within which all this must stay; None for those who see everything."""
        return self.actor.merchant_id

    def may(self, scope: str) -> bool:
        return self.actor.may(Scope(scope))

    def say(self, text: str, **words: object) -> str:
        """In the reader's language; without words to fill in also what the rules of offers say."""
        if words or self.visit.language == DEFAULT_LANGUAGE:
            return self.visit.say(text, **words)
        return said(self.visit.translations.gettext, text)

    def part(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def id(self, prefix: str) -> UUID:
        """The id in the path, such as `ord_...`; raises NotFound for what cannot be one."""
        try:
            return decode(prefix, self.part("id"))
        except InvalidInput:
            raise NotFound("There is nothing with that id.", field="id") from None

    def query(self, name: str) -> str:
        """A member of the query, without the spaces around it."""
        return _typed(str(self.request.query_params.get(name, "")))

    def several(self, name: str) -> list[str]:
        """Every value of a member of the query that may come more than once."""
        values: list[str] = self.request.query_params.getall(name, [])
        return [_typed(value) for value in values[:MAX_SEVERAL]]

    @cached_property
    def zone(self) -> ZoneInfo:
        """The market's clocks: those of the festival that is on or comes next, else the shop's."""
        return self.site.festival_zone

    def when(self, at: datetime) -> str:
        """Day and time by the market's clocks, with their zone: for what people plan. Other years have their number."""
        formats = self.visit.formats.within(self.zone)
        same_year = at.astimezone(self.zone).year == self.now.astimezone(self.zone).year
        return formats.brief(at) if same_year else formats.instant(at)

    def moment(self, at: datetime) -> str:
        """Day and time in UTC, for records of what happened: this year to the second, other years with their number."""
        locale = self.visit.formats.locale
        if at.year == self.now.year:
            return format_datetime(
                at, "M月d日 HH:mm:ss" if locale.startswith("zh") else "d MMM, HH:mm:ss", locale=locale
            )
        return format_datetime(at, "y年M月d日 HH:mm" if locale.startswith("zh") else "d MMM y, HH:mm", locale=locale)

    def page(self, template: str, *, status: int = 200, **words: object) -> ASGIResponse:
        """A page of the console, or a part of one; `room/name.html` is one of a room within the console."""
        return self.site.page(self.visit, _in_room(template), status=status, **self._shared(), **words)

    def rendered(self, template: str, **words: object) -> str:
        """A part of a page as text."""
        return self.site.render(self.visit, _in_room(template), {**self._shared(), **words}).decode()

    def shared(self) -> dict[str, object]:
        """What every page of the console knows, for rooms with templates of their own."""
        return self._shared()

    def _shared(self) -> dict[str, object]:
        return {
            "desk": self,
            "actor": self.actor,
            "may": self.may,
            "moment": self.moment,
            "when": self.when,
            "menu": menu_of(self.actor, str(self.request.scope["path"])),
            "done": DONE.get(self.query("done"), ""),
        }

    def redirect(self, to: str) -> ASGIResponse:
        return self.site.redirect(self.visit, to)

    def refreshed(self) -> ASGIResponse:
        """Tell the script to load the whole page again, which leads to the sign-in form."""
        return ASGIResponse(status_code=401, headers=[("hx-refresh", "true"), ("cache-control", "no-store")])

    def refused(self, problem: Problem) -> ASGIResponse:
        """A page that says what was refused and why."""
        return self.page("problem.html", status=problem.status, problem=problem)

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Connection]:
        """A connection that sees what this person may see: of a merchant's person, PostgreSQL itself sees to it that
        no row of another merchant comes through, whatever the page asks for."""
        database = self.shop.database
        async with database.read() if self.merchant is None else database.as_merchant(self.merchant) as connection:
            yield connection

    async def form(self) -> Form:
        """What was sent, proven to come from our own page."""
        return self.site.form(self.visit, await self.request.body())

    async def upload(self) -> tuple[Form, Files]:
        """As `form`, of a form with files; those by the name of their field."""
        return await read_upload(self.site, self.visit, self.request)

    def next(self, default: str) -> str:
        return safe_next(self.query("next"), default)

    @asynccontextmanager
    async def acting(self, action: str, about: str, detail: str = "") -> AsyncGenerator[Connection]:
        """A transaction in which something is changed by hand; who did it is written with it."""
        async with self.shop.database.transaction() as tx:
            yield tx
            deed = Acted(self.actor.id, self.actor.name, action, about, detail[:MAX_DETAIL_LETTERS])
            await self.shop.facts.append(tx, [deed], self.now)

    async def note(self, action: str, about: str, detail: str = "") -> None:
        """Write down who asks for something that commits by itself, before it is done: no deed goes unrecorded."""
        async with self.acting(action, about, detail):
            pass


def _typed(text: str) -> str:
    """What a person may have typed: no database keeps NUL."""
    return text[:MAX_QUERY_LETTERS].replace("\x00", "").strip()


def _in_room(template: str) -> str:
    return template if "/" in template else f"console/{template}"
