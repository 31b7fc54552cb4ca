"""GET /live/stock: what is left of the things on a page, as server-sent events."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any

import msgspec
from litestar import Request, get
from litestar.params import FromQuery
from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse

from nightmarket.entrypoints.pages.visits import Mark
from nightmarket.entrypoints.storefront.storefront import Storefront, TheStore
from nightmarket.entrypoints.storefront.watching import StockWatch, Watcher
from nightmarket.platform.http import marks_of

BEAT_SECONDS = 15.0
"""How often a silent stream says that it lives."""

LIFE_SECONDS = 600.0
"""A stream ends after this long; the browser begins a new one by itself."""

STYLES = ("words", "card", "chip", "cart", "bar", "scarce", "quota")

_ENCODER = msgspec.json.Encoder()


class News(msgspec.Struct):
    """What a page is told of one thing: whether it is gone, and the words for each place that says what is left."""

    out: bool
    left: int
    words: dict[str, str]


@get("/live/stock", include_in_schema=False)
async def stock(
    request: Request[Any, Any, Any], store: TheStore, products: FromQuery[str] = "", since: FromQuery[str] = ""
) -> ASGIResponse:
    """`products`: ids of products and variants, with commas between; `since`: the mark of the page that shows them. A
    browser that comes back names the mark of what it heard last instead.

    `stock` events carry what changed; `renew` says that prices or words did, so that the page asks for itself again.
    """
    visit = await store.site.visit(request.scope)
    watching = AsyncExitStack()
    ids = [id for id in products.split(",") if id]
    made = Mark.read(request.headers.get("last-event-id", "") or since)
    watcher = await watching.enter_async_context(store.watch.watch(ids, marks_of(request.scope).address, made))
    return ASGIStreamingResponse(
        iterator=_events(store, watcher, visit.language, watching),
        status_code=200,
        headers={
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-store",
            "x-accel-buffering": "no",
        },
    )


async def _events(
    store: Storefront, watcher: Watcher, language: str, watching: AsyncExitStack
) -> AsyncGenerator[bytes]:
    watch: StockWatch = store.watch
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + LIFE_SECONDS
    async with watching:
        yield b"retry: 3000\n\n"
        while loop.time() < ends_at and not watch.closing.is_set():
            try:
                async with asyncio.timeout(BEAT_SECONDS):
                    await watcher.woken.wait()
            except TimeoutError:
                yield b": still here\n\n"
                continue
            watcher.woken.clear()
            heard = b"id: %s\n\n" % watch.mark.text.encode()
            news, watcher.news = watcher.news, {}
            if news:
                told = {id: _told(store, language, *left) for id, left in news.items()}
                yield b"event: stock\ndata: " + _ENCODER.encode(told) + b"\n" + heard
            if watcher.renewed:
                watcher.renewed = False
                yield b"event: renew\ndata: {}\n" + heard


def _told(store: Storefront, language: str, left: int, capacity: int) -> News:
    words = {style: store.bodies.stock_words(language, style, left, capacity).decode() for style in STYLES}
    return News(left <= 0, left, words)
