"""Pages of words: terms and privacy."""

from typing import Any

from litestar import Request, get
from litestar.response.base import ASGIResponse

from .storefront import TheStore


@get("/terms", include_in_schema=False)
async def terms(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """What holds between shopper, merchants and market."""
    return await store.page(await store.site.visit(request.scope), "terms.html")


@get("/privacy", include_in_schema=False)
async def privacy(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """What is kept, where, and what is not done."""
    return await store.page(await store.site.visit(request.scope), "privacy.html")


ROUTES = [terms, privacy]
