"""Whether a process lives, and whether it can serve."""

from litestar import Response, get

from nightmarket.bootstrap import Shop
from nightmarket.kernel.problems import Unavailable


@get("/health/live", include_in_schema=False)
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@get("/health/ready", include_in_schema=False)
async def ready(shop: Shop) -> Response[dict[str, str]]:
    """The process and its database answer."""
    try:
        await shop.database.answers()
    except Unavailable as error:
        return Response({"status": "waiting", "reason": error.what}, status_code=503)
    return Response({"status": "ready"})
