"""Pages of words: terms, privacy, and whatever the shop's people have written."""

from typing import Any

from litestar import Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from markupsafe import Markup

from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import NotFound
from nightmarket.promotions.contract import Stage
from nightmarket.stage.contract import FIXED, Page

from .storefront import Storefront, TheStore

TERMS, PRIVACY, FESTIVAL = "terms", "privacy", "festival"
"""Pages that every shop has: until someone writes them, they say what holds anyway."""

ORDER = {
    Stage.PRICE: (say_later("Prices"), say_later("of pieces, of sets such as any 3 for one price, and of bundles.")),
    Stage.PIECES: (
        say_later("Pieces"),
        say_later("each second at half price, buy and get, gifts. A piece that is free already does not count again."),
    ),
    Stage.PERCENT: (
        say_later("Percentages"),
        say_later("of what is left of each line, rounded once per line; merchants' own before the market's."),
    ),
    Stage.AMOUNT: (
        say_later("Amounts"),
        say_later(
            "every 300 minus 50, and the more, the cheaper; shared over what is left of their lines, those for few "
            "lines before those for many."
        ),
    ),
    Stage.SHIPPING: (say_later("Delivery"), say_later("what comes off its price, when all goods are priced.")),
}
"""The published order of application, in the words of shoppers: by the numbers that the engine goes by."""


@get("/terms", include_in_schema=False)
async def terms(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """What holds between shopper, merchants and market."""
    return await _written_or(store, await store.site.visit(request.scope), TERMS)


@get("/privacy", include_in_schema=False)
async def privacy(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """What is kept, where, and what is not done."""
    return await _written_or(store, await store.site.visit(request.scope), PRIVACY)


@get("/prices", include_in_schema=False)
async def prices(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """In which order offers apply, and which."""
    steps = [ORDER[stage] for stage in sorted(ORDER)]
    return await store.page(await store.site.visit(request.scope), "prices.html", steps=steps)


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


ROUTES = [terms, privacy, prices, written]
