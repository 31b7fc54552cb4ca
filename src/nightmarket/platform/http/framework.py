"""The same answers to errors from inside Litestar."""

import re
import traceback
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec
import structlog
from litestar import Request
from litestar import Response as FrameworkResponse
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    SerializationException,
    ValidationException,
)
from litestar.serialization import decode_json

from nightmarket.kernel.problems import InvalidInput, Problem, Unavailable
from nightmarket.kernel.shapes import misfit

from .asgi import HOT_METHODS, ASGIScope, request_id_of
from .bodies import no_body, no_json, require_media_type
from .errors import WrongMediaType
from .problems import Errors, PlainError

AnyRequest: TypeAlias = Request[Any, Any, Any]

BODY = "data"
"""What routes call the body."""

_NO_BODY = f"Object missing required field `{BODY}`"
_MISSING = re.compile(r"^Missing required (?P<where>\w+) parameter '(?P<name>[^']+)'")

log = structlog.get_logger(__name__)

Handlers = dict[int | type[Exception], Callable[[AnyRequest, Any], FrameworkResponse[Any]]]


def translate(error: Exception, request: AnyRequest, described_at: str = "") -> BaseException:
    """Litestar's own exceptions as ours; all others as they are. `described_at` is where the API is described."""
    cause = error.__cause__
    if isinstance(cause, Problem | Unavailable):
        return cause
    if isinstance(error, ValidationException):
        return _invalid(error, request)
    behind = cause.__cause__ if isinstance(cause, SerializationException) else None
    if isinstance(behind, msgspec.DecodeError):
        return _no_json(behind, request)
    if isinstance(error, RecursionError | UnicodeDecodeError) and _of_decoding(error):
        return _no_json(error, request)
    if isinstance(error, NotFoundException | MethodNotAllowedException):
        return _unanswered(error, request, described_at)
    if isinstance(error, HTTPException) and error.status_code < 500:
        headers = [(name.lower().encode(), value.encode()) for name, value in (error.headers or {}).items()]
        return PlainError(error.status_code, error.detail, headers)
    return error


def _invalid(error: ValidationException, request: AnyRequest) -> Problem:
    missing = _MISSING.match(error.detail)
    if missing:
        where = "header" if missing["where"] == "header" else f"{missing['where']} parameter"
        return InvalidInput(f"The {where} {missing['name']} is missing; add it.", field=missing["name"])
    cause = error.__cause__
    if not isinstance(cause, msgspec.ValidationError):
        return InvalidInput(error.detail)
    if str(cause) == _NO_BODY:
        return no_body()
    return misfit(cause, request.route_handler.signature_model, lambda path: _called(path, request))


def _called(path: str, request: AnyRequest) -> str:
    """What whoever asks calls what the route has as an argument, or as a part of one."""
    name = re.split(r"[.\[]", path, maxsplit=1)[0]
    rest = path[len(name) :]
    if name == BODY:
        return rest.removeprefix(".")
    argument = request.route_handler.parsed_fn_signature.parameters.get(name)
    return (getattr(argument and argument.kwarg_definition, "name", None) or name) + rest


def _of_decoding(error: Exception) -> bool:
    """Whether Litestar read a body when this was raised: it lets through what is no msgspec.DecodeError."""
    return traceback.extract_tb(error.__traceback__)[-1].name == decode_json.__name__


def _no_json(error: msgspec.DecodeError | RecursionError | UnicodeDecodeError, request: AnyRequest) -> Problem:
    try:
        require_media_type(request.scope, "application/json")
    except WrongMediaType as problem:
        return problem
    return no_json(error)


def _unanswered(
    error: NotFoundException | MethodNotAllowedException, request: AnyRequest, described_at: str
) -> PlainError:
    """What there is at an address, or where to read what there is. Routes that Litestar does not know count as well."""
    scope: ASGIScope = request.scope
    allowed = set((error.headers or {}).get("allow", "").split(", ")) - {""}
    allowed |= set(scope[HOT_METHODS](scope["path"]) if HOT_METHODS in scope else ())
    if not allowed:
        described = f" What the API answers is described at {described_at}." if described_at else ""
        return PlainError(404, f"There is nothing at this address.{described}")
    if "GET" in allowed:
        allowed.add("HEAD")
    asked = sorted(allowed - {"OPTIONS", "HEAD"})
    allow = ", ".join(sorted(allowed))
    text = f"{request.method} is not answered at this address; send {' or '.join(asked)}."
    return PlainError(405, text, [(b"allow", allow.encode())])


def exception_handlers(told: Callable[[AnyRequest], tuple[Errors, str]]) -> Handlers:
    """For `Litestar(exception_handlers=...)`: problems and pages as at the edge, and unexpected errors in the log.
    `told` gives how a request's errors look, and where the API is described that it asked."""

    def answer(request: AnyRequest, error: Any) -> FrameworkResponse[Any]:
        errors, described_at = told(request)
        known = translate(error, request, described_at)
        if not isinstance(known, Problem | Unavailable | PlainError):
            log.error(
                "request_failed", request=request_id_of(request.scope), path=request.scope["path"], exc_info=error
            )
        response = errors.response(known, request.scope)
        headers = {name.decode(): value.decode() for name, value in response.headers}
        media_type = headers.pop("content-type").removesuffix("; charset=utf-8")  # Litestar adds it
        return FrameworkResponse(response.body, status_code=response.status, headers=headers, media_type=media_type)

    return {Problem: answer, Unavailable: answer, HTTPException: answer, Exception: answer}
