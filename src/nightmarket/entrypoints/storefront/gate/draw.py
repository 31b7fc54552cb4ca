"""The check of a draw: a page that recomputes one ticket's place, and the whole list for those who recompute it all."""

from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import parse_qs

from litestar import Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse

from nightmarket.entrypoints.pages.problem_page import NOBODY
from nightmarket.entrypoints.provided import TheShop
from nightmarket.gate.contract import ROOM, TICKET, DrawCheck
from nightmarket.kernel.ids import decode
from nightmarket.kernel.problems import InvalidInput, Problem, Unavailable
from nightmarket.platform.http import HTML, ASGIScope, Response

from .lines import Lines, path_of

MAX_TICKET_LETTERS = 40
DOWNLOADS = 4
"""Lists that one process sends at a time: one may be 35 MB long."""

_running: set[object] = set()


class DrawPage:
    """Handler for the dispatcher."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    async def answer(self, scope: ASGIScope, body: bytes, text: str) -> Response:  # noqa: ARG002
        """What was published when, and the place of the ticket that is asked for."""
        room = self._lines.room(text)
        visit = self._lines.site.anonymous(scope, NOBODY, NOBODY.actor.id)
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        asked = query.get("ticket", [""])[-1].strip()[:MAX_TICKET_LETTERS]
        found: DrawCheck | None = None
        if asked and room.drawn_at is not None:
            try:
                found = await self._lines.gates.check(room, decode(TICKET, asked))
            except Problem:
                found = None
        words: dict[str, object] = {"room": room, "path": path_of(room), "asked": asked, "found": found}
        page = self._lines.site.render(visit, "gate/draw.html", words)
        return Response(200, [(b"content-type", HTML), (b"cache-control", b"private, no-store")], page)


@get("/gate/{room:str}/draw.txt", include_in_schema=False)
async def draw_list(request: Request[Any, Any, Any], shop: TheShop, room: FromPath[str]) -> ASGIResponse:  # noqa: ARG001
    """The whole draw, as `nightmarket gate check` reads it."""
    gates = shop.gates
    try:
        found = gates.room(decode(ROOM, room))
    except InvalidInput:
        found = gates.room(shop.ids.new())  # which there is not
    if len(_running) >= DOWNLOADS:
        raise Unavailable("Others download the list at this moment; try again in a minute.", retry_after_seconds=60)
    parts = gates.published(found)

    async def sending() -> AsyncGenerator[bytes]:
        mark = object()
        _running.add(mark)
        try:
            async for part in parts:
                yield part
        finally:
            _running.discard(mark)

    headers = {"content-type": "text/plain; charset=utf-8", "cache-control": "public, max-age=60"}
    return ASGIStreamingResponse(iterator=sending(), status_code=200, headers=headers)


ROUTES = [draw_list]
