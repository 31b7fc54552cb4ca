"""A tiny router before the framework, for the few routes that everyone hits at once."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import msgspec

from .asgi import HOT_METHODS, ASGIApp, ASGIScope, Receive, Response, Send, marks_of
from .bodies import BODY_LIMIT, read_body, require_media_type
from .forms import SAFE_METHODS

Handler: TypeAlias = Callable[[ASGIScope, bytes, str], Awaitable[Response]]
"""Gets scope, body and the one parameter of the path ("" if it has none); raises Problems freely."""


class Route(msgspec.Struct, frozen=True):
    """A method and a path, exact or with one `{parameter}` that fills a whole segment.

    `media_type` is what a body must be ("" takes any); `body_limit` is in bytes. A `page` gets the headers of a page.
    """

    method: str
    path: str
    handler: Handler
    media_type: str = "application/json"
    body_limit: int = BODY_LIMIT
    page: bool = False


class _Pattern(msgspec.Struct, frozen=True):
    prefix: str
    suffix: str
    route: Route


class Dispatcher:
    """Answers its own routes; every other request falls through to the application behind it.

    What handlers raise goes to the `Edge` around it, which answers.
    """

    def __init__(self, routes: Sequence[Route], fallback: ASGIApp) -> None:
        self._fallback = fallback
        self._exact: dict[tuple[str, str], Route] = {}
        self._patterns: dict[str, list[_Pattern]] = {}
        for route in routes:
            head, brace, rest = route.path.partition("{")
            if not brace:
                self._exact[route.method, route.path] = route
                continue
            suffix = rest.partition("}")[2]
            if not head.endswith("/") or "{" in suffix or (suffix and suffix[0] != "/"):
                raise ValueError(f"{route.path} has more than one parameter, or one that is no whole segment")
            self._patterns.setdefault(route.method, []).append(_Pattern(head, suffix, route))
        for patterns in self._patterns.values():
            patterns.sort(key=lambda pattern: (-len(pattern.suffix), -len(pattern.prefix)))

    def find(self, method: str, path: str) -> tuple[Route, str] | None:
        """The route and its parameter; longer suffixes first, and a parameter never spans two segments."""
        route = self._exact.get((method, path))
        if route is not None:
            return route, ""
        for pattern in self._patterns.get(method, ()):
            if path.startswith(pattern.prefix) and path.endswith(pattern.suffix):
                parameter = path[len(pattern.prefix) : len(path) - len(pattern.suffix)]
                if parameter and "/" not in parameter:
                    return pattern.route, parameter
        return None

    def methods(self, path: str) -> list[str]:
        """The methods that are answered here at a path."""
        known = dict.fromkeys([*(method for method, _ in self._exact), *self._patterns])
        return [method for method in known if self.find(method, path) is not None]

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            found = self.find(scope["method"], scope["path"])
            if found is not None:
                route, parameter = found
                marks = marks_of(scope)
                marks.route = route.path
                marks.hot = True
                marks.page = route.page
                body = b""
                if route.method not in SAFE_METHODS:
                    body = await read_body(receive, route.body_limit)
                    if body and route.media_type:
                        require_media_type(scope, route.media_type)
                response = await route.handler(scope, body, parameter)
                await response.send(send)
                return
            scope[HOT_METHODS] = self.methods
        await self._fallback(scope, receive, send)
