"""What the console's streams of server-sent events have in common."""

import asyncio
from collections.abc import AsyncGenerator

from litestar.response.streaming import ASGIStreamingResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.kernel.problems import Unavailable
from nightmarket.platform.access import Scope


def answer(events: AsyncGenerator[bytes]) -> ASGIStreamingResponse:
    """The stream as an answer that no proxy keeps or holds back."""
    return ASGIStreamingResponse(
        iterator=events,
        status_code=200,
        headers={
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-store",
            "x-accel-buffering": "no",
        },
    )


def event(name: str, text: str) -> bytes:
    """One event; its text may have several lines."""
    lines = "".join(f"data: {line}\n" for line in text.strip().splitlines() or [""])
    return f"event: {name}\n{lines}\n".encode()


async def may_still_watch(desk: Desk, scope: Scope) -> bool:
    """Whether the session is still good; while the database is away nobody can have ended it."""
    token = desk.visit.cookies.get(desk.site.cookies.session_name)
    try:
        actor = await desk.shop.access.accounts.actor(token) if token else None
    except Unavailable:
        return True
    return actor is not None and actor.may(scope)


async def pause(seconds: float, closing: asyncio.Event) -> None:
    """Wait, but not longer than this process lives."""
    try:
        async with asyncio.timeout(seconds):
            await closing.wait()
    except TimeoutError:
        return
