"""Suggestions while someone types: goods, categories, brands, merchants, words."""

from typing import Any

import msgspec
from litestar import Request, get
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.storefront.storefront import Directory, TheStore
from nightmarket.entrypoints.storefront.wares import wares_of
from nightmarket.kernel.languages import pick

from .asking import Asked, address, read

PLACES = 4
"""Categories, brands and merchants that are suggested, together."""


class Way(msgspec.Struct, frozen=True):
    """Somewhere to go: what it is called, what kind of place it is, where it lies."""

    label: str
    kind: str
    href: str


@get("/search/suggest", include_in_schema=False)
async def suggest(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """A list of options for the search field, as a part of a page."""
    visit = await store.site.visit(request.scope)
    asked = read(request.scope["query_string"], ())
    directory = await store.directory()
    found = await store.shop.search.suggest(asked.text, visit.language)
    cards = await store.shop.catalog.cards_of(found.products)
    words = [Way(word, "", address("/search", Asked(text=word))) for word in found.words]
    places = _places(visit, directory, asked.text.casefold())
    wares = await wares_of(store.shop, visit, cards)
    amount = len(words) + len(places) + len(wares)
    return store.site.page(visit, "search/suggest.html", words=words, places=places, wares=wares, amount=amount)


def _places(visit: Visit, directory: Directory, typed: str) -> list[Way]:
    """Categories, brands and merchants with a word that begins so; those that begin so themselves come first."""
    if not typed:
        return []
    ways = [
        *(
            Way(pick(one.names, visit.language) or one.slug, visit.say("Category"), f"/categories/{one.slug}")
            for one in directory.categories.values()
        ),
        *(Way(one.name, visit.say("Brand"), f"/brands/{one.slug}") for one in directory.brands.values()),
        *(Way(one.name, visit.say("Merchant"), f"/merchants/{one.slug}") for one in directory.stalls),
    ]
    found = [way for way in ways if _fits(typed, way.label)]
    return sorted(found, key=lambda way: not way.label.casefold().startswith(typed))[:PLACES]


def _fits(typed: str, name: str) -> bool:
    """Whether a word of the name begins like that."""
    folded = name.casefold()
    return folded.startswith(typed) or f" {typed}" in folded or (not typed.isascii() and typed in folded)


ROUTES = [suggest]
