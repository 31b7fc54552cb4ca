"""The hot routes without ASGI's messages: for a server that hands over whole requests and takes whole answers.

The edge is the same, in the same order: shedding, id, address, rate, length, problems, headers, metrics, log. What is
spared is what ASGI needs to carry a request through closures and dictionaries.
"""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import ClassVar

import msgspec
import structlog

from nightmarket.kernel.problems import Defect, Problem, Unavailable

from .asgi import MARKS, ASGIScope, Headers, Marks, Response
from .bodies import require_media_type, too_large
from .dispatcher import Route
from .edge import Edge
from .forms import SAFE_METHODS
from .headers import status_line

NO_BODY = frozenset({204, 304})
HEADS_KEPT = 64
"""Beginnings of answers that are put together, and their headers checked, once: one for each status and type."""

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

log = structlog.get_logger(__name__)


class NoEvent:
    """What nobody waits for."""

    def set(self) -> None:
        """Nothing to wake."""


NO_EVENT = NoEvent()


class Call(msgspec.Struct):
    """One request of a hot route, from its head to its answer.

    `disconnected`, `keep_alive`, `message_event` and `response_complete` are what uvicorn asks of the cycle of an
    ordinary request.
    """

    message_event: ClassVar = NO_EVENT
    response_started: ClassVar = False

    scope: ASGIScope
    route: Route
    parameter: str
    limit: int
    keep_alive: bool
    started: float
    began: float = 0.0
    marks: Marks | None = None
    extra: Headers = []
    parts: list[bytes] = []
    size: int = 0
    disconnected: bool = False
    response_complete: bool = False


class Direct:
    """The edge as a server without ASGI meets it."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._hot = edge.hot
        self._shedder = edge.shedder
        self._limits: dict[str, int] = {}
        self._block = _block(edge.dress(_bare(), [], [])[:-1])
        self._head = lru_cache(HEADS_KEPT)(self._make_head)

    def open(self, scope: ASGIScope, *, keep_alive: bool) -> Call | None:
        """The call that a request's head begins; None if it is none of the hot routes, or somebody stands before."""
        hot = self._hot
        if hot is None:
            return None
        found = hot.find(scope["method"], scope["path"])
        if found is None or not hot.passes(scope):
            return None
        route, parameter = found
        limit = self._limits.get(route.path)
        if limit is None:  # prefixes of limits end before a parameter
            limit = self._limits[route.path] = min(route.body_limit, self._edge.body_limit(route.path))
        return Call(scope, route, parameter, limit, keep_alive, time.perf_counter())

    def refusal(self, call: Call) -> bytes | None:
        """The whole answer, if the call is refused before its body is read."""
        edge, scope, route = self._edge, call.scope, call.route
        busy = edge.turn_away(scope, call.started)
        if busy is not None:
            return whole(busy, closing=not call.keep_alive)
        marks = call.marks = edge.mark(scope)
        try:
            edge.admit(scope, call.extra, call.limit)
        except (Problem, Unavailable) as error:
            return self.finished(call, edge.errors.response(error, scope))
        marks.route, marks.hot, marks.page = route.path, True, route.page
        return None

    def overrun(self, call: Call) -> bytes:
        """The answer to a body that turned out to be too long."""
        return self.finished(call, self._edge.errors.response(too_large(call.limit), call.scope))

    def begins(self, call: Call) -> None:
        """All of the request is there: it waits from now on, and `answer` has to follow."""
        if self._shedder is not None:
            self._shedder.waiting += 1
        call.began = time.perf_counter()

    async def answer(self, call: Call, write: Callable[[Call, bytes], None]) -> None:
        """Ask the handler, and write its answer; what goes wrong is an answer too."""
        route, scope, parts = call.route, call.scope, call.parts
        changing = route.method not in SAFE_METHODS
        try:
            body = b""
            if changing:
                body = parts[0] if len(parts) == 1 else b"".join(parts)
                if body and route.media_type:
                    require_media_type(scope, route.media_type)
            response = await route.handler(scope, body, call.parameter)
        except (Problem, Unavailable) as error:
            response = self._edge.errors.response(error, scope)
        except Exception as error:
            log.exception("request_failed", request=scope[MARKS].request_id, path=scope["path"])
            response = self._edge.errors.response(error, scope)
        finally:
            if self._shedder is not None:
                self._shedder.answered(time.perf_counter() - call.began, changing=changing)
        call.response_complete = True
        write(call, self.finished(call, response))

    def finished(self, call: Call, response: Response) -> bytes:
        """The answer's bytes; metrics and log hear of it."""
        marks, edge, status, headers = call.marks, self._edge, response.status, response.headers
        assert marks is not None
        if marks.hot and not marks.page:
            if len(headers) == 1:
                parts = [self._head(status, headers[0])]
            else:
                parts = [status_line(status), _block(headers), self._block]
            if call.extra:
                parts.append(_block(call.extra))
            parts.append(b"x-request-id: %b\r\n" % marks.request_id.encode())
        else:
            parts = [status_line(status), _block(edge.dress(marks, headers, call.extra))]
        if not call.disconnected:  # else it stays 0: nobody waited for this answer
            marks.status = status
        edge.tell(call.scope, marks, call.scope["method"], time.perf_counter() - call.started)
        return _joined(parts, response, closing=not call.keep_alive)

    def _make_head(self, status: int, header: tuple[bytes, bytes]) -> bytes:
        """How an answer begins that has one header of its own, which mostly is its type."""
        return b"".join((status_line(status), _block([header]), self._block))


def whole(response: Response, *, closing: bool = False) -> bytes:
    """The bytes of an answer."""
    return _joined([status_line(response.status), _block(response.headers)], response, closing=closing)


def _joined(parts: list[bytes], response: Response, *, closing: bool) -> bytes:
    body = response.body
    if response.status not in NO_BODY:
        parts.append(b"content-length: %d\r\n" % len(body))
    parts.append(b"connection: close\r\n\r\n" if closing else b"\r\n")
    parts.append(body)
    return b"".join(parts)


def _block(headers: Headers) -> bytes:
    """Headers as they stand in an answer."""
    parts: list[bytes] = []
    for name, value in headers:
        parts += (name, b": ", value, b"\r\n")
    block = b"".join(parts)
    if block.count(b"\n") != len(headers) or block.count(b"\r") != len(headers) or block.count(b"\0"):
        raise Defect("a header's value has a line break in it")
    return block


def _bare() -> Marks:
    marks = Marks("", "")
    marks.hot = True
    return marks
