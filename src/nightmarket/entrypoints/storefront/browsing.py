"""Pages for looking around: lists of goods, categories, merchants."""

from typing import Any

from litestar import Request, get
from litestar.params import FromPath, FromQuery
from litestar.response.base import ASGIResponse

from nightmarket.catalog.contract import Card
from nightmarket.entrypoints.pages import Visit
from nightmarket.kernel.problems import NotFound

from .storefront import Storefront, TheStore
from .wares import wares_of

PAGE_GOODS = 24
MAX_AFTER = 200


@get("/goods", include_in_schema=False)
async def goods(request: Request[Any, Any, Any], store: TheStore, after: FromQuery[str | None] = None) -> ASGIResponse:
    """Everything there is, page by page."""
    visit = await store.site.visit(request.scope)
    cards = await store.shop.catalog.cards(after=_checked(after), limit=PAGE_GOODS + 1)
    return await _list(store, visit, cards, path="/goods", after=after)


@get("/categories/{slug:str}", include_in_schema=False)
async def category(
    request: Request[Any, Any, Any], store: TheStore, slug: FromPath[str], after: FromQuery[str | None] = None
) -> ASGIResponse:
    """The goods of a category and those below it."""
    directory = await store.directory()
    if slug not in directory.categories:
        raise NotFound("There is no such category.")
    visit = await store.site.visit(request.scope)
    cards = await store.shop.catalog.cards(category=slug, after=_checked(after), limit=PAGE_GOODS + 1)
    return await _list(store, visit, cards, path=f"/categories/{slug}", after=after, category=slug)


@get("/merchants/{slug:str}", include_in_schema=False)
async def merchant(
    request: Request[Any, Any, Any], store: TheStore, slug: FromPath[str], after: FromQuery[str | None] = None
) -> ASGIResponse:
    """A merchant's stall."""
    found = (await store.directory()).merchant_by_slug(slug)
    if found is None:
        raise NotFound("There is no such merchant.")
    visit = await store.site.visit(request.scope)
    cards = await store.shop.catalog.cards(merchant=found.id, after=_checked(after), limit=PAGE_GOODS + 1)
    return await _list(store, visit, cards, path=f"/merchants/{slug}", after=after, merchant=found)


def _checked(after: str | None) -> str | None:
    """A slug to go on from; what cannot be one begins at the start."""
    return after if after and len(after) <= MAX_AFTER and "\x00" not in after else None


async def _list(
    store: Storefront, visit: Visit, cards: list[Card] | Any, *, path: str, after: str | None, **words: object
) -> ASGIResponse:
    """One page of a list; one card more than fits says that there is another page."""
    shown = cards[:PAGE_GOODS]
    return await store.page(
        visit,
        "list.html",
        wares=await wares_of(store.shop, visit, shown),
        path=path,
        first=not after,
        next_after=shown[-1].slug if len(cards) > PAGE_GOODS else None,
        category=words.get("category"),
        merchant=words.get("merchant"),
    )


ROUTES = [goods, category, merchant]
