"""Whether a process lives, and whether it can serve."""

from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from nightmarket.entrypoints.provided import TheShop
from nightmarket.kernel.problems import Unavailable
from nightmarket.platform.access import Scope, require
from nightmarket.platform.telemetry import CONTENT_TYPE, Exchange, render_metrics


@get("/health/live", include_in_schema=False)
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@get("/health/ready", include_in_schema=False)
async def ready(shop: TheShop) -> Response[dict[str, str]]:
    """The process and its database answer."""
    try:
        await shop.database.answers()
    except Unavailable as error:
        return Response({"status": "waiting", "reason": error.what}, status_code=503)
    return Response({"status": "ready"})


def metrics(exchange: Exchange) -> HTTPRouteHandler:
    """The route of Prometheus figures of all processes of this machine; from afar only with a key that may see them."""

    @get("/metrics", include_in_schema=False, media_type=CONTENT_TYPE)
    async def figures(request: Request[Any, Any, Any], shop: TheShop) -> bytes:
        if not shop.settings.is_loopback:
            require(await shop.access.client(request.headers.get("authorization", "")), Scope.HEALTH_READ)
        return render_metrics(exchange)

    return figures
