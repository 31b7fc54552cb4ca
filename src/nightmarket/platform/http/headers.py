"""The headers that every answer carries."""

from http import HTTPStatus

from .asgi import Headers

_SOURCES = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
)
CONTENT_SECURITY_POLICY = "; ".join(_SOURCES)
HSTS_SECONDS = 365 * 24 * 3_600

_REFUSED_FEATURES = (
    "accelerometer",
    "browsing-topics",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "usb",
)


def _shared(public_url: str) -> Headers:
    headers: Headers = [(b"x-content-type-options", b"nosniff")]
    if public_url.startswith("https://"):
        headers.append((b"strict-transport-security", b"max-age=%d" % HSTS_SECONDS))
    return headers


def api_headers(public_url: str) -> Headers:
    """For answers that no browser shows as a page: enough, and few bytes."""
    return [*_shared(public_url), (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")]


def page_headers(public_url: str) -> Headers:
    """For everything else; an answer that sets one of these itself keeps its own."""
    policy = ", ".join(f"{feature}=()" for feature in _REFUSED_FEATURES)
    return [
        *_shared(public_url),
        (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
        (b"referrer-policy", b"strict-origin-when-cross-origin"),
        (b"permissions-policy", policy.encode()),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
    ]


_STATUS_LINES = {one.value: f"HTTP/1.1 {one.value} {one.phrase}\r\n".encode() for one in HTTPStatus}


def status_line(status: int) -> bytes:
    """The first line of an answer."""
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status
