"""The same answers to errors from inside Litestar."""

from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from litestar import Request
from litestar import Response as FrameworkResponse
from litestar.exceptions import HTTPException, ValidationException

from nightmarket.kernel.problems import InvalidInput, Problem, Unavailable

from .asgi import request_id_of
from .errors import MalformedBody
from .problems import Errors, PlainError


class _Extra(msgspec.Struct):
    message: str
    key: str = ""


log = structlog.get_logger(__name__)

Handlers = dict[int | type[Exception], Callable[[Request[Any, Any, Any], Any], FrameworkResponse[Any]]]


def translate(error: Exception) -> BaseException:
    """Litestar's own exceptions as ours; all others as they are."""
    cause = error.__cause__
    if isinstance(cause, Problem | Unavailable):
        return cause
    if isinstance(error, ValidationException):
        return _invalid(error)
    if isinstance(error, RecursionError) and "deserializing" in str(error):
        return MalformedBody("The JSON is nested too deeply.")
    if isinstance(error, HTTPException) and error.status_code < 500:
        headers = [(name.lower().encode(), value.encode()) for name, value in (error.headers or {}).items()]
        return PlainError(error.status_code, error.detail, headers)
    return error


def _invalid(error: ValidationException) -> InvalidInput:
    try:
        first = msgspec.convert(error.extra, list[_Extra])[0]
    except (msgspec.ValidationError, IndexError):
        return InvalidInput(error.detail)
    missing = first.message == f"'{first.key}'"  # nothing but a KeyError's text: there was no body
    return InvalidInput("Send a body as JSON." if missing else first.message, field=first.key or None)


def exception_handlers(errors: Errors) -> Handlers:
    """For `Litestar(exception_handlers=...)`: problems and pages as at the edge, and unexpected errors in the log."""

    def answer(request: Request[Any, Any, Any], error: Any) -> FrameworkResponse[Any]:
        known = translate(error)
        if not isinstance(known, Problem | Unavailable | PlainError):
            log.error(
                "request_failed", request=request_id_of(request.scope), path=request.scope["path"], exc_info=error
            )
        response = errors.response(known, request.scope)
        headers = {name.decode(): value.decode() for name, value in response.headers}
        media_type = headers.pop("content-type")
        return FrameworkResponse(response.body, status_code=response.status, headers=headers, media_type=media_type)

    return {Problem: answer, Unavailable: answer, HTTPException: answer, Exception: answer}
