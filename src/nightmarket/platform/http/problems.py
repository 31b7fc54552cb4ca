"""Errors as answers: RFC 9457 for programs, a page for people, nothing internal for anybody."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from nightmarket.kernel.problems import Kind, Problem, Unavailable

from .asgi import HTML, ASGIScope, Headers, Response, header, request_id_of

PROBLEM_JSON = b"application/problem+json"

_ENCODER = msgspec.json.Encoder(enc_hook=str)


class ProblemBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457. `type` is a path of this site, `instance` the request's id, `code` what programs branch on."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str
    field: str | None = None
    fields: dict[str, Any] | None = None


ErrorPage = Callable[[ProblemBody, ASGIScope], bytes]
"""Renders an error for people, as UTF-8 HTML."""


Shape = Callable[[ProblemBody], tuple[bytes, bytes]]
"""Says an error as an API of its own wants it: content type and body."""


class PlainError(Exception):
    """An HTTP status without a Problem of ours, as web frameworks raise them."""

    def __init__(self, status: int, detail: str = "", headers: Headers | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or []


def describe(error: BaseException, request_id: str) -> tuple[ProblemBody, Headers]:
    """What to say about an error, and the headers that go with it."""
    match error:
        case Problem():
            body = _body(error.code, error.status, error.detail, request_id, error.field, error.fields)
            return body, _problem_headers(error)
        case Unavailable():
            retry: Headers = [(b"retry-after", b"%d" % max(1, error.retry_after_seconds))]
            return _body("unavailable", 503, error.what, request_id), retry
        case PlainError():
            phrase = HTTPStatus(error.status).phrase
            code = phrase.lower().replace(" ", "_").replace("-", "_").replace("'", "")
            return _body(code, error.status, error.detail or f"{phrase}.", request_id), error.headers
        case _:
            detail = "Something went wrong on our side and was noted. Try again; if it stays, tell us the instance."
            return _body("internal_error", 500, detail, request_id), []


def _body(
    code: str,
    status: int,
    detail: str,
    request_id: str,
    field: str | None = None,
    fields: dict[str, Any] | None = None,
) -> ProblemBody:
    title = code.replace("_", " ").capitalize()
    return ProblemBody(f"/problems/{code}", title, status, detail, code, request_id, field, fields or None)


def _problem_headers(error: Problem) -> Headers:
    headers: Headers = []
    if error.kind is Kind.UNAUTHENTICATED:
        headers.append((b"www-authenticate", b"Bearer"))
    seconds = error.fields.get("retry_after_seconds")
    if isinstance(seconds, int):
        headers.append((b"retry-after", b"%d" % max(1, seconds)))
    return headers


def wants_page(scope: ASGIScope) -> bool:
    """Whether a browser asks, to show the answer to a person."""
    accept = header(scope, b"accept")
    return accept is not None and "text/html" in accept


class Errors:
    """Turns errors into answers. `page` renders those that people see; without it they get JSON too. `shapes` are the
    words of APIs that say errors in another way, by the beginning of their paths."""

    def __init__(self, page: ErrorPage | None = None, shapes: Sequence[tuple[str, Shape]] = ()) -> None:
        self._page = page
        self._shapes = tuple(shapes)

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Beginnings of the paths that have words of their own."""
        return tuple(prefix for prefix, _ in self._shapes)

    def response(self, error: BaseException, scope: ASGIScope) -> Response:
        """The answer to an error: a page where one is wanted, else problem+json. Never cached."""
        body, headers = describe(error, request_id_of(scope))
        headers = [*headers, (b"cache-control", b"no-store")]
        if self._page is not None and wants_page(scope):
            return Response(body.status, [(b"content-type", HTML), *headers], self._page(body, scope))
        path: str = scope.get("path") or ""
        for prefix, shape in self._shapes:
            if path.startswith(prefix):
                kind, words = shape(body)
                return Response(body.status, [(b"content-type", kind), *headers], words)
        return Response(body.status, [(b"content-type", PROBLEM_JSON), *headers], _ENCODER.encode(body))
