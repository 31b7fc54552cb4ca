"""All that pages need, joined once per process."""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar.response.base import ASGIResponse
from markupsafe import Markup

from nightmarket.bootstrap import Shop, front_end_folder
from nightmarket.entrypoints.rooms import ROOMS
from nightmarket.kernel.languages import DEFAULT_LANGUAGE, LANGUAGES
from nightmarket.kernel.money import known_currency
from nightmarket.platform.access import ActorKind, Caller
from nightmarket.platform.http import (
    FORM_TOKEN_FIELD,
    HTML,
    ASGIScope,
    Cookies,
    FormTokens,
    Headers,
    MalformedBody,
    Response,
    caller_of,
    header,
    parse_form,
    require_media_type,
    safe_next,
)
from nightmarket.platform.http.cookies import GUEST_LIFE

from .engine import Engine, TemplateFolders
from .formats import Formats
from .forms import Form
from .icons import Icons
from .static import StaticFiles
from .visits import CHOICE_LIFE, CURRENCY_COOKIE, LANGUAGE_COOKIE, Mark, Visit
from .words import language_of, read_translations

HERE = Path(__file__).parent
STATIC = HERE.parent / "static"
FORM_TYPE = "application/x-www-form-urlencoded"

NODE_FILES = {
    "echarts.js": "echarts/dist/echarts.common.min.js",
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "htmx-sse.js": "htmx-ext-sse/dist/sse.min.js",
}
"""Served under a short name: what of the front-end libraries."""

HOME_COUNTRIES = {"en": "DE", "de": "DE", "it": "IT", "zh": "CN"}
"""Where a parcel goes to, as a first guess, when the browser names no country."""

PRIVATE = (b"cache-control", b"private, no-cache")
_REGION = re.compile(r"^[A-Za-z]{2,3}(?:-[A-Za-z]{4})?-([A-Za-z]{2})$")


class Site:
    """Renders pages and answers for every entrypoint that has some."""

    def __init__(self, shop: Shop, engine: Engine, words: Mapping[str, Any], static: StaticFiles) -> None:
        self.shop = shop
        self.as_of: datetime | None = None
        """The instant that all pages are shown of, in a dry run."""
        self.static = static
        self._engine = engine
        self._words = words
        self._formats = formats_of(shop)
        public_url = shop.settings.address
        self.cookies = Cookies(secure=public_url.startswith("https://"))
        self.tokens = FormTokens(shop.secret, public_url=public_url)

    @property
    def festival_zone(self) -> ZoneInfo:
        """The zone in which all that belongs to a festival is said: the festival's, else the shop's."""
        moment = self.shop.festivals.moment(self.as_of or self.shop.clock.now())
        return moment.festival.zone_info if moment else self.shop.settings.zone

    async def visit(self, scope: ASGIScope) -> Visit:
        """Who visits. Staff shop as the guest that their browser is, so that test orders are nobody's account."""
        caller = await caller_of(scope, self.shop.access, self.cookies)
        visit = self.anonymous(scope, caller, caller.actor.id)
        visit.owed = self.cookies.after(caller)
        if caller.actor.kind not in (ActorKind.GUEST, ActorKind.SHOPPER):
            visit.owner = caller.guest_id or self._new_guest(visit)
        return visit

    def anonymous(self, scope: ASGIScope, caller: Caller, owner: UUID) -> Visit:
        """A visit whose language, currency and country follow from the request alone."""
        found = self.cookies.read(scope)
        accepted = header(scope, b"accept-language") or ""
        language = language_of(accepted, found.get(LANGUAGE_COOKIE))
        currency = found.get(CURRENCY_COOKIE, "")
        return Visit(
            scope=scope,
            caller=caller,
            owner=owner,
            made=Mark(self.shop.books.current().number, self.shop.clock.now()),
            language=language,
            currency=currency if known_currency(currency) else self.shop.settings.currency,
            country=_country(accepted) or HOME_COUNTRIES[language],
            formats=self._formats[language],
            translations=self._words[language],
            cookies=found,
        )

    def speaking(self, visit: Visit, language: str, currency: str, country: str) -> Visit:
        """The same visit in another language, currency and country."""
        visit.language, visit.currency, visit.country = language, currency, country
        visit.formats, visit.translations = self._formats[language], self._words[language]
        return visit

    def _new_guest(self, visit: Visit) -> UUID:
        guest, token = self.shop.access.guests.fresh()
        visit.owed.append(self.cookies.keep(self.cookies.guest_name, token, GUEST_LIFE))
        return guest

    def words(self, language: str) -> Any:
        """The translations of a language, for texts that are not of a visit, such as mails."""
        return self._words.get(language, self._words[DEFAULT_LANGUAGE])

    def render(self, visit: Visit, template: str, words: Mapping[str, object]) -> bytes:
        """The template's text with what every page knows."""
        return self._engine.render(
            template,
            visit.language,
            {
                "visit": visit,
                "site": self,
                "token": lambda: self._token_field(visit),
                **words,
            },
        )

    def _token_field(self, visit: Visit) -> Markup:
        field = Markup('<input type="hidden" name="{}" value="{}">')
        return field.format(FORM_TOKEN_FIELD, self.tokens.issue(visit.caller.binding))

    def page(self, visit: Visit, template: str, *, status: int = 200, **words: object) -> ASGIResponse:
        """A whole page, or a part of one; with the cookies that it owes."""
        headers = [(b"content-type", HTML), PRIVATE, (b"vary", b"hx-request, accept-language, cookie"), *visit.owed]
        return ASGIResponse(body=self.render(visit, template, words), status_code=status, headers=_as_text(headers))

    def redirect(self, visit: Visit, to: str) -> ASGIResponse:
        """After a form: go there with GET. `to` is a path of this site."""
        headers = [(b"location", safe_next(to).encode()), (b"cache-control", b"no-store"), *visit.owed]
        return ASGIResponse(status_code=303, headers=_as_text(headers))

    def plain(self, response: Response) -> ASGIResponse:
        """One of the platform's answers through the framework."""
        return ASGIResponse(body=response.body, status_code=response.status, headers=_as_text(response.headers))

    def form(self, visit: Visit, body: bytes) -> Form:
        """The fields that were sent. Raises WrongMediaType, MalformedBody, CrossSiteRequest or FormExpired."""
        require_media_type(visit.scope, FORM_TYPE)
        fields = parse_form(body)
        if any("\x00" in text for values in fields.values() for text in values):
            raise MalformedBody("The form has letters that are none.")
        token = fields.pop(FORM_TOKEN_FIELD, [""])[-1]
        self.tokens.check(visit.scope, visit.caller.binding, token)
        return Form.of(fields)

    def keep_choice(self, visit: Visit, name: str, value: str) -> None:
        """Remember a choice of the visitor's in a cookie."""
        visit.owed.append(self.cookies.keep(name, value, CHOICE_LIFE))


def _as_text(headers: Headers) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def _country(accepted: str) -> str | None:
    for tag in accepted[:200].split(","):
        found = _REGION.match(tag.partition(";")[0].strip())
        if found:
            return found[1].upper()
    return None


def formats_of(shop: Shop) -> dict[str, Formats]:
    """Each language's formats, in the shop's time zone."""
    return {language: Formats(language, shop.settings.zone) for language in LANGUAGES}


def open_site(shop: Shop, rooms: Mapping[str, Path] = ROOMS) -> Site:
    """Join engine, words and files. `rooms` are the folders with pages, by the prefix of their templates."""
    words = read_translations(tuple(folder / "locale" for folder in rooms.values()))
    modules = front_end_folder(Path("node_modules"))
    chosen = {name: modules / path for name, path in NODE_FILES.items()} if modules else {}
    static = StaticFiles(STATIC, chosen)
    icons = Icons(modules / "lucide-static" / "icons" if modules else None)
    shared = {"icon": icons.svg, "static": static.url, "has_static": static.__contains__}
    templates = TemplateFolders({prefix: folder / "templates" for prefix, folder in rooms.items()})
    return Site(shop, Engine(templates, words, shared, formats_of(shop)), words, static)
