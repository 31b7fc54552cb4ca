"""Signed requests at the order API: what arrived, put together for the check, and refused before anything is done."""

from typing import Any, TypeAlias
from urllib.parse import urlsplit

from litestar import Request as Asked

from nightmarket.bootstrap import Shop
from nightmarket.entrypoints.provided import shop_of
from nightmarket.platform.access.signed import verify
from nightmarket.platform.http import ASGIScope, header
from nightmarket.platform.signatures import Request

AnyAsked: TypeAlias = Asked[Any, Any, Any]


def is_signed(scope: ASGIScope) -> bool:
    """Whether a request carries a signature, good or not."""
    return header(scope, b"signature-input") is not None or header(scope, b"signature") is not None


async def check(shop: Shop, scope: ASGIScope, body: bytes) -> None:
    """Refuse a signed request whose signature does not hold. Raises as `verify`."""
    await verify(shop.agents, _request(shop, scope, body), shop.clock.now())


async def check_asked(request: AnyAsked) -> None:
    """As `check`, before the framework calls a route; a request without a signature is let through."""
    if is_signed(request.scope):
        await check(shop_of(request.scope), request.scope, await request.body())


def _request(shop: Shop, scope: ASGIScope, body: bytes) -> Request:
    """The request as it was signed. It has to be meant for this shop, so the address is ours, whatever Host says; but
    one's own machine has many names."""
    ours = urlsplit(shop.settings.address)
    host = (header(scope, b"host") if shop.settings.is_loopback else None) or ours.netloc
    path = (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0].decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1").strip()
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    url = f"{ours.scheme}://{host}{path}{'?' + query if query else ''}"
    return Request(scope["method"], url, headers, body)
