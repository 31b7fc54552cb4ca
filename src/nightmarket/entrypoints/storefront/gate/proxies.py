"""The waiting room before a foreign shop: its web server asks us about every request, and shows our pages under its
own name, so that the cookies are the same.

nginx's `auth_request` knows 2xx, 401 and 403 only; Caddy's `forward_auth` and Traefik hand on whatever is not 2xx.
"""

from urllib.parse import quote

from nightmarket.gate.contract import Room
from nightmarket.gate.errors import QueueRequired
from nightmarket.platform.http import ASGIScope, Errors, Response, header, safe_next, wants_page

from .lines import Lines, path_of

HERE = (b"x-original-uri", b"x-forwarded-uri")
"""Where nginx (by our configuration) and Caddy say which address was asked for."""

OPEN = Response(204, [(b"cache-control", b"no-store")])


class Proxies:
    """Handlers for the dispatcher: from memory alone."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    async def auth(self, scope: ASGIScope, body: bytes, text: str) -> Response:  # noqa: ARG002
        """204 for who may pass; 401 with the waiting page's address for nginx to lead to."""
        room = self._lines.room(text)
        if self._may_pass(scope, room):
            return OPEN
        to = self._waiting(scope, room)
        return Response(401, [(b"location", to), (b"x-waiting-room", to), (b"cache-control", b"no-store")])

    async def forward(self, scope: ASGIScope, body: bytes, text: str) -> Response:  # noqa: ARG002
        """204 for who may pass; a browser is led to the waiting page, a program gets a problem document."""
        room = self._lines.room(text)
        if self._may_pass(scope, room):
            return OPEN
        if wants_page(scope):
            return Response(302, [(b"location", self._waiting(scope, room)), (b"cache-control", b"no-store")])
        base = path_of(room)
        problem = QueueRequired(
            "Many people come at once: take a ticket, wait for your turn, and exchange it for a pass.",
            retry_after_seconds=5,
            now=f"{base}/now",
            tickets=f"{base}/tickets",
            passes=f"{base}/passes",
        )
        return Errors().response(problem, scope)

    def _may_pass(self, scope: ASGIScope, room: Room) -> bool:
        return room.id not in self._lines.gates.acting or self._lines.passed(scope, room.id)

    def _waiting(self, scope: ASGIScope, room: Room) -> bytes:
        asked = next((found for name in HERE if (found := header(scope, name))), "/")
        return f"{path_of(room)}?next={quote(safe_next(asked), safe='')}".encode()
