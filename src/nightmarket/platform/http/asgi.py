"""The few words of ASGI that we use, and what we remember of one request."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Self, TypeAlias

import msgspec

ASGIScope: TypeAlias = Any
"""A mutable mapping; frameworks type theirs in ways that do not fit each other."""

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Any]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]

MARKS = "nightmarket"
"""Where the scope keeps the request's marks."""

HOT_METHODS = "nightmarket.methods"
"""Where it keeps the function that names the methods of the hot routes at a path."""

JSON = b"application/json"
HTML = b"text/html; charset=utf-8"

_BODILESS = frozenset({204, 304})
_ENCODER = msgspec.json.Encoder()


class Marks(msgspec.Struct, gc=False):
    """What the edge knows of one request. `hot` routes are logged only when something is off, and send an API's headers
    unless they are a `page`."""

    request_id: str
    address: str
    route: str = ""
    hot: bool = False
    page: bool = False
    status: int = 0


class Response(msgspec.Struct):
    """A whole answer. `content-length` is added when it is sent."""

    status: int
    headers: Headers
    body: bytes = b""

    async def send(self, send: Send) -> None:
        headers = self.headers
        if self.status not in _BODILESS:
            headers = [*headers, (b"content-length", b"%d" % len(self.body))]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def json_response(value: object, status: int = 200, headers: Headers | None = None) -> Response:
    """A struct, list or dictionary as JSON."""
    return Response(status, [(b"content-type", JSON), *(headers or ())], _ENCODER.encode(value))


def marks_of(scope: ASGIScope) -> Marks:
    """The request's marks; outside the edge (a test of one part) they begin here."""
    marks = scope.get(MARKS)
    if marks is None:
        marks = scope[MARKS] = Marks("none", "")
    return marks


def request_id_of(scope: ASGIScope) -> str:
    return marks_of(scope).request_id


class RequestHeaders(list[tuple[bytes, bytes]]):
    """A request's headers, names in lower case, with the first value of each name at hand once they are `whole`: a hot
    route asks for ten of them. Nothing is added after that."""

    __slots__ = ("first",)

    def whole(self) -> Self:
        """All of them are there."""
        self.first = dict(reversed(self))
        return self


def header(scope: ASGIScope, name: bytes) -> str | None:
    """The first header of that name (lower case), as text."""
    headers = scope["headers"]
    if type(headers) is RequestHeaders:
        found = headers.first.get(name)
        return None if found is None else found.decode("latin-1")
    for key, value in headers:
        if key == name:
            return value.decode("latin-1")
    return None
