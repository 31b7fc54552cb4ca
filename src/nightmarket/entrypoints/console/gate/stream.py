"""The figures of waiting rooms as they change, once a second: of one room, and of the list."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.streams import answer, event, may_still_watch, pause
from nightmarket.gate.contract import ROOM, Room
from nightmarket.gate.errors import RoomNotFound
from nightmarket.kernel.problems import Unavailable
from nightmarket.platform.access import Scope
from nightmarket.platform.database import CONNECTION_LOST

from .pages import list_words, room_words

WATCHERS_LIMIT = 50
LOOK_SECONDS = 1.0
ASK_SECONDS = 15.0
"""How often the stream asks whether its viewer may still watch."""

LIFE_SECONDS = 900.0
OVER_SECONDS = 10.0
"""How long the stream stays open once the page has to be loaded again: by then it has been."""

Parts = Callable[[], Awaitable[dict[str, str]]]
_watchers: set[int] = set()


async def room_stream(desk: Desk) -> ASGIResponse:
    """Server-sent events: `figures` is a part of the page; `over` says that its switches are others now."""
    id, gates = desk.id(ROOM), desk.shop.gates
    first = gates.room(id)
    began = _shape(first, gates.state(first))

    async def parts() -> dict[str, str]:
        room = gates.room(id)
        if _shape(room, gates.state(room)) != began:
            return {"over": "over"}
        return {"figures": desk.rendered("gates/now.html", **await room_words(desk, room))}

    return _streamed(desk, parts)


async def list_stream(desk: Desk) -> ASGIResponse:
    """Server-sent events: `rooms` is the list's table."""

    async def parts() -> dict[str, str]:
        return {"rooms": desk.rendered("gates/rows.html", **await list_words(desk))}

    return _streamed(desk, parts)


def _shape(room: Room, state: object) -> tuple[object, ...]:
    """What the page is made by, besides its figures."""
    return room.version, room.drawn_at, state, len(room.steps)


def _streamed(desk: Desk, parts: Parts) -> ASGIResponse:
    if len(_watchers) >= WATCHERS_LIMIT or desk.shop.closing.is_set():
        raise Unavailable("Too many people watch through this process; the page can be loaded again by hand.")

    async def events() -> AsyncGenerator[bytes]:
        loop, closing, mark = asyncio.get_running_loop(), desk.shop.closing, object()
        ends_at, ask_at = loop.time() + LIFE_SECONDS, loop.time() + ASK_SECONDS
        sent: dict[str, str] = {}
        _watchers.add(id(mark))
        try:
            yield b"retry: 1000\n\n"
            while loop.time() < ends_at and not closing.is_set():
                for name, text in (await _looked(parts)).items():
                    if sent.get(name) != text:
                        sent[name] = text
                        yield event(name, text)
                    if name == "over":
                        await pause(OVER_SECONDS, closing)
                        return
                if loop.time() > ask_at:
                    ask_at = loop.time() + ASK_SECONDS
                    if not await may_still_watch(desk, Scope.HEALTH_READ):
                        return
                    yield b": still here\n\n"
                await pause(LOOK_SECONDS, closing)
        finally:
            _watchers.discard(id(mark))

    return answer(events())


async def _looked(parts: Parts) -> dict[str, str]:
    """What is to be shown; nothing new while the database is away, and the end where the room is gone."""
    try:
        return await parts()
    except RoomNotFound:
        return {"over": "over"}
    except (Unavailable, *CONNECTION_LOST):
        return {}
