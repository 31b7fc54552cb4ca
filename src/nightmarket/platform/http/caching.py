"""Answers that may be kept for ever, since their address names their content."""

from .asgi import ASGIScope, Response, header

IMMUTABLE = b"public, max-age=31536000, immutable"


def immutable_response(scope: ASGIScope, body: bytes, mime: str, etag: str) -> Response:
    """The bytes with a year's caching; 304 for a client that has them. Pages of others may show them."""
    headers = [
        (b"content-type", mime.encode()),
        (b"cache-control", IMMUTABLE),
        (b"etag", etag.encode()),
        (b"cross-origin-resource-policy", b"cross-origin"),
    ]
    known = header(scope, b"if-none-match")
    if known is not None and (
        known.strip() == "*" or etag in {one.strip().removeprefix("W/") for one in known.split(",")}
    ):
        return Response(304, headers[1:])
    return Response(200, headers, body)
