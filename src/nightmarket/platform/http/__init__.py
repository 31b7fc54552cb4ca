"""What both the framework and the bare routes before it use of HTTP. For entrypoints and bootstrap only.

Edge(app, ids, EdgeOptions(public_url=..., observe=..., limiter=..., body_limits=..., errors=Errors(page)))
Dispatcher([Route("POST", "/x/{id}/complete", handler)], fallback)    handler(scope, body, parameter) -> Response
Response(status, headers, body); json_response(value, status=200, headers=None) -> Response
await response.send(send)
Errors(page=None).response(error, scope) -> Response                  page(ProblemBody, scope) -> bytes
exception_handlers(told) -> for Litestar(exception_handlers=...)    in http.framework
describe(error, request_id) -> (ProblemBody, headers); PlainError(status, detail)
request_id_of(scope) -> str; marks_of(scope).address -> str; header(scope, b"name") -> str | None
Cookies(secure=...).read(scope) / .keep(name, value, life) / .drop(name) / .after(caller) -> Set-Cookie headers
await caller_of(scope, access, cookies) -> access.Caller
FormTokens(secret_key, public_url=...).issue(binding) -> str; .check(scope, binding, token) -> None
check_origin(scope, public_url="") -> None
await read_body(receive, limit) -> bytes; require_media_type(scope, "application/json"); media_type(scope) -> str
decode_json(body, Struct) -> Struct; decode_form(body, Struct) -> Struct; parse_form(body) -> dict[str, list[str]]
Wire: base struct that refuses unknown fields
RateLimiter(Rate(amount, seconds)).take(key, now_ns, cost=1) -> Verdict; .require(key, now_ns); .headers(verdict)
safe_next(value, default="/") -> str
"""

from .asgi import (
    HTML,
    JSON,
    ASGIApp,
    ASGIScope,
    Headers,
    Receive,
    Response,
    Send,
    header,
    json_response,
    marks_of,
    request_id_of,
)
from .bodies import (
    BODY_LIMIT,
    FORM_TOKEN_FIELD,
    Wire,
    decode_form,
    decode_json,
    media_type,
    parse_form,
    read_body,
    require_media_type,
)
from .caching import immutable_response
from .cookies import Cookies, caller_of
from .dispatcher import Dispatcher, Route
from .edge import TOO_MANY_WAIT, AccessLine, Edge, EdgeOptions, Observe, Straight, log_access
from .errors import BodyTooLarge, CrossSiteRequest, FormExpired, MalformedBody, TooManyRequests, WrongMediaType
from .forms import FORM_TOKEN_HEADER, SAFE_METHODS, FormTokens, check_origin
from .headers import CONTENT_SECURITY_POLICY
from .limits import Rate, RateLimiter, Verdict, address_key
from .problems import ErrorPage, Errors, PlainError, ProblemBody, describe, wants_page
from .redirects import safe_next
from .shedding import Shedder, ShedLimits

__all__ = [
    "BODY_LIMIT",
    "CONTENT_SECURITY_POLICY",
    "FORM_TOKEN_FIELD",
    "FORM_TOKEN_HEADER",
    "HTML",
    "JSON",
    "SAFE_METHODS",
    "TOO_MANY_WAIT",
    "ASGIApp",
    "ASGIScope",
    "AccessLine",
    "BodyTooLarge",
    "Cookies",
    "CrossSiteRequest",
    "Dispatcher",
    "Edge",
    "EdgeOptions",
    "ErrorPage",
    "Errors",
    "FormExpired",
    "FormTokens",
    "Headers",
    "MalformedBody",
    "Observe",
    "PlainError",
    "ProblemBody",
    "Rate",
    "RateLimiter",
    "Receive",
    "Response",
    "Route",
    "Send",
    "ShedLimits",
    "Shedder",
    "Straight",
    "TooManyRequests",
    "Verdict",
    "Wire",
    "WrongMediaType",
    "address_key",
    "caller_of",
    "check_origin",
    "decode_form",
    "decode_json",
    "describe",
    "header",
    "immutable_response",
    "json_response",
    "log_access",
    "marks_of",
    "media_type",
    "parse_form",
    "read_body",
    "request_id_of",
    "require_media_type",
    "safe_next",
    "wants_page",
]
