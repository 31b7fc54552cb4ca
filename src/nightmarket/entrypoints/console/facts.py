"""Facts: a page of them, and the stream of those that happen now."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack
from itertools import groupby

from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse

from nightmarket.kernel.ids import decode, encode
from nightmarket.platform.access import Scope
from nightmarket.platform.fact_pages import newest
from nightmarket.platform.facts import Fact

from .desk import Desk
from .fact_views import KINDS, views_of
from .live import Batches

ROWS = 50
GATHER_SECONDS = 0.4
"""How long news is gathered before it is sent: a person sees no difference, and a rush makes few messages."""

BEAT_SECONDS = 15.0
"""How often a silent stream says that it lives, and asks whether its viewer may still watch."""

LIFE_SECONDS = 600.0
"""A stream ends after this long; the browser begins a new one by itself."""

SENT_LIMIT = 30
"""Rows of facts in one message; in a rush the newest are shown."""


async def show(desk: Desk) -> ASGIResponse:
    """Newest first, by kind or room."""
    kind, before = desk.query("kind"), desk.query("before")
    async with desk.shop.database.read() as connection:
        found = await newest(connection, kind, decode("fact", before) if before else None, ROWS + 1)
    shown = found[:ROWS]
    return desk.page(
        "facts.html",
        facts=views_of(shown, desk.visit.formats),
        kinds=[(room, list(some)) for room, some in groupby(KINDS, key=lambda one: one.partition(".")[0])],
        kind=kind,
        first=not before,
        further=encode("fact", shown[-1].id) if len(found) > ROWS else "",
    )


async def stream(desk: Desk) -> ASGIResponse:
    """Server-sent events: `orders` and `stock` say that something changed, `facts` carries rows ready to be shown."""
    watching = AsyncExitStack()
    batches = await watching.enter_async_context(desk.live.watch())
    return ASGIStreamingResponse(
        iterator=_events(desk, batches, watching),
        status_code=200,
        headers={
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-store",
            "x-accel-buffering": "no",
        },
    )


async def _events(desk: Desk, batches: Batches, watching: AsyncExitStack) -> AsyncGenerator[bytes]:
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + LIFE_SECONDS
    async with watching:
        yield b"retry: 2000\n\n"
        while loop.time() < ends_at:
            try:
                async with asyncio.timeout(BEAT_SECONDS):
                    news = await batches.get()
            except TimeoutError:
                yield b": still here\n\n"
                if not await _may_still_watch(desk):
                    return
                continue
            if news is None:
                return
            facts = [*news, *await _gathered(batches)]
            for event in _told(desk, facts):
                yield event


async def _gathered(batches: Batches) -> list[Fact]:
    """What else happens within a moment."""
    await asyncio.sleep(GATHER_SECONDS)
    facts: list[Fact] = []
    while not batches.empty():
        news = batches.get_nowait()
        if news is None:
            batches.put_nowait(None)
            break
        facts.extend(news)
    return facts


def _told(desk: Desk, facts: Sequence[Fact]) -> list[bytes]:
    """What this viewer learns of these facts."""
    told: list[bytes] = []
    rooms = {fact.kind.partition(".")[0] for fact in facts}
    if "orders" in rooms and desk.may(Scope.ORDERS_READ):
        told.append(_event("orders", "changed"))
    if rooms & {"orders", "tally"} and desk.may(Scope.STOCK_READ):
        told.append(_event("stock", "changed"))
    if desk.may(Scope.FACTS_READ):
        kind = desk.query("kind")
        wanted = [fact for fact in facts if fact.kind.startswith(kind)]
        if wanted:
            shown = list(reversed(wanted[-SENT_LIMIT:]))
            told.append(
                _event("facts", desk.rendered("fact_rows.html", facts=views_of(shown, desk.visit.formats), fresh=True))
            )
    return told


def _event(name: str, text: str) -> bytes:
    lines = "".join(f"data: {line}\n" for line in text.splitlines() if line.strip())
    return f"event: {name}\n{lines}\n".encode()


async def _may_still_watch(desk: Desk) -> bool:
    token = desk.visit.cookies.get(desk.site.cookies.session_name)
    return token is not None and await desk.shop.access.accounts.actor(token) is not None
