"""Whether a process lives, and whether it can serve."""

from typing import Any

from litestar import Request, Response, get

from nightmarket.entrypoints.provided import TheShop
from nightmarket.entrypoints.serving import serving_of
from nightmarket.kernel.problems import Defect, Unavailable
from nightmarket.platform.access import Scope, require
from nightmarket.platform.telemetry import CONTENT_TYPE, render_metrics


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


@get("/metrics", include_in_schema=False, media_type=CONTENT_TYPE)
async def metrics(request: Request[Any, Any, Any], shop: TheShop) -> bytes:
    """Prometheus figures of all processes of this machine; from afar only with a key that may see them."""
    if not shop.settings.is_loopback:
        require(await shop.access.client(request.headers.get("authorization", "")), Scope.HEALTH_READ)
    exchange = serving_of(request.scope).exchange
    if exchange is None:
        raise Defect("a process without figures has no such route")
    return render_metrics(exchange)
