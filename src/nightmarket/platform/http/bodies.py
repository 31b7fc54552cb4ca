"""Reading what clients send: bounded, of the right type, in UTF-8, and without unknown fields."""

import re
from collections import defaultdict
from functools import lru_cache
from typing import Any, TypeVar, get_origin, get_type_hints
from urllib.parse import unquote_to_bytes

import msgspec

from nightmarket.kernel.problems import InvalidInput
from nightmarket.kernel.shapes import misfit

from .asgi import ASGIScope, Receive, header
from .errors import BodyTooLarge, MalformedBody, WrongMediaType

BODY_LIMIT = 64 * 1024
"""Bytes of a body where a route says nothing else."""

FORM_FIELDS_LIMIT = 500
FORM_TOKEN_FIELD = "csrf_token"  # noqa: S105 (the name of a field)

FORM = "application/x-www-form-urlencoded"

T = TypeVar("T")

_BROKEN = re.compile(r"^JSON is malformed: (?P<fault>.*) \(byte (?P<at>\d+)\)$", re.DOTALL)


class Wire(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A base for input whose unknown fields are refused by name."""


def media_type(scope: ASGIScope) -> str:
    """The content type without its parameters, in lower case; "" when there is none."""
    return (header(scope, b"content-type") or "").partition(";")[0].strip().lower()


def require_media_type(scope: ASGIScope, expected: str) -> None:
    """Raise WrongMediaType unless the body is of that type and, if it names a charset, in UTF-8."""
    given = header(scope, b"content-type")
    if given == expected:
        return
    value = (given or "").lower()
    kind, _, rest = value.partition(";")
    if kind.strip() != expected:
        raise WrongMediaType(f"Send this as {expected}.", expected=expected)
    charset = re.search(r'charset\s*=\s*"?([^";\s]+)', rest)
    if charset and charset[1] not in {"utf-8", "utf8", "us-ascii"}:
        raise WrongMediaType("Send this in UTF-8.", expected=f"{expected}; charset=utf-8")


def declared_length(scope: ASGIScope) -> int | None:
    """Content-Length, if there is one; raises MalformedBody when it is no number."""
    value = header(scope, b"content-length")
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 20):
        raise MalformedBody("Content-Length is not a number.")
    return int(value)


def too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"At most {limit:,} bytes are read here.", limit_bytes=limit)


async def read_body(receive: Receive, limit: int = BODY_LIMIT) -> bytes:
    """The whole body, or BodyTooLarge as soon as it exceeds the limit, or MalformedBody if the client goes away."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body = message.get("body", b"")
        if len(body) > limit:
            raise too_large(limit)
        return body
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise MalformedBody("The connection ended before the body did.")
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise too_large(limit)
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


@lru_cache(maxsize=512)
def _decoder(shape: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(shape)


def decode_json(body: bytes, shape: type[T]) -> T:
    """The body as that struct.

    Raises MalformedBody, or InvalidInput with the path of the field, as `lines[0].quantity`.
    """
    try:
        return _decoder(shape).decode(body)
    except msgspec.ValidationError as error:
        raise misfit(error, shape) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise (no_json(error) if body else no_body()) from None


def no_body() -> MalformedBody:
    return MalformedBody("There is no body; send one as JSON.")


def no_json(error: msgspec.DecodeError | UnicodeDecodeError | RecursionError) -> MalformedBody:
    """What to say of a body that is no JSON at all."""
    if isinstance(error, UnicodeDecodeError):
        return MalformedBody("The JSON is not in UTF-8; send it in UTF-8.")
    if isinstance(error, RecursionError):
        return MalformedBody("The JSON is nested too deeply; flatten it.")
    broken = _BROKEN.match(str(error))
    if broken:
        text = (
            f"The body is not JSON: {broken['fault']} at byte {broken['at']}. Check quotes, commas and brackets there."
        )
        return MalformedBody(text)
    return MalformedBody("The JSON ends too early; send all of it, each quote and bracket closed.")


def parse_form(body: bytes) -> dict[str, list[str]]:
    """The fields of an urlencoded form, in order. Raises MalformedBody for other encodings than UTF-8 or too many."""
    fields: defaultdict[str, list[str]] = defaultdict(list)
    if not body:
        return fields
    pairs = body.split(b"&")
    if len(pairs) > FORM_FIELDS_LIMIT:
        raise MalformedBody(f"A form has at most {FORM_FIELDS_LIMIT} fields.")
    for pair in pairs:
        name, _, value = pair.replace(b"+", b" ").partition(b"=")
        try:
            fields[unquote_to_bytes(name).decode()].append(unquote_to_bytes(value).decode())
        except UnicodeDecodeError:
            raise MalformedBody("The form is not in UTF-8.") from None
    return dict(fields)


_LISTS = (list, tuple, set, frozenset)


@lru_cache(maxsize=512)
def _list_fields(shape: Any) -> dict[str, bool]:
    hints = get_type_hints(shape)
    return {
        field.encode_name: get_origin(hints[field.name]) in _LISTS or hints[field.name] in _LISTS
        for field in msgspec.structs.fields(shape)
    }


@lru_cache(maxsize=512)
def _optional_fields(shape: Any) -> frozenset[str]:
    return frozenset(field.encode_name for field in msgspec.structs.fields(shape) if not field.required)


def decode_form(body: bytes, shape: type[T]) -> T:
    """An urlencoded form as that struct; the form token is left out.

    Numbers and dates are read from their text. An empty field counts as absent where the struct has a default, since
    browsers send every field. Unknown and repeated fields are refused: InvalidInput with the field's name.
    """
    many = _list_fields(shape)
    plain: dict[str, str | list[str]] = {}
    for name, values in parse_form(body).items():
        if name == FORM_TOKEN_FIELD:
            continue
        if name not in many:
            raise InvalidInput(f"There is no such field: {name[:100]}.", field=name[:100])
        if many[name]:
            plain[name] = values
        elif len(values) > 1:
            raise InvalidInput(f"This field was sent {len(values)} times: {name}.", field=name)
        elif values[0] or name not in _optional_fields(shape):
            plain[name] = values[0]
    try:
        return msgspec.convert(plain, shape, strict=False)
    except msgspec.ValidationError as error:
        raise misfit(error, shape) from None
