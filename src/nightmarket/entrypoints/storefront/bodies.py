"""Pages that everyone asks for, rendered once and filled in for each visitor.

A body is kept per address, language, currency and country, and holds until the catalogue says that something on it
changed, a new book of offers comes, an offer or a phase begins or ends, merchants, categories or switches change, or a
minute has passed.
What is left is read at the moment of sending (`Levels`). Nothing of a visitor gets into a body: it is rendered for
nobody, and what is theirs goes into its gaps (`frames`).
"""

import asyncio
import hmac
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from nightmarket.bootstrap import Shop
from nightmarket.entrypoints.pages import Site, Visit
from nightmarket.entrypoints.pages.problem_page import NOBODY
from nightmarket.platform.http import FORM_TOKEN_FIELD, HTML, Headers, Response, header
from nightmarket.promotions.contract import steady
from nightmarket.tally.contract import Level

from .carts import Carts
from .frames import Filling, Frame, Gaps, Terms, cut, filled
from .gate.before_goods import BeforeGoods
from .levels import Levels
from .wares import FEW, StockView

BODIES_BYTES = 64 * 1024 * 1024
"""Rendered pages that a process keeps; the one that was not asked for longest goes first."""

BODY_SECONDS = 60
"""A body is made anew after this long even if nothing is known to have changed."""

PIECES_KEPT = 20_000
"""Words about stock and cart that are kept rendered; all are forgotten when there are more."""

CACHE_CONTROL = (b"cache-control", b"private, no-cache")
CLOCK_CONTROL = (b"cache-control", b"no-store")
"""A page that says what time it is at the server is never shown again later."""

VARY = (b"vary", b"accept-language, cookie")


class Key(NamedTuple):
    """What a body depends on that a visitor brings along."""

    path: str
    choice: str
    language: str
    currency: str
    country: str


class Made(msgspec.Struct, frozen=True):
    """What a page is rendered from: its words, the stock that gave it its shape, and the things that it speaks of."""

    template: str
    words: dict[str, Any]
    levels: Mapping[UUID, Level]
    things: frozenset[UUID] = frozenset()
    until: datetime | None = None
    """When something on it begins or ends that neither the book nor a festival knows."""


class Directory(Protocol):
    """What all pages show: merchants, categories and so on. A body made with another number is not kept."""

    @property
    def number(self) -> int: ...


Make = Callable[[Visit, Gaps], Awaitable[Made]]
"""Gathers what a page says, for a visit that is nobody's."""


class Bodies:
    """One per process."""

    def __init__(self, site: Site, carts: Carts, levels: Levels) -> None:
        self._site = site
        self._shop: Shop = site.shop
        self._carts = carts
        self._levels = levels
        self._word = hmac.digest(site.shop.secret, b"gaps in pages", "sha256").hex()[:20]
        self._kept: OrderedDict[Key, tuple[Frame, Terms]] = OrderedDict()
        self.size = 0
        """Bytes of all that is kept."""
        self.room = BODIES_BYTES
        self._about: dict[UUID, set[Key]] = {}
        self._making: dict[Key, asyncio.Task[Frame]] = {}
        self._news: dict[Key, set[UUID]] = {}
        self._pieces: dict[tuple[str, str, int, int], bytes] = {}
        self._before = BeforeGoods(site)
        self.made = 0
        """How many bodies were rendered, for those who measure."""

    async def answer(self, visit: Visit, key: Key, directory: Directory, make: Make) -> Response:
        """The page for this visitor."""
        frame = self._find(key, directory.number)
        if frame is not None:
            left = await self._left(frame)
            if all((one[0] <= 0) is out for one, out in zip(left, frame.outs, strict=True)):
                return self._send(visit, key, frame, left)
            self._drop(key)
        frame = await self._together(key, directory, make)
        return self._send(visit, key, frame, await self._left(frame))

    def forget(self, things: Iterable[UUID]) -> None:
        """Products or variants changed."""
        wanted = set(things)
        for news in self._news.values():
            news.update(wanted)
        for key in {key for thing in wanted for key in self._about.get(thing, ())}:
            self._drop(key)

    def span(self) -> tuple[int, datetime]:
        """The book and since when no offer has begun or ended: prices are the same until one does."""
        book = self._shop.books.current()
        return book.number, steady(book, self._shop.clock.now()).since

    def stock_words(self, language: str, style: str, left: int, capacity: int) -> bytes:
        """What is left, in words; styles are those of `stock_words.html`."""
        if style in ("words", "card", "chip", "cart"):
            left, capacity = max(0, min(left, FEW + 1)), 0
        elif style == "quota":
            left, capacity = StockView("", left, capacity).share, 100
        key = (language, style, left, capacity)
        known = self._pieces.get(key)
        if known is None:
            known = self._piece(key, "shop/stock_piece.html", view=StockView("", left, capacity), style=style)
        return known

    def _count(self, language: str, units: int) -> bytes:
        key = (language, "count", units, 0)
        return self._pieces.get(key) or self._piece(key, "shop/count.html", cart_units=units)

    def _piece(self, key: tuple[str, str, int, int], template: str, **words: object) -> bytes:
        if len(self._pieces) >= PIECES_KEPT:
            self._pieces.clear()
        nobody = self._nobody(Key("/", "", key[0], "EUR", ""))
        made = self._site.render(nobody, template, words).strip()
        self._pieces[key] = made
        return made

    def _find(self, key: Key, directory: int) -> Frame | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        frame, terms = kept
        if (
            terms.directory != directory
            or terms.book != self._shop.books.current().number
            or terms.until <= self._shop.clock.now()
        ):
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return frame

    async def _left(self, frame: Frame) -> list[tuple[int, int]]:
        levels = await self._levels.read(frame.tallies)
        found: list[tuple[int, int]] = []
        for tallies in frame.items:
            if len(tallies) == 1:
                level = levels[tallies[0]]
                found.append((level.available, level.capacity))
            else:
                found.append(_sum(tallies, levels))
        return found

    async def _together(self, key: Key, directory: Directory, make: Make) -> Frame:
        """Render once for all who wait for it."""
        running = self._making.get(key)
        if running is None:
            running = asyncio.create_task(self._make(key, directory, make), name="body")
            self._making[key] = running
            self._news[key] = set()
            running.add_done_callback(lambda task: self._made(key, task))
        return await asyncio.shield(running)

    def _made(self, key: Key, task: "asyncio.Task[Frame]") -> None:
        if not task.cancelled():
            task.exception()  # heard here too, should nobody wait for it any more
        self._making.pop(key, None)
        self._news.pop(key, None)

    async def _make(self, key: Key, directory: Directory, make: Make) -> Frame:
        terms = Terms(self._shop.books.current().number, directory.number, self._until())
        visit, gaps = self._nobody(key), Gaps(self._word)
        made = await make(visit, gaps)
        words = {
            "token": lambda: gaps.token,
            "gaps": gaps,
            "cart_units": 0,
            "directory": directory,
            "demo": self._shop.settings.demo,
            **made.words,
        }
        page = self._site.render(visit, made.template, words)
        outs = {id: _sum(tallies, made.levels)[0] <= 0 for id, tallies in gaps.items.items()}
        frame = cut(page, gaps, outs, made.things, visit.language)
        self.made += 1
        if made.until is not None and made.until < terms.until:
            terms = replace(terms, until=made.until)
        if not self._news[key] & frame.things:
            self._keep(key, frame, terms)
        return frame

    def _nobody(self, key: Key) -> Visit:
        """A visit with a language, a currency and a country, and nothing else."""
        query = _query(key)
        scope: dict[str, Any] = {
            "type": "http",
            "method": "GET",
            "path": key.path,
            "query_string": query.encode(),
            "headers": [],
        }
        visit = self._site.anonymous(scope, NOBODY, NOBODY.actor.id)
        return self._site.speaking(visit, key.language, key.currency, key.country)

    def _until(self) -> datetime:
        now = self._shop.clock.now()
        latest = now + timedelta(seconds=BODY_SECONDS)
        phase = self._shop.festivals.next_change(now) or latest
        return min(latest, phase, steady(self._shop.books.current(), now).until)

    def _keep(self, key: Key, frame: Frame, terms: Terms) -> None:
        self._drop(key)
        self._kept[key] = frame, terms
        self.size += frame.size
        for thing in frame.things:
            self._about.setdefault(thing, set()).add(key)
        while self.size > self.room:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        kept = self._kept.pop(key, None)
        if kept is None:
            return
        self.size -= kept[0].size
        for thing in kept[0].things:
            keys = self._about[thing]
            keys.discard(key)
            if not keys:
                del self._about[thing]

    def _send(self, visit: Visit, key: Key, frame: Frame, left: list[tuple[int, int]]) -> Response:
        units = self._carts.units(visit)
        binding = visit.caller.binding
        here = f"{key.path}?{query}" if (query := _query(key)) else key.path
        rooms = [self._before.words(visit, product, here) for _, product in frame.rooms]
        if frame.clocks:
            headers: Headers = [CLOCK_CONTROL, VARY, *visit.owed]
        else:
            seen = f"{left}{units}{binding}{rooms}".encode()
            tag = b'W/"' + blake2b(frame.digest + seen, digest_size=12).hexdigest().encode() + b'"'
            headers = [CACHE_CONTROL, (b"etag", tag), VARY, *visit.owed]
            if header(visit.scope, b"if-none-match") == tag.decode():
                return Response(304, headers)
        token = self._site.tokens.issue(binding)
        now = int(self._shop.clock.now().timestamp() * 1_000)
        filling = Filling(
            token=f'<input type="hidden" name="{FORM_TOKEN_FIELD}" value="{token}">'.encode(),
            count=self._count(visit.language, units),
            now=b"%d" % now,
            rooms=rooms,
            left=left,
            stock_words=self.stock_words,
        )
        return Response(200, [(b"content-type", HTML), *headers], filled(frame, filling))


def _query(key: Key) -> str:
    return urlencode({"variant": key.choice}) if key.choice else ""


def _sum(tallies: Iterable[UUID], levels: Mapping[UUID, Level]) -> tuple[int, int]:
    found = [levels[tally] for tally in tallies]
    return sum(level.available for level in found), sum(level.capacity for level in found)
