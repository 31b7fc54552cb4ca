"""The edge: what happens to every request, whatever application answers it.

It gives the request an id, refuses what is too large or too fast, adds headers, turns what goes wrong into an
answer, and tells the log and the metrics. Pure ASGI, since each microsecond here is paid by every order.
"""

import ipaddress
import time
from collections.abc import Callable
from typing import Protocol

import msgspec
import structlog

from nightmarket.kernel.ids import Ids, encode
from nightmarket.kernel.problems import Problem, Unavailable

from .asgi import HTML, MARKS, ASGIApp, ASGIScope, Headers, Marks, Message, Receive, Response, Send, header
from .bodies import BODY_LIMIT, declared_length, too_large
from .forms import SAFE_METHODS
from .headers import api_headers, page_headers
from .limits import RateLimiter, address_key, refusal
from .problems import Errors
from .shedding import Shedder, ShedLimits

SLOW_SECONDS = 1.0
CLIENT_LEFT = 499
"""What the log and the metrics call a request whose client did not wait for the answer."""

FORWARDED_LIMIT = 20

log = structlog.get_logger(__name__)

BusyAnswer = Callable[[ASGIScope, str], Response]
"""From a request and its id to the answer for one too many."""

PAGE_HEADER = (b"content-type", HTML)
SHED = "shed"
"""What the metrics call the route of requests that were refused at the door."""

TOO_MANY_WAIT = "More people are here than can be served at this moment. Nothing was done; try again in a few seconds."

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Observe(Protocol):
    """Told of each request: route template, method, status, seconds."""

    def __call__(self, route: str, method: str, status: int, seconds: float, /) -> None: ...


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


def client_address(scope: ASGIScope, trusted: tuple[Network, ...]) -> str:
    """Who is at the other end: the peer, or behind trusted proxies the last address that is not one of them."""
    client = scope.get("client")
    address: str = client[0] if client else ""
    if not trusted or not _within(address, trusted):
        return address
    forwarded = (header(scope, b"x-forwarded-for") or "").split(",")[-FORWARDED_LIMIT:]
    for hop in reversed(forwarded):
        address = hop.strip() or address
        if not _within(address, trusted):
            break
    return address


def _within(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def _without_body(send: Send) -> Send:
    """For HEAD, which is answered as GET is: the same headers, then the end, whatever else the application sends."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body", "body": b""})

    return send_head


class Edge:
    """Wraps an ASGI application; websocket and lifespan pass through."""

    def __init__(self, app: ASGIApp, ids: Ids, options: EdgeOptions) -> None:
        self._app = app
        self._options = options
        self._trusted = options.trusted_proxies
        self._pages = page_headers(options.public_url)
        self._api = api_headers(options.public_url)
        self._prefix = encode("req", ids.new())[:-4]
        self._count = 0
        self._shed_limits = options.shed or ShedLimits()
        self._shedder = Shedder(self._shed_limits) if options.shed is not None else None

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        self._count += 1
        shedder = self._shedder
        if shedder is not None:
            if shedder.full() and not scope["path"].startswith(self._options.unlimited_prefixes):
                await self._refuse(scope, send, started)
                return
            shedder.waiting += 1
        client = scope.get("client")
        address = client_address(scope, self._trusted) if self._trusted else (client[0] if client else "")
        marks = scope[MARKS] = Marks(f"{self._prefix}{self._count:x}", address)
        extra: Headers = []
        method: str = scope["method"]

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                if shedder is not None and not marks.status:
                    shedder.answered(time.perf_counter() - started, changing=method not in SAFE_METHODS)
                marks.status = message["status"]
                message["headers"] = self._dress(marks, message.get("headers") or [], extra)
            await send(message)

        sending: Send = dressed
        if method == "HEAD":
            scope["method"] = "GET"
            sending = _without_body(dressed)
        try:
            await self._guarded(scope, receive, sending, extra)
        finally:
            if shedder is not None and not marks.status:
                shedder.answered(time.perf_counter() - started, changing=False)
            self._tell(scope, marks, method, time.perf_counter() - started)

    async def _refuse(self, scope: ASGIScope, send: Send, started: float) -> None:
        """The answer for one too many: no body is read, nobody is asked, and the log stays quiet."""
        request = f"{self._prefix}{self._count:x}"
        if self._options.busy is not None:
            answer = self._options.busy(scope, request)
        else:
            scope[MARKS] = Marks(request, "")
            busy = Unavailable(TOO_MANY_WAIT, retry_after_seconds=self._shed_limits.retry_after_seconds)
            answer = self._options.errors.response(busy, scope)
        dressed = self._pages if answer.headers[0] == PAGE_HEADER else self._api
        headers = [*answer.headers, *dressed, (b"x-request-id", request.encode())]
        sending = _without_body(send) if scope["method"] == "HEAD" else send
        await Response(answer.status, headers, answer.body).send(sending)
        if self._options.observe is not None:
            self._options.observe(SHED, scope["method"], answer.status, time.perf_counter() - started)

    async def _guarded(self, scope: ASGIScope, receive: Receive, send: Send, extra: Headers) -> None:
        marks: Marks = scope[MARKS]
        try:
            if self._options.limiter is not None:
                self._limit(scope, marks, extra)
            receive = self._bounded(scope, receive)
            await self._app(scope, receive, send)
        except (Problem, Unavailable) as error:
            if marks.status:
                raise
            await self._options.errors.response(error, scope).send(send)
        except Exception as error:
            log.exception("request_failed", request=marks.request_id, path=scope["path"])
            if marks.status:
                raise
            await self._options.errors.response(error, scope).send(send)

    def _limit(self, scope: ASGIScope, marks: Marks, extra: Headers) -> None:
        limiter = self._options.limiter
        assert limiter is not None
        known = self._options.known
        if scope["path"].startswith(self._options.unlimited_prefixes) or (known is not None and known(scope)):
            return
        verdict = limiter.take(address_key(marks.address), time.monotonic_ns())
        extra.extend(limiter.headers(verdict))
        if not verdict.allowed:
            raise refusal(verdict)

    def _bounded(self, scope: ASGIScope, receive: Receive) -> Receive:
        """Refuse a declared length over the limit at once, and count what comes without one."""
        length = declared_length(scope)
        if length == 0 or (length is None and scope["method"] in SAFE_METHODS):
            return receive
        limit = self._body_limit(scope["path"])
        if length is not None:
            if length > limit:
                raise too_large(limit)
            return receive
        size = 0

        async def counted() -> Message:
            nonlocal size
            message: Message = await receive()
            size += len(message.get("body", b""))
            if size > limit:
                raise too_large(limit)
            return message

        return counted

    def _body_limit(self, path: str) -> int:
        for prefix, limit in self._options.body_limits:
            if path.startswith(prefix):
                return limit
        return self._options.body_limit

    def _dress(self, marks: Marks, headers: Headers, extra: Headers) -> Headers:
        own = (b"x-request-id", marks.request_id.encode())
        if marks.hot and not marks.page:
            return [*headers, *self._api, *extra, own]
        given = {name for name, _ in headers}
        return [*headers, *(pair for pair in self._pages if pair[0] not in given), *extra, own]

    def _tell(self, scope: ASGIScope, marks: Marks, method: str, seconds: float) -> None:
        status = marks.status or CLIENT_LEFT
        route = marks.route or scope.get("path_template") or "other"
        if self._options.observe is not None:
            self._options.observe(route, method, status, seconds)
        if self._options.log is None or (marks.hot and status < 400 and seconds < SLOW_SECONDS):
            return
        self._options.log(
            AccessLine(
                request=marks.request_id,
                method=method,
                path=scope["path"][:500],
                route=route,
                status=status,
                milliseconds=round(seconds * 1_000, 3),
                address=marks.address,
            )
        )
