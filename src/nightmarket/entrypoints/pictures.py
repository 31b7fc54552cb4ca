"""Pictures of goods, in the widths that pages ask for."""

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from nightmarket.entrypoints.provided import TheShop

YEAR_SECONDS = 31_536_000


@get("/media/{sha256:str}/{width:int}", include_in_schema=False)
async def picture(
    request: Request[Any, Any, Any], shop: TheShop, sha256: FromPath[str], width: FromPath[int]
) -> Response[bytes]:
    """A picture by its hash; it never changes, so it may be kept for ever."""
    found = await shop.library.open(sha256, width)
    headers = {"etag": found.etag, "cache-control": f"public, max-age={YEAR_SECONDS}, immutable"}
    if request.headers.get("if-none-match") == found.etag:
        return Response(b"", status_code=304, headers=headers)
    return Response(found.body, media_type=found.mime, headers=headers)
