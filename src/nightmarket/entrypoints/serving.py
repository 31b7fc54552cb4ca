"""With what a request is answered. The routes are made once in a process: what differs comes with each request."""

from collections.abc import Mapping
from dataclasses import dataclass

from nightmarket.entrypoints.console import Console
from nightmarket.entrypoints.provided import SHOP
from nightmarket.entrypoints.storefront import Storefront
from nightmarket.platform.http import ASGIApp, ASGIScope, Errors, Receive, Send
from nightmarket.platform.telemetry import Exchange

SERVING = "nightmarket.serving"


@dataclass(frozen=True)
class Serving:
    """Stands before the routes: a shop's pages, its console and how its errors look. A dry run has another one."""

    routes: ASGIApp
    store: Storefront
    console: Console
    errors: Errors
    exchange: Exchange | None = None
    """Where this process puts its figures beside those of others; without it there is no /metrics."""

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        scope[SERVING] = self
        scope[SHOP] = self.store.shop
        await self.routes(scope, receive, send)


def serving_of(scope: Mapping[str, object]) -> Serving:
    """What serves a request."""
    found = scope[SERVING]
    assert isinstance(found, Serving)
    return found
