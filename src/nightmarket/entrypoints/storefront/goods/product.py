"""The page of a product: what it is, what it costs, what is left, how it comes, and who else has it."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Card, Listing, Media, Product, ProductText, Rival, Variant
from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.storefront.attributes import option_label
from nightmarket.entrypoints.storefront.bodies import Key, Made
from nightmarket.entrypoints.storefront.coupons.offered import for_product
from nightmarket.entrypoints.storefront.draws.surprising import SurpriseView, surprise_view
from nightmarket.entrypoints.storefront.frames import Gaps
from nightmarket.entrypoints.storefront.groups.offered import OfferedView, offered_view
from nightmarket.entrypoints.storefront.joining import joint_of_product
from nightmarket.entrypoints.storefront.presales.views import PresaleView, presale_view
from nightmarket.entrypoints.storefront.storefront import Storefront
from nightmarket.entrypoints.storefront.wares import (
    RivalView,
    Shelf,
    ShelfPrice,
    VariantView,
    WareView,
    picture_of,
)
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import NotFound
from nightmarket.orders.contract import DeliveryOption
from nightmarket.platform.http import ASGIScope, Response
from nightmarket.promotions.contract.groups import GroupOffer

from .facts import fact_groups
from .options import Picker, is_grid, pickers, varying
from .schema import json_ld

MAX_SLUG = 200
MAX_PICTURES = 12
MAX_FIELDS = 20
"""Fields of an address that are looked at; with more, none is."""

CSS_CHOICES = 12
"""Up to so many variants the style sheet shows the chosen one's price by itself."""

MANY, SHORT = 2, 16
"""More variants than this of one price, with labels of at most so many letters, are chosen by chips."""

ALTERNATIVES = 4
RIVALS_SHOWN = 12
GTIN_DIGITS = 14
"""A GTIN of any length is one of this length with zeros before it (GS1)."""

SOON = timedelta(hours=48)
"""How far ahead a lower price is announced."""

SKUS_KEPT = 50_000
"""Products whose SKUs a process remembers, so that made-up ones in an address share one body."""

NO_TEXT = ProductText(title="")


class Coming(msgspec.Struct, frozen=True):
    """A lower price that begins soon; instants in milliseconds since 1970 too."""

    price: ShelfPrice
    starts_at: datetime
    starts: int


class ProductView(msgspec.Struct, frozen=True):
    """What is to be chosen and bought."""

    product: Product
    text: ProductText
    variants: list[VariantView]
    chosen: VariantView | None
    pickers: list[Picker]
    legend: str
    sold_out: bool
    lowest: int | None
    highest: int | None
    by_css: bool
    compact: bool
    """Whether short names are all there is to tell the variants apart: same price, so that chips are enough."""
    is_fixed: bool
    """Whether the page is about one variant, chosen by its address, instead of a list to choose from."""
    coming: Coming | None
    most: int | None
    """How many of the chosen variant one buyer may have, if that is limited."""


class ProductPages:
    """Answers for product pages. One per process."""

    def __init__(self, store: Storefront) -> None:
        self._store = store
        self._skus: OrderedDict[str, frozenset[str]] = OrderedDict()

    async def answer(self, scope: ASGIScope, _: bytes, slug: str) -> Response:
        """GET /products/{slug}, with ?variant= a SKU."""
        if not slug.isprintable() or len(slug) > MAX_SLUG:
            raise NotFound("There is no such product.")
        store = self._store
        visit = await store.site.visit(scope)
        directory = await store.directory()
        query: bytes = scope.get("query_string", b"")
        wanted = self._known(slug, _wanted(query)) if query else ""
        key = Key(f"/products/{slug}", wanted, visit.language, visit.currency, visit.country)
        return await store.bodies.answer(
            visit, key, directory, lambda nobody, gaps: self._make(slug, nobody, gaps, wanted)
        )

    def _known(self, slug: str, sku: str) -> str:
        """The SKU, unless the product is known not to have it."""
        known = self._skus.get(slug)
        return sku if known is None or sku in known else ""

    def _remember(self, product: Product) -> None:
        self._skus.pop(product.slug, None)
        self._skus[product.slug] = frozenset(one.sku for one in product.variants)
        if len(self._skus) > SKUS_KEPT:
            self._skus.popitem(last=False)

    async def _make(self, slug: str, visit: Visit, gaps: Gaps, wanted: str) -> Made:
        store, shop = self._store, self._store.shop
        product = await shop.catalog.product(slug)
        if product is None:
            raise NotFound("There is no such product.")
        self._remember(product)
        directory = await store.directory()
        path = directory.path_to(product.category)
        rivals = await shop.catalog.rivals(product.id) if product.master else ()
        listings = await shop.catalog.listings([one.variant for one in rivals])
        others = await _others(store, product, [step.slug for step in reversed(path)])
        levels = await store.levels.read(_tallies(product, rivals, others))
        shelf = Shelf(shop, visit, levels, gaps)

        group = await _group(store, product.id)

        def seen(it: Shelf) -> tuple[ProductView, Variant | None, list[RivalView], list[WareView], OfferedView | None]:
            view = view_of(product, it, visit, wanted)
            chosen = next((one for one in product.variants if view.chosen and one.sku == view.chosen.sku), None)
            beside = _beside(rivals, chosen if view.is_fixed else None)
            rival_views = _rival_views(beside, listings, it)
            return view, chosen, rival_views, [it.ware(card) for card in others], _together(it, visit, product, group)

        view, chosen, rival_views, alternatives, together = await shelf.counted(seen, store.levels.read)
        steps = [(pick(one.names, visit.language) or one.slug, f"/categories/{one.slug}") for one in path]
        presales = await _presales(store, visit, product.id)
        words: dict[str, Any] = {
            "view": view,
            "pictures": [picture_of(media, visit.language) for media in pictures_of(product, chosen)],
            "facts": fact_groups(product, chosen, directory.attributes, visit),
            "brand": directory.brands.get(product.brand_slug or ""),
            "deliveries": deliveries(store, product, visit),
            "presales": presales,
            "surprise": await _surprise(store, visit, product.id),
            "coupons": await for_product(store, visit, product, [step.slug for step in path]),
            "joint": await joint_of_product(shop, visit, product, directory.merchants),
            "together": together,
            "rivals": rival_views,
            "path": path,
            "alternatives": alternatives,
            "canonical": f"{shop.settings.address}/products/{product.slug}",
            "origin": shop.settings.address,
            "schema": json_ld(
                product,
                view.text,
                view.variants,
                address=shop.settings.address,
                path=[(visit.say("Market"), "/"), *steps],
            ),
        }
        things = {product.id, *(one.id for one in product.variants), *(card.product for card in others)}
        things |= {one.variant for one in rivals}
        windows = [at for one in presales for at in (one.opens_at, one.closes_at) if at > shop.clock.now()]
        return Made("goods/product.html", words, shelf.levels, frozenset(things), min(windows, default=None))


async def _presales(store: Storefront, visit: Visit, product: UUID) -> list[PresaleView]:
    """The product's presales, as everybody may see them."""
    shop, now = store.shop, store.shop.clock.now()
    if not shop.switches.begins("presales"):
        return []
    async with shop.database.read() as connection:
        found = await shop.presales.of_product(connection, product, now)
    return [presale_view(visit, one, None, now) for one in found]


async def _surprise(store: Storefront, visit: Visit, product: UUID) -> SurpriseView | None:
    """The product's surprise price, as everybody may see it."""
    shop = store.shop
    if not shop.switches.begins("surprises"):
        return None
    async with shop.database.read() as connection:
        found = await shop.surprises.of_product(connection, product, shop.clock.now())
    return surprise_view(visit, found) if found else None


async def _group(store: Storefront, product: UUID) -> GroupOffer | None:
    if not store.shop.switches.begins("groups"):
        return None
    async with store.shop.database.read() as connection:
        return await store.shop.groups.of_product(connection, product)


def _together(shelf: Shelf, visit: Visit, product: Product, offer: GroupOffer | None) -> OfferedView | None:
    """What groups pay for the product."""
    if offer is None:
        return None
    variants = [one for one in product.variants if one.for_sale and one.id in offer.terms.variants]
    return offered_view(visit, offer, shelf, lambda it: [it.variant_price(product, one) for one in variants])


def _wanted(query: bytes) -> str:
    """The SKU in the query, if there is one."""
    try:
        found = parse_qs(query.decode("latin-1"), max_num_fields=MAX_FIELDS, errors="replace").get("variant")
    except ValueError:
        return ""
    return found[-1][:MAX_SLUG] if found else ""


def view_of(product: Product, shelf: Shelf, visit: Visit, wanted: str) -> ProductView:
    """The product with its variants; chosen is the one that was asked for, else the first that is left."""
    selling = [one for one in product.variants if one.for_sale]
    variants = [shelf.variant(product, one) for one in selling]
    left = [one for one in variants if not one.stock.out and one.price]
    grid = is_grid(selling)
    fixed = grid or len(variants) == 1
    named = next((one for one in (variants if fixed else left) if one.sku == wanted), None)
    chosen = named or next(iter(left), None) or (variants[0] if fixed else None)
    out = frozenset(one.id for one, seen in zip(selling, variants, strict=True) if seen.stock.out)
    own = next((one for one in selling if chosen and one.sku == chosen.sku), None)
    amounts = [one.price.amount for one in variants if one.price]
    names = varying(selling)

    def named_option(name: str) -> str:
        return option_label(name, visit)

    return ProductView(
        product=product,
        text=pick(product.texts, visit.language) or NO_TEXT,
        variants=variants,
        chosen=chosen,
        pickers=pickers(selling, own, out, visit.language, named_option) if grid and own else [],
        legend=option_label(names[0], visit) if len(names) == 1 else visit.say("Choose one"),
        sold_out=not any(not one.stock.out for one in variants),
        lowest=min(amounts, default=None),
        highest=max(amounts, default=None),
        by_css=len(variants) <= CSS_CHOICES and not fixed,
        compact=len(variants) > MANY and len(set(amounts)) == 1 and max(len(one.label) for one in variants) <= SHORT,
        is_fixed=fixed,
        coming=_coming(product, own, chosen, shelf) if own and chosen else None,
        most=shelf.most_per_buyer(product, own) if own else None,
    )


def _coming(product: Product, variant: Variant, shown: VariantView, shelf: Shelf) -> Coming | None:
    """The next lower price of the variant, if an offer brings one soon."""
    if shown.price is None:
        return None
    for offer in shelf.beginning_within(SOON):
        later = shelf.at(offer.starts_at).variant_price(product, variant)
        if later is not None and later.amount < shown.price.amount:
            return Coming(later, offer.starts_at, int(offer.starts_at.timestamp() * 1_000))
    return None


def _beside(rivals: Sequence[Rival], chosen: Variant | None) -> list[Rival]:
    """Who else has the very variant that the page is about; with a list to choose from, who has any of them."""
    if chosen is None:
        return list(rivals)
    wanted = (chosen.gtin or "").zfill(GTIN_DIGITS)
    return [rival for rival in rivals if rival.gtin.zfill(GTIN_DIGITS) == wanted]


def _rival_views(rivals: Sequence[Rival], listings: Mapping[UUID, Listing], shelf: Shelf) -> list[RivalView]:
    """What is left first, and the cheapest of that."""
    found = [shelf.rival(rival, listings[rival.variant]) for rival in rivals if rival.variant in listings]
    return sorted(found, key=lambda one: (one.stock.out, one.order))[:RIVALS_SHOWN]


async def _others(store: Storefront, product: Product, categories: list[str]) -> list[Card]:
    """Goods of the same category, then of those around it, until there are enough; each thing once, not this one."""
    found: dict[UUID, Card] = {}
    itself = product.master or product.id
    for category in categories:
        for card in await store.shop.catalog.cards(category=category, limit=ALTERNATIVES * 4):
            thing = card.master or card.product
            if thing != itself and card.slug != product.slug:
                found.setdefault(thing, card)
        if len(found) >= ALTERNATIVES:
            break
    return list(found.values())[:ALTERNATIVES]


def _tallies(product: Product, rivals: Sequence[Rival], others: Sequence[Card]) -> list[UUID]:
    return [
        *(lot.tally for variant in product.variants for lot in variant.stock),
        *(lot.tally for rival in rivals for lot in rival.stock),
        *(tally for card in others for tally in card.tallies),
    ]


def deliveries(store: Storefront, product: Product, visit: Visit) -> list[DeliveryOption]:
    """How it can come to where the visitor seems to be."""
    return list(store.shop.deliveries.options(product.merchant.id, visit.country, visit.currency))


def pictures_of(product: Product, chosen: Variant | None) -> list[Media]:
    """The chosen variant's own pictures first, then the product's, then those of its other variants."""
    first = chosen.media if chosen is not None else ()
    every = [*first, *product.media, *(media for variant in product.variants for media in variant.media)]
    return list({media.image: media for media in every}.values())[:MAX_PICTURES]
