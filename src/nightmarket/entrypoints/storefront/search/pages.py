"""Routes of search and of every list of goods."""

from typing import Any

from litestar import Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from nightmarket.discovery.contract import BRAND, CATEGORY, MERCHANT
from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.storefront.storefront import Storefront, TheStore
from nightmarket.kernel.problems import NotFound

from .asking import Asked, address, is_canonical, read
from .letters import by_letter
from .listing import Scope, listing

MAX_REDIRECT_LETTERS = 1_500
"""Of an address that is redirected to; longer ones are answered as they stand."""


@get("/search", include_in_schema=False)
async def search(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """What fits the words that were typed."""
    return await _list(request, store, "/search", None, "search/found.html")


@get("/goods", include_in_schema=False)
async def goods(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """Everything there is."""
    return await _list(request, store, "/goods", None, "search/goods.html")


@get("/categories/{slug:str}", include_in_schema=False)
async def category(request: Request[Any, Any, Any], store: TheStore, slug: FromPath[str]) -> ASGIResponse:
    """The goods of a category and those below it."""
    found = (await store.directory()).categories.get(slug)
    if found is None:
        raise NotFound("There is no such category.")
    return await _list(request, store, f"/categories/{slug}", Scope(CATEGORY, slug), "search/category.html", here=found)


@get("/merchants/{slug:str}", include_in_schema=False)
async def merchant(request: Request[Any, Any, Any], store: TheStore, slug: FromPath[str]) -> ASGIResponse:
    """A merchant's stall."""
    found = (await store.directory()).merchant_by_slug(slug)
    if found is None:
        raise NotFound("There is no such merchant.")
    scope = Scope(MERCHANT, slug)
    return await _list(request, store, f"/merchants/{slug}", scope, "search/merchant.html", merchant=found)


@get("/brands", include_in_schema=False)
async def brands(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """All brands, from A to Z."""
    visit = await store.site.visit(request.scope)
    directory = await store.directory()
    goods = await store.shop.search.brands()
    letters = by_letter([one for one in directory.brands.values() if goods.get(one.slug)])
    return await _page(store, visit, "search/brands.html", letters=letters, goods=goods)


async def _list(
    request: Request[Any, Any, Any], store: Storefront, path: str, scope: Scope | None, template: str, **words: Any
) -> ASGIResponse:
    """A list at its canonical address; any other way to write it leads there."""
    visit = await store.site.visit(request.scope)
    directory = await store.directory()
    query = request.scope["query_string"]
    filterable = {one.key for one in directory.attributes.values() if one.filterable}
    asked = _fitting(read(query, filterable), scope)
    canonical = address(path, asked)
    if not is_canonical(query, asked) and len(canonical) <= MAX_REDIRECT_LETTERS:
        return store.site.redirect(visit, canonical)
    found = await listing(store, visit, path, asked, scope)
    origin = store.shop.settings.address
    return await _page(
        store, visit, template, listing=found, seek_words=asked.text, origin=origin, address=address, **words
    )


def _fitting(asked: Asked, scope: Scope | None) -> Asked:
    """Without a filter by what the page is about anyway."""
    if scope is None or scope.facet not in (BRAND, MERCHANT) or scope.facet not in asked.terms:
        return asked
    for value in asked.terms[scope.facet]:
        asked = asked.without(scope.facet, value)
    return asked


async def _page(store: Storefront, visit: Visit, template: str, **words: Any) -> ASGIResponse:
    return store.site.page(
        visit,
        template,
        directory=await store.directory(),
        cart_units=store.carts.units(visit),
        demo=store.shop.settings.demo,
        **words,
    )


ROUTES = [search, goods, category, merchant, brands]
