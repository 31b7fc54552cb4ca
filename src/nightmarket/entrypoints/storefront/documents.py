"""Pages of words: terms, privacy, and whatever the shop's people have written."""

from typing import Any

from litestar import Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from markupsafe import Markup

from nightmarket.entrypoints.pages import Visit
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import NotFound
from nightmarket.stage.contract import FIXED, Page

from .storefront import Storefront, TheStore

TERMS, PRIVACY, FESTIVAL = "terms", "privacy", "festival"
"""Pages that every shop has: until someone writes them, they say what holds anyway."""


@get("/terms", include_in_schema=False)
async def terms(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """What holds between shopper, merchants and market."""
    return await _written_or(store, await store.site.visit(request.scope), TERMS)


@get("/privacy", include_in_schema=False)
async def privacy(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """What is kept, where, and what is not done."""
    return await _written_or(store, await store.site.visit(request.scope), PRIVACY)


@get("/pages/{slug:str}", include_in_schema=False)
async def written(request: Request[Any, Any, Any], store: TheStore, slug: FromPath[str]) -> ASGIResponse:
    """A page that the shop's people have written."""
    visit = await store.site.visit(request.scope)
    if slug in FIXED:
        return store.site.redirect(visit, "/" if slug == FESTIVAL else f"/{slug}")
    page = store.shop.pages.current().get(slug)
    if page is None:
        raise NotFound("There is no such page.")
    return await _show(store, visit, page)


async def _written_or(store: Storefront, visit: Visit, slug: str) -> ASGIResponse:
    page = store.shop.pages.current().get(slug)
    return await (_show(store, visit, page) if page else store.page(visit, f"{slug}.html"))


async def _show(store: Storefront, visit: Visit, page: Page) -> ASGIResponse:
    text = pick(page.texts, visit.language)
    if text is None:
        raise NotFound("There is no such page.")
    language = next(code for code, one in page.texts.items() if one is text)
    body = Markup(store.shop.pages.rendered(text.body))  # noqa: S704 (the stage escapes what people write)
    return await store.page(visit, "written.html", title=text.title, body=body, body_language=language)


ROUTES = [terms, privacy, written]
