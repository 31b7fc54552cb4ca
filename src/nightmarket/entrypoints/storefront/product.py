"""The page of a product, and its stock as it changes."""

from typing import Any

import msgspec
from litestar import Request, get
from litestar.params import FromPath, FromQuery
from litestar.response.base import ASGIResponse

from nightmarket.catalog.contract import Card, Media, Product, ProductText
from nightmarket.entrypoints.pages import Visit
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import NotFound
from nightmarket.orders.contract import DeliveryOption

from .attributes import attributes_of
from .storefront import Storefront, TheStore
from .wares import Shelf, VariantView, picture_of, wares_of

MAX_SLUG = 200
MAX_PICTURES = 10
CSS_CHOICES = 12
"""Up to so many variants the style sheet shows the chosen one's price by itself."""

ALTERNATIVES = 4
NO_TEXT = ProductText(title="")


class ProductView(msgspec.Struct, frozen=True):
    """All that the page says of a product."""

    product: Product
    text: ProductText
    variants: list[VariantView]
    chosen: str
    sold_out: bool
    lowest: int | None
    highest: int | None
    by_css: bool


def view_of(product: Product, shelf: Shelf, visit: Visit, wanted: str) -> ProductView:
    """The product with its variants; chosen is the one that was asked for, else the first that is left."""
    variants = [shelf.variant(product, one) for one in product.variants if one.for_sale]
    available = [one for one in variants if not one.stock.out and one.price]
    named = next((one for one in available if one.sku == wanted), None)
    chosen = named or (available[0] if available else None)
    amounts = [one.price.amount for one in variants if one.price]
    return ProductView(
        product=product,
        text=pick(product.texts, visit.language) or NO_TEXT,
        variants=variants,
        chosen=chosen.id if chosen else "",
        sold_out=not any(not one.stock.out for one in variants),
        lowest=min(amounts, default=None),
        highest=max(amounts, default=None),
        by_css=len(variants) <= CSS_CHOICES,
    )


async def _found(store: Storefront, visit: Visit, slug: str, wanted: str) -> ProductView:
    product = await store.shop.catalog.product(slug) if slug.isprintable() and len(slug) <= MAX_SLUG else None
    if product is None:
        raise NotFound("There is no such product.")
    tallies = [lot.tally for variant in product.variants for lot in variant.stock]
    shelf = await Shelf.read(store.shop, visit, tallies)
    return view_of(product, shelf, visit, wanted)


@get("/products/{slug:str}", include_in_schema=False)
async def product(
    request: Request[Any, Any, Any], store: TheStore, slug: FromPath[str], variant: FromQuery[str | None] = None
) -> ASGIResponse:
    """A product: what it is, what it costs, what is left."""
    visit = await store.site.visit(request.scope)
    view = await _found(store, visit, slug, variant or "")
    directory = await store.directory()
    path = directory.path_to(view.product.category)
    others = await _others(store, slug, [step.slug for step in reversed(path)])
    return await store.page(
        visit,
        "product.html",
        view=view,
        pictures=[picture_of(media, visit.language) for media in _pictures(view.product)],
        attributes=attributes_of(view.product, visit),
        deliveries=deliveries(store, view.product, visit),
        path=path,
        alternatives=await wares_of(store.shop, visit, others),
        problem="",
    )


async def _others(store: Storefront, slug: str, categories: list[str]) -> list[Card]:
    """Goods of the same category, then of those around it, until there are enough."""
    found: dict[str, Card] = {}
    for category in categories:
        for card in await store.shop.catalog.cards(category=category, limit=ALTERNATIVES * 2):
            if card.slug != slug:
                found.setdefault(card.slug, card)
        if len(found) >= ALTERNATIVES:
            break
    return list(found.values())[:ALTERNATIVES]


@get("/products/{slug:str}/stock", include_in_schema=False)
async def stock(request: Request[Any, Any, Any], store: TheStore, slug: FromPath[str]) -> ASGIResponse:
    """What is left of each variant now, for the open page."""
    visit = await store.site.visit(request.scope)
    view = await _found(store, visit, slug, "")
    return store.site.page(visit, "shop/stock.html", view=view)


def deliveries(store: Storefront, product: Product, visit: Visit) -> list[DeliveryOption]:
    """How it can come to where the visitor seems to be."""
    return list(store.shop.deliveries.options(product.merchant.id, visit.country, visit.currency))


def _pictures(product: Product) -> list[Media]:
    every = [*product.media, *(media for variant in product.variants for media in variant.media)]
    return list({media.image: media for media in every}.values())[:MAX_PICTURES]


ROUTES = [product, stock]
