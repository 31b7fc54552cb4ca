"""What a visitor chooses for all pages: language and currency. And the files that pages are made of."""

from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.pages.visits import CURRENCY_COOKIE, LANGUAGE_COOKIE
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.http import safe_next

from .storefront import TheStore


@post("/choices", include_in_schema=False)
async def choose(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """Remember language and currency; the cart is priced anew."""
    visit = await store.site.visit(request.scope)
    form = store.site.form(visit, await request.body())
    language, currency = form.get("language"), form.get("currency")
    if language not in LANGUAGES:
        raise InvalidInput(f"Choose one of these languages: {', '.join(LANGUAGES)}.", field="language")
    if currency not in (await store.directory()).currencies:
        raise InvalidInput("There are no prices in that currency.", field="currency")
    store.site.keep_choice(visit, LANGUAGE_COOKIE, language)
    store.site.keep_choice(visit, CURRENCY_COOKIE, currency)
    visit.language, visit.currency = language, currency
    if visit.account is not None:
        async with store.shop.database.transaction() as tx:
            await store.shop.profiles.set_language(tx, visit.account, language)
    if await store.carts.read(visit) is not None:
        await store.carts.change(visit, lambda wanted: msgspec.structs.replace(wanted, currency=currency))
    return store.site.redirect(visit, safe_next(form.get("next")))


@get("/static/{digest:str}/{name:str}", include_in_schema=False)
async def static_file(
    request: Request[Any, Any, Any], store: TheStore, digest: FromPath[str], name: FromPath[str]
) -> ASGIResponse:
    """A style sheet, script or drawing; its address changes with its content."""
    return store.site.plain(store.site.static.answer(request.scope, digest, name))


ROUTES = [choose, static_file]
