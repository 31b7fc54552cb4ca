"""A run's stream: its figures once a second while it is played, and a word when it has ended."""

import asyncio
from collections.abc import AsyncGenerator

from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.streams import answer, event, may_still_watch, pause
from nightmarket.kernel.problems import Unavailable
from nightmarket.platform.access import Scope
from nightmarket.rehearsal.contract import Progress

from .views import cards_of, charts_of, events_of, word_of

WATCHERS_LIMIT = 50
LOOK_SECONDS = 1.0
ASK_SECONDS = 15.0
"""How often the stream asks whether its viewer may still watch."""

LIFE_SECONDS = 900.0
OVER_SECONDS = 10.0
"""How long the stream stays open after the end: the page loads itself again before it could take this for a fault."""

_watchers: set[int] = set()


async def stream(desk: Desk) -> ASGIResponse:
    """Server-sent events: `figures`, `charts`, `events` are parts of the page; `over` says to load it again."""
    look = desk.shop.rehearsals.look(desk.part("id"))
    if len(_watchers) >= WATCHERS_LIMIT or desk.shop.closing.is_set():
        raise Unavailable("Too many people watch through this process; the page can be loaded again by hand.")

    async def events() -> AsyncGenerator[bytes]:
        loop, closing = asyncio.get_running_loop(), desk.shop.closing
        ends_at, ask_at = loop.time() + LIFE_SECONDS, loop.time() + ASK_SECONDS
        sent: dict[str, str] = {}
        _watchers.add(id(look))
        try:
            yield b"retry: 1000\n\n"
            while loop.time() < ends_at and not closing.is_set():
                progress = await asyncio.to_thread(look.progress)
                if progress is not None:
                    for name, text in _parts(desk, progress).items():
                        if sent.get(name) != text:
                            sent[name] = text
                            yield event(name, text)
                    if not progress.playing:
                        yield event("over", "over")
                        await pause(OVER_SECONDS, closing)
                        return
                if loop.time() > ask_at:
                    ask_at = loop.time() + ASK_SECONDS
                    if not await may_still_watch(desk, Scope.REHEARSAL):
                        return
                    yield b": still here\n\n"
                await pause(LOOK_SECONDS, closing)
        finally:
            _watchers.discard(id(look))

    return answer(events())


def _parts(desk: Desk, progress: Progress) -> dict[str, str]:
    words = {
        "progress": progress,
        "word": word_of(desk, progress),
        "cards": cards_of(desk, progress),
        "events": events_of(desk, progress),
        "charts": charts_of(desk, progress),
    }
    names = {"figures": "cards", "events": "events", "charts": "data"}
    return {name: desk.rendered(f"rehearsal/{template}.html", **words) for name, template in names.items()}
