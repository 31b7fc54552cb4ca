"""A connection: uvicorn's protocol, with a straight way for the hot routes and a limit for everything that may be slow.

A request of a hot route is a `Call`: its handler starts when the whole request is there, and the answer is written at
once. Every other request, and every one that comes while another of its connection is worked on, goes uvicorn's way
through ASGI, which keeps them in order. No timer is set per request: `sweep` looks at all connections once a second.
"""

import asyncio
import time
from enum import Enum
from typing import Any, cast

import structlog
from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from .asgi import ASGIScope, RequestHeaders
from .direct import CONTINUE, Call, whole
from .edge import CAME
from .problems import PlainError
from .putting_off import Turns
from .shedding import Shedder
from .state import State

HEAD_BYTES = 32 * 1024
HEADERS_LIMIT = 100
BODY_BYTES_PER_SECOND = 16 * 1024
PIPELINE_LIMIT = 32
"""Requests of one connection that wait behind the first."""

DISCARD_BYTES = 4 * 1024 * 1024
"""Read and thrown away at most after an answer that came before the end of its request, so that the client sees it."""

_NAMES = (
    b"accept",
    b"accept-encoding",
    b"accept-language",
    b"authorization",
    b"content-length",
    b"content-type",
    b"cookie",
    b"host",
    b"idempotency-key",
    b"ucp-agent",
    b"user-agent",
    b"x-forwarded-for",
)
KNOWN_NAMES = {spelt: name for name in _NAMES for spelt in (name, name.title(), name.title().replace(b"Ucp", b"UCP"))}
"""Names of headers that most requests have, as they are sent: one object for each instead of one a request."""

log = structlog.get_logger(__name__)


class Phase(Enum):
    """What the next bytes of a connection belong to."""

    FRESH = 0
    BETWEEN = 1
    HEAD = 2
    BODY = 3
    DISCARD = 4


FRESH, BETWEEN, HEAD, BODY, DISCARD = Phase  # reading them off the class each time takes four times as long


class Unreadable(Exception):
    """Raised inside the parser, to stop it: what comes is not answered as a request."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.error = PlainError(status, detail)


class Connection(HttpToolsProtocol):
    """One client's connection."""

    __slots__ = (  # beside the attributes of uvicorn's, which alone are few enough for Python to find fast
        "_blocked_since",
        "_body_bytes",
        "_chunk",
        "_head_bytes",
        "_held",
        "_phase",
        "_since",
        "_stalled",
        "_state",
    )

    cycle: Any
    """A `Call`, uvicorn's cycle, or None."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._state = cast(State, server_state)
        self._phase = FRESH
        self._since = self._state.seconds
        self._blocked_since: int | None = None
        self._stalled = False
        self._head_bytes = 0
        self._chunk = 0
        self._body_bytes = 0
        self._held: bytes | None = None
        """What waits for its turn."""

    # What comes in

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """A client has come; one too many is sent off."""
        super().connection_made(transport)
        if len(self.connections) > self._state.connections_limit:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        phase = self._phase
        if phase is DISCARD:
            self._discard(len(data))
            return
        if self._held is not None:
            self._held += data
            self.transport.pause_reading()
            return
        turns = self._state.turns
        if turns is not None and (phase is FRESH or phase is BETWEEN) and turns.is_crowded() and not self._in_flight():
            self._take_turns(data, turns)
        else:
            self._read(data)

    def _take_turns(self, data: bytes, turns: Turns) -> None:
        if self._state.brush.exempts(data) or len(data) > HEAD_BYTES:
            self._read(data)
        elif turns.may_refuse():
            self._refuse(data, turns.shedder)
            turns.spent()
        else:
            self._held = data
            turns.hold(self.loop, self)

    def is_let_in(self, came: float) -> None:
        """There is room for what was held, if anything was. Its wait counts as part of its answer's time."""
        data = self._release()
        if data:
            self._read(data)
            cycle = self.cycle
            if type(cycle) is Call:
                cycle.started = came
            elif self._in_flight():
                cycle.scope[CAME] = came

    def is_refused(self) -> None:
        """What was held has waited too long."""
        data, turns = self._release(), self._state.turns
        if data and turns is not None:
            self._refuse(data, turns.shedder)

    def _release(self) -> bytes:
        data, self._held = self._held, None
        if data is None or self.transport.is_closing():
            return b""
        self.transport.resume_reading()
        return data

    def _refuse(self, data: bytes, shedder: Shedder) -> None:
        """By its bytes, or else as one that was read. Who asks again on the same connection before the time that they
        were told is not read until then: refusing them over and over would be paid by those who are served."""
        refusal = None if self.flow.write_paused else self._state.brush.off(data, shedder)
        if refusal is None:
            self._read(data)
            return
        answer, rest_seconds = refusal
        self._phase = BETWEEN
        self._since = self._state.seconds
        self.transport.write(answer)
        if rest_seconds:
            self.transport.pause_reading()
            self._state.rests.begin(self.loop, rest_seconds, self)

    def _read(self, data: bytes) -> None:
        parser = self.parser
        assert parser is not None
        self._chunk = len(data)
        try:
            parser.feed_data(data)
        except HttpParserUpgrade:  # nothing is upgraded here: it is answered as it is, and the connection ends
            self._phase = DISCARD
        except HttpParserCallbackError as error:
            cause = error.__context__
            if isinstance(cause, Unreadable):
                self._break_off(cause.error)
            else:
                if not isinstance(cause, HttpParserError | UnicodeError):
                    log.warning("request_unread", exc_info=cause)
                self._break_off(PlainError(400, "This is no HTTP request."))
        except HttpParserError:
            self._break_off(PlainError(400, "This is no HTTP request."))
        else:
            if self._phase is HEAD:
                self._head_bytes += len(data)
                if self._head_bytes > HEAD_BYTES:
                    self._break_off(PlainError(431, f"At most {HEAD_BYTES:,} bytes of headers are read."))

    def has_rested(self) -> None:
        """The time is over before which nothing of this connection was to be read."""
        if not self.transport.is_closing():
            self._since = self._state.seconds
            self.transport.resume_reading()

    def on_message_begin(self) -> None:
        """A request begins."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = RequestHeaders()
        self._phase = HEAD
        self._since = self._state.seconds
        self._head_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """A line of a request's head. What is said after the body is no part of it, and is not believed."""
        if self._phase is not HEAD:
            return
        name = KNOWN_NAMES.get(name) or name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """A request's head is there."""
        self._body_bytes = 0
        headers, url = self.headers, self.url
        if len(headers) > HEADERS_LIMIT or self._head_bytes + self._chunk > HEAD_BYTES < _size(url, headers):
            raise Unreadable(431, f"At most {HEADERS_LIMIT} headers and {HEAD_BYTES:,} bytes of them are read.")
        if self._in_flight():
            if len(self.pipeline) >= PIPELINE_LIMIT:
                raise Unreadable(400, f"At most {PIPELINE_LIMIT} requests may wait on one connection.")
        elif url.find(b"%") < 0 and url.find(b"#") < 0 and url.startswith(b"/"):
            call = self._call(url)
            if call is not None:
                self.cycle = call
                self._begin_body()
                self._admit(call)
                return
        elif url[:1] != b"/" and not url.startswith((b"http://", b"https://")):
            raise Unreadable(400, "Ask for a path.")
        self._go_through_asgi()
        self._begin_body()

    def _begin_body(self) -> None:
        self._phase = BODY
        self._since = self._state.seconds

    def on_body(self, body: bytes) -> None:
        """A piece of a request's body."""
        self._body_bytes += len(body)
        call = self.cycle
        if call.response_complete:
            if self._body_bytes > DISCARD_BYTES:
                self.transport.abort()
        elif type(call) is Call:
            call.parts.append(body)
            call.size += len(body)
            if call.size > call.limit:
                self._last_words(call, self._state.direct.overrun(call))
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """All of a request is there."""
        self._phase = BETWEEN
        call = self.cycle
        if type(call) is Call:
            if not call.response_complete:
                self._state.direct.begins(call)
                task = self.loop.create_task(self._state.direct.answer(call, self._write))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
        else:
            super().on_message_complete()

    # Requests of hot routes

    def _call(self, url: bytes) -> Call | None:
        parser = self.parser
        assert parser is not None
        if parser.should_upgrade():
            return None
        headers = cast(RequestHeaders, self.headers).whole()
        path, _, query = url.partition(b"?")
        scope: ASGIScope = {  # no more than hot routes ask for
            "type": "http",
            "method": parser.get_method().decode(),
            "path": path.decode("ascii"),
            "query_string": query,
            "headers": headers,
            "client": self.client,
        }
        lasts = parser.should_keep_alive()
        if lasts and b"connection" in headers.first:  # else it is no HTTP/1.0, which ends where nothing is said
            lasts = parser.get_http_version() != "1.0"
        return self._state.direct.open(scope, keep_alive=lasts)

    def _admit(self, call: Call) -> None:
        refusal = self._state.direct.refusal(call)
        if refusal is None:
            if self.expect_100_continue:
                self.transport.write(CONTINUE)
        elif self.expect_100_continue or _declared(self.headers) > call.limit:
            self._last_words(call, refusal)
        else:
            call.response_complete = True
            self._write(call, refusal)

    def _write(self, call: Call, answer: bytes) -> None:
        transport = self.transport
        if call.disconnected or transport.is_closing():
            return
        transport.write(answer)
        if not call.keep_alive:
            transport.close()
        elif self.flow.write_paused:
            call.response_complete = False  # until the client has read it
            self._stalled = True
        else:
            self.on_response_complete()

    def _last_words(self, call: Call, answer: bytes) -> None:
        """An answer before the end of the request, after which no other request is read."""
        call.response_complete = True
        self.transport.write(answer)
        self._end_after_discarding()

    # All other requests

    def _go_through_asgi(self) -> None:
        headers, url, expects = self.headers, self.url, self.expect_100_continue
        super().on_message_begin()
        self.headers.extend(headers)
        self.url, self.expect_100_continue = url, expects
        super().on_headers_complete()
        assert self.parser is not None
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        """An answer is written: on with the next request."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self._phase is BETWEEN:
            self._since = self._state.seconds
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)

    # What must not last

    def shutdown(self) -> None:
        """The server stops: what was asked is answered before."""
        self.is_let_in(time.perf_counter())
        super().shutdown()

    def pause_writing(self) -> None:
        """The client does not read as fast as we write."""
        super().pause_writing()
        self._blocked_since = self._state.seconds

    def resume_writing(self) -> None:
        """It has caught up."""
        super().resume_writing()
        self._blocked_since = None
        if self._stalled:
            self._stalled = False
            self.cycle.response_complete = True
            self.on_response_complete()

    def sweep(self, seconds: int) -> None:
        """End what takes too long."""
        if self._held is not None:
            return
        took, patience = seconds - self._since, self._state.patience
        if took <= self._state.shortest and self._blocked_since is None:
            return  # of ten thousand, nearly all
        if self.transport.is_closing():
            return
        if self._blocked_since is not None and seconds - self._blocked_since > patience.write_seconds:
            self.transport.abort()
            return
        match self._phase:
            case Phase.FRESH | Phase.HEAD if took > patience.head_seconds:
                if self._phase is Phase.FRESH or self._in_flight():
                    self.transport.close()
                else:
                    self._break_off(PlainError(408, "The request's head took too long."))
            case Phase.BODY if self.flow.read_paused:  # the client would, we do not
                self._since = seconds - self._body_bytes // BODY_BYTES_PER_SECOND
            case Phase.BODY if took > patience.body_seconds + self._body_bytes // BODY_BYTES_PER_SECOND:
                self._break_off(PlainError(408, "The request's body took too long."))
            case Phase.BETWEEN if took > patience.keep_alive_seconds and not self._in_flight():
                self.transport.close()
            case Phase.DISCARD if took > patience.discard_seconds and not self._in_flight():
                self.transport.close()
            case _:
                pass

    def _in_flight(self) -> bool:
        cycle = self.cycle
        return cycle is not None and not cycle.response_complete

    def _break_off(self, error: PlainError) -> None:
        """Say what is wrong, unless somebody's answer is under way, and end the connection."""
        if self._phase is BODY and self._in_flight():  # the request that is being read will never be whole
            if self.pipeline or self.cycle.response_started:
                self.transport.abort()
                return
            self.cycle.disconnected = True
            self.cycle.response_complete = True
            self.cycle.message_event.set()
        elif self._in_flight():
            self.cycle.keep_alive = False
            self._phase = DISCARD
            return
        self.transport.write(whole(self._state.edge.unread(error), closing=True))
        self._end_after_discarding()

    def _end_after_discarding(self) -> None:
        """Closing now would take the answer from a client that still sends."""
        self._phase = DISCARD
        self._since = self._state.seconds
        self._body_bytes = 0
        self.transport.write_eof()

    def _discard(self, amount: int) -> None:
        self._body_bytes += amount
        if self._body_bytes > DISCARD_BYTES:
            self.transport.abort()


def _size(url: bytes, headers: list[tuple[bytes, bytes]]) -> int:
    return len(url) + sum(len(name) + len(value) for name, value in headers)


def _declared(headers: list[tuple[bytes, bytes]]) -> int:
    """Content-Length, as far as one can tell; what is wrong with it the edge says."""
    for name, value in headers:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
