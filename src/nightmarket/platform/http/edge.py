"""The edge: what happens to every request, whatever application answers it.

It gives the request an id, refuses what is too large or too fast, adds headers, turns what goes wrong into an
answer, and tells the log and the metrics. Pure ASGI, since each microsecond here is paid by every order.
"""

import time
from collections.abc import Callable
from typing import Protocol

import msgspec
import structlog

from nightmarket.kernel.ids import Ids, encode
from nightmarket.kernel.problems import Problem, Unavailable

from .addresses import Network, Proxies
from .asgi import HTML, MARKS, ASGIApp, ASGIScope, Headers, Marks, Message, Receive, Response, Send
from .bodies import BODY_LIMIT, declared_length, too_large
from .dispatcher import Route
from .forms import SAFE_METHODS
from .headers import api_headers, page_headers
from .limits import RateLimiter, address_key, refusal
from .problems import Errors, PlainError
from .shedding import Shedder, ShedLimits, Wait

SLOW_SECONDS = 1.0
CROWDED_LINES_PER_SECOND = 20
"""Lines of what comes in crowds when there is too much to do: slow answers of the hot routes, and clients that left.
One for each would make everything slower still; the metrics count them all."""

CLIENT_LEFT = 499
"""What the log and the metrics call a request whose client did not wait for the answer."""

log = structlog.get_logger(__name__)

BusyAnswer = Callable[[ASGIScope, str], Response]
"""From a request and its id to the answer for one too many; the edge adds when to come back."""

EVENTS = b"text/event-stream"
"""Such an answer is told of as what it took to begin: it goes on for as long as somebody watches."""

PAGE_HEADER = (b"content-type", HTML)
SHED = "shed"
"""What the metrics call the route of requests that were refused at the door."""

CAME = "nightmarket.came"
"""Where a scope says when its request came, if it was held since, in seconds of `time.perf_counter`."""

UNREAD = "unread"
"""What they call the route of what is no request, or came too slowly or too large to be one."""

TOO_MANY_WAIT = "More people are here than can be served at this moment. Nothing was done; try again in a few seconds."


class Observe(Protocol):
    """Told of each request: route template, method, status, seconds."""

    def __call__(self, route: str, method: str, status: int, seconds: float, /) -> None: ...


class Straight(msgspec.Struct, frozen=True):
    """What `Direct` asks of the hot routes: which one a method and a path name, with its parameter, and whether nothing
    that stands before them has a say in a request, its body unread."""

    find: Callable[[str, str], tuple[Route, str] | None]
    passes: Callable[[ASGIScope], bool]


class AccessLine(msgspec.Struct, frozen=True):
    """What the log keeps of a request: no query, no body, no cookie."""

    request: str
    method: str
    path: str
    route: str
    status: int
    milliseconds: float
    address: str


def log_access(line: AccessLine) -> None:
    """One structured line; a warning where it is our fault or slow."""
    fields = msgspec.structs.asdict(line)
    if line.status >= 500 or line.milliseconds >= SLOW_SECONDS * 1_000:
        log.warning("request", **fields)
    else:
        log.info("request", **fields)


class EdgeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the edge behaves. `body_limits` are by prefix of the path, the first that fits counts.

    `limiter` counts by address; None lets every rate pass. `trusted_proxies` are networks whose X-Forwarded-For is
    believed. `unlimited_prefixes` are never refused for their rate, such as health checks; nor is what `known` says to
    come from a program whose key was proven a moment ago, since a whole shop may stand behind its one address.
    """

    public_url: str
    body_limit: int = BODY_LIMIT
    body_limits: tuple[tuple[str, int], ...] = ()
    secret_prefixes: tuple[str, ...] = ()
    """Addresses whose rest nobody but their holder may know: of these the log has the prefix only."""

    limiter: RateLimiter | None = None
    unlimited_prefixes: tuple[str, ...] = ("/health/", "/metrics", "/static/")
    known: Callable[[ASGIScope], bool] | None = None
    trusted_proxies: tuple[Network, ...] = ()
    observe: Observe | None = None
    log: Callable[[AccessLine], None] | None = log_access
    errors: Errors = msgspec.field(default_factory=Errors)
    shed: ShedLimits | None = None
    busy: BusyAnswer | None = None
    """Answers instead of `errors` where too many wait: it must cost next to nothing."""


def _without_body(send: Send) -> Send:
    """For HEAD, which is answered as GET is: the same headers, then the end, whatever else the application sends."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body", "body": b""})

    return send_head


class Edge:
    """Wraps an ASGI application; websocket and lifespan pass through.

    With `hot` a server that hands over whole requests may spare itself ASGI's messages for those routes (see `Direct`);
    what happens to a request is the same.
    """

    def __init__(self, app: ASGIApp, ids: Ids, options: EdgeOptions, hot: Straight | None = None) -> None:
        self._app = app
        self._options = options
        self._proxies = Proxies(options.trusted_proxies)
        self._pages = page_headers(options.public_url)
        self._api = api_headers(options.public_url)
        self._page_names = frozenset(name for name, _ in self._pages)
        self._prefix = encode("req", ids.new())[:-4]
        self._count = 0
        self._crowded_lines, self._crowded_second = 0, 0
        self.hot = hot
        self.errors = options.errors
        self.shedder = Shedder(options.shed) if options.shed is not None else None

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started: float = scope.get(CAME) or time.perf_counter()
        busy = self.turn_away(scope, started)
        if busy is not None:
            await busy.send(_without_body(send) if scope["method"] == "HEAD" else send)
            return
        marks = self.mark(scope)
        wait = Wait(self.shedder)
        extra: Headers = []
        method: str = scope["method"]
        begun = 0.0

        async def dressed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                wait.ends(changing=method not in SAFE_METHODS)
                marks.status = message["status"]
                given: Headers = message.get("headers") or []
                if any(name == b"content-type" and kind.startswith(EVENTS) for name, kind in given):
                    begun = time.perf_counter()
                message["headers"] = self.dress(marks, given, extra)
            await send(message)

        sending: Send = dressed
        if method == "HEAD":
            scope["method"] = "GET"
            sending = _without_body(dressed)
        try:
            await self._guarded(scope, receive, sending, (wait, extra))
        finally:
            wait.ends(changing=False)
            self.tell(scope, marks, method, (begun or time.perf_counter()) - started)

    def turn_away(self, scope: ASGIScope, started: float) -> Response | None:
        """The answer for one too many: no body is read, nobody is asked, and the log stays quiet."""
        shedder = self.shedder
        if shedder is None or not shedder.full() or scope["path"].startswith(self._options.unlimited_prefixes):
            return None
        answer = self.busy_answer(scope, self.next_id(), shedder.retry_after())
        self.tell_shed(scope["method"], answer.status, time.perf_counter() - started)
        return answer

    def busy_answer(self, scope: ASGIScope, request: str, retry_after_seconds: int) -> Response:
        """What one too many is told."""
        retry: Headers = []
        if self._options.busy is not None:
            answer = self._options.busy(scope, request)
            retry = [(b"retry-after", b"%d" % retry_after_seconds)]
        else:
            scope[MARKS] = Marks(request, "")
            busy = Unavailable(TOO_MANY_WAIT, retry_after_seconds=retry_after_seconds)
            answer = self.errors.response(busy, scope)
        dressed = self._pages if answer.headers[0] == PAGE_HEADER else self._api
        headers = [*answer.headers, *retry, *dressed, (b"x-request-id", request.encode())]
        return Response(answer.status, headers, answer.body)

    def tell_shed(self, method: str, status: int, seconds: float) -> None:
        """The metrics hear of one too many; the log does not."""
        if self._options.observe is not None:
            self._options.observe(SHED, method, status, seconds)

    def next_id(self) -> str:
        """An id for a request."""
        self._count += 1
        return f"{self._prefix}{self._count:x}"

    @property
    def exempt(self) -> tuple[str, ...]:
        """Beginnings of paths that nobody is refused at."""
        return self._options.unlimited_prefixes

    def mark(self, scope: ASGIScope) -> Marks:
        """Give the request its id, and find out whose it is."""
        marks = scope[MARKS] = Marks(self.next_id(), self._proxies.client_address(scope))
        return marks

    async def _guarded(self, scope: ASGIScope, receive: Receive, send: Send, kept: "tuple[Wait, Headers]") -> None:
        marks: Marks = scope[MARKS]
        try:
            self.admit(scope, kept[1])
            await self._app(scope, self._bounded(scope, receive, kept[0]), send)
        except (Problem, Unavailable) as error:
            if marks.status:
                raise
            await self.errors.response(error, scope).send(send)
        except Exception as error:
            log.exception("request_failed", request=marks.request_id, path=self._said(scope["path"]))
            if marks.status:
                raise
            await self.errors.response(error, scope).send(send)

    def admit(self, scope: ASGIScope, extra: Headers, body_limit: int | None = None) -> None:
        """Refuse who is too fast, and a declared length over the limit, which is the path's unless it is given, before
        the body comes. Adds to the headers of the answer what they say of the rate."""
        limiter = self._options.limiter
        if limiter is not None and not self._is_exempt(scope):
            marks: Marks = scope[MARKS]
            verdict = limiter.take(address_key(marks.address), time.monotonic_ns())
            extra.extend(limiter.headers(verdict))
            if not verdict.allowed:
                raise refusal(verdict)
        length = declared_length(scope)
        if length:
            limit = self.body_limit(scope["path"]) if body_limit is None else body_limit
            if length > limit:
                raise too_large(limit)

    def _is_exempt(self, scope: ASGIScope) -> bool:
        known = self._options.known
        return scope["path"].startswith(self._options.unlimited_prefixes) or (known is not None and known(scope))

    def _bounded(self, scope: ASGIScope, receive: Receive, wait: Wait) -> Receive:
        """Count what comes, and begin to count the wait when all of it is there: a slow sender waits for itself."""
        length = declared_length(scope)
        if length == 0 or (length is None and scope["method"] in SAFE_METHODS):
            wait.begins()
            return receive
        limit = self.body_limit(scope["path"])
        size = 0

        async def counted() -> Message:
            nonlocal size
            message: Message = await receive()
            size += len(message.get("body", b""))
            if size > limit:
                raise too_large(limit)
            if not message.get("more_body"):
                wait.begins()
            return message

        return counted

    def body_limit(self, path: str) -> int:
        """Bytes of a body at this path."""
        for prefix, limit in self._options.body_limits:
            if path.startswith(prefix):
                return limit
        return self._options.body_limit

    def dress(self, marks: Marks, headers: Headers, extra: Headers) -> Headers:
        """The headers of an answer, and those that every answer has."""
        own = (b"x-request-id", marks.request_id.encode())
        if marks.hot and not marks.page:
            return [*headers, *self._api, *extra, own]
        given = self._page_names.intersection([name for name, _ in headers])
        pages = [pair for pair in self._pages if pair[0] not in given] if given else self._pages
        return [*headers, *pages, *extra, own]

    def tell(self, scope: ASGIScope, marks: Marks, method: str, seconds: float) -> None:
        """Tell metrics and log of an answered request."""
        status = marks.status or CLIENT_LEFT
        route = marks.route or scope.get("path_template") or "other"
        if self._options.observe is not None:
            self._options.observe(route, method, status, seconds)
        if self._options.log is None:
            return
        left, fine = status == CLIENT_LEFT, marks.hot and status < 400
        if (fine and seconds < SLOW_SECONDS) or ((left or fine) and self._told_enough()):
            return
        self._options.log(
            AccessLine(
                request=marks.request_id,
                method=method,
                path=self._said(scope["path"]),
                route=route,
                status=status,
                milliseconds=round(seconds * 1_000, 3),
                address=marks.address,
            )
        )

    def _said(self, path: str) -> str:
        """The path as logs may have it."""
        secret = next((prefix for prefix in self._options.secret_prefixes if path.startswith(prefix)), None)
        return path[:500] if secret is None else f"{secret}…"

    def _told_enough(self) -> bool:
        """Count one more line of what comes in crowds, and say whether this second has had enough of them."""
        second = int(time.monotonic())
        if second != self._crowded_second:
            self._crowded_second, self._crowded_lines = second, 0
        self._crowded_lines += 1
        return self._crowded_lines > CROWDED_LINES_PER_SECOND

    def unread(self, error: PlainError) -> Response:
        """The answer to what is no request, or came too slowly or too large to be one."""
        scope: ASGIScope = {"type": "http", "method": "GET", "path": "", "headers": []}
        marks = self.mark(scope)
        marks.hot = True
        if self._options.observe is not None:
            self._options.observe(UNREAD, "other", error.status, 0.0)
        answer = self.errors.response(error, scope)
        return Response(answer.status, self.dress(marks, answer.headers, []), answer.body)
