"""The page's stream: figures four times a second while something happens, buttons and words when they change."""

import asyncio
from collections.abc import AsyncGenerator, Iterator

from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.streams import answer, event, may_still_watch, pause
from nightmarket.kernel.problems import Unavailable
from nightmarket.platform.access import Scope
from nightmarket.rehearsal.errors import NoCrowd

from .page import rendered
from .views import View, title_of, view_of

WATCHERS_LIMIT = 50
LIVELY_SECONDS, CALM_SECONDS = 0.25, 1.0
ASK_SECONDS = 15.0
"""How often the stream asks whether its viewer may still watch."""

LIFE_SECONDS = 600.0

_watchers: set[int] = set()


async def stream(desk: Desk) -> ASGIResponse:
    """Server-sent events: `figures`, `controls` and `said` are parts of the page."""
    if not desk.shop.stage.is_open:
        raise NoCrowd("A crowd comes to a demo that this machine alone can reach.")
    if len(_watchers) >= WATCHERS_LIMIT or desk.shop.closing.is_set():
        raise Unavailable("Too many people watch through this process; the page can be loaded again by hand.")
    return answer(_events(desk, await title_of(desk)))


async def _events(desk: Desk, title: str) -> AsyncGenerator[bytes]:
    loop, closing = asyncio.get_running_loop(), desk.shop.closing
    ends_at, ask_at = loop.time() + LIFE_SECONDS, loop.time() + ASK_SECONDS
    sent: dict[str, object] = {}
    _watchers.add(id(desk))
    try:
        yield b"retry: 1000\n\n"
        while loop.time() < ends_at and not closing.is_set():
            view = view_of(desk, title)
            news = b"".join(_news(desk, view, sent))
            if loop.time() > ask_at:
                ask_at = loop.time() + ASK_SECONDS
                news = news or b": still here\n\n"
                if not await may_still_watch(desk, Scope.HEALTH_READ):
                    return
            if news:
                yield news
            await pause(LIVELY_SECONDS if view.lively else CALM_SECONDS, closing)
    finally:
        _watchers.discard(id(desk))


def _news(desk: Desk, view: View, sent: dict[str, object]) -> Iterator[bytes]:
    """The parts that are not as they were sent. Buttons carry a new token each time, so their state decides."""
    buttons = (view.state, view.scene.busy, view.scene.down, view.opens_at is not None)
    if sent.get("controls") != buttons:
        if "controls" in sent:  # the page has come with those of its moment
            yield event("controls", rendered(desk, "buttons.html", view))
        sent["controls"] = buttons
    for name in ("figures", "said"):
        text = rendered(desk, f"{name}.html", view)
        if sent.get(name) != text:
            sent[name] = text
            yield event(name, text)
