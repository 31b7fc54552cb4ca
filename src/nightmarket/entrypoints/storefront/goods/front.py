"""The front page: the night's name, what opens when, what is scarce, who sells, and goods."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import msgspec

from nightmarket.bootstrap import Shop
from nightmarket.catalog.contract import Card, Listing, Texts
from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.seeding import ASSORTMENT
from nightmarket.entrypoints.storefront.bodies import Key, Made
from nightmarket.entrypoints.storefront.frames import Gaps
from nightmarket.entrypoints.storefront.storefront import Storefront
from nightmarket.entrypoints.storefront.wares import Shelf, ShelfPrice, StockView, WareView
from nightmarket.platform.http import ASGIScope, Response
from nightmarket.promotions.contract import Offer
from nightmarket.tally.contract import Level

from .night import milliseconds, next_opening, tonight, waves
from .tickets import tickets

POOL = 200
"""Goods of which those that sold most are shown."""

GOODS_SHOWN = 20
RUSH_SHOWN = 8
BRANDS_SHOWN = 12
STALLS_SHOWN = 48
FESTIVAL = "festival"
"""The page of words whose title and text are the festival's name and promise."""

ICONS = ("badge-check", "receipt-text", "shopping-basket")


class Reason(msgspec.Struct, frozen=True):
    title: Texts
    text: Texts


class FrontWords(msgspec.Struct, frozen=True):
    """What the demo's night is called and promises."""

    name: Texts
    promise: Texts
    reasons: tuple[Reason, ...]


class Rush(msgspec.Struct, frozen=True):
    """A thing with an offer of its own tonight: what it will cost or costs, and what is left of it."""

    offer: UUID
    ware: WareView
    price: ShelfPrice
    stock: StockView
    is_open: bool
    starts_at: datetime
    starts: int
    until: datetime


@cache
def demo_words() -> FrontWords:
    return msgspec.json.decode((ASSORTMENT / "front.json").read_bytes(), type=FrontWords)


def night_of(shop: Shop) -> FrontWords | None:
    """What the shop's people have written of the festival, else what the demo says, else nothing."""
    demo = demo_words() if shop.settings.demo else None
    written = shop.pages.current().get(FESTIVAL)
    if written is None:
        return demo
    return FrontWords(
        {language: text.title for language, text in written.texts.items()},
        {language: text.body.strip() for language, text in written.texts.items()},
        demo.reasons if demo else (),
    )


class FrontPage:
    """Answers for the front page. One per process."""

    def __init__(self, store: Storefront) -> None:
        self._store = store

    async def answer(self, scope: ASGIScope, _: bytes, __: str) -> Response:
        """GET /"""
        visit = await self._store.site.visit(scope)
        key = Key("/", "", visit.language, visit.currency, "")
        return await self._store.bodies.answer(visit, key, await self._store.directory(), self._make)

    async def _make(self, visit: Visit, gaps: Gaps) -> Made:
        store, shop = self._store, self._store.shop
        directory = await store.directory()
        pool = await shop.catalog.cards(limit=POOL)
        rushes = self._rushes()
        listings = await shop.catalog.listings([variant for offer in rushes for variant in offer.condition.variants])
        wanted = {listing.product for listing in listings.values()}
        wanted |= {product for offer in rushes for product in offer.condition.products}
        cards = {card.product: card for card in await shop.catalog.cards_of(list(wanted)[:POOL])}
        tallies = [tally for card in (*pool, *cards.values()) for tally in card.tallies]
        levels = await store.levels.read(tallies)
        shown = _best(pool, levels)
        shelf = Shelf(shop, visit, levels, gaps)
        rushing, wares = await shelf.counted(
            lambda it: (
                _rush_views(rushes, cards, listings, it, shop.clock.now()),
                [it.ware(card) for card in shown],
            ),
            store.levels.read,
        )
        words: dict[str, Any] = {
            "night": night_of(shop),
            "icons": ICONS,
            "opening": next_opening(shop, visit, directory),
            "waves": waves(shop, visit, directory, _reduced(rushing)),
            "tickets": tickets(shop, visit, directory),
            "rushes": rushing,
            "brands": [one for one in directory.brands.values() if one.image or one.tagline][:BRANDS_SHOWN],
            "stalls": directory.stalls[:STALLS_SHOWN],
            "wares": wares,
            "sold": any(_sold(card, levels) for card in shown[:1]),
            "origin": shop.settings.address,
        }
        things = {card.product for card in (*shown, *cards.values())}
        return Made("goods/front.html", words, shelf.levels, frozenset(things))

    def _rushes(self) -> list[Offer]:
        """Tonight's offers on single goods, those that are open first."""
        shop = self._store.shop
        now = shop.clock.now()
        found = tonight(shop.books.current(), now, single=True)
        return sorted(found, key=lambda offer: (offer.starts_at > now, offer.starts_at, offer.ends_at))[:RUSH_SHOWN]


def _rush_views(
    offers: Sequence[Offer],
    cards: Mapping[UUID, Card],
    listings: Mapping[UUID, Listing],
    shelf: Shelf,
    now: datetime,
) -> list[Rush]:
    """One entry for each thing of each offer, each thing once."""
    found: dict[UUID, Rush] = {}
    for offer in offers:
        if len(found) >= RUSH_SHOWN:
            break
        own = [listings[variant] for variant in offer.condition.variants if variant in listings]
        at = max(now, offer.starts_at)
        for listing in own:
            card = cards.get(listing.product)
            price = shelf.at(at).listing_price(listing) if card else None
            if card and price and listing.for_sale and listing.product not in found:
                entry = _rush(shelf.ware(card), price, shelf.listing_stock(listing), (offer, now))
                found.setdefault(listing.product, entry)
        for product in offer.condition.products:
            card = cards.get(product)
            ware = shelf.at(at).ware(card) if card else None
            if ware and ware.price:
                found.setdefault(product, _rush(ware, ware.price, ware.stock, (offer, now)))
    return list(found.values())[:RUSH_SHOWN]


def _rush(ware: WareView, price: ShelfPrice, stock: StockView, when: tuple[Offer, datetime]) -> Rush:
    offer, now = when
    return Rush(
        offer=offer.id,
        ware=ware,
        price=price,
        stock=stock,
        is_open=offer.starts_at <= now,
        starts_at=offer.starts_at,
        starts=milliseconds(offer.starts_at),
        until=offer.ends_at,
    )


def _reduced(rushes: Sequence[Rush]) -> dict[UUID, int]:
    """What each offer takes off at least, in basis points."""
    found: dict[UUID, int] = {}
    for rush in rushes:
        found[rush.offer] = min(rush.price.off, found.get(rush.offer, rush.price.off))
    return found


def _sold(card: Card, levels: Mapping[UUID, Level]) -> int:
    return sum(levels[tally].spent for tally in card.tallies if tally in levels)


def _best(pool: Sequence[Card], levels: Mapping[UUID, Level]) -> list[Card]:
    """Those of which most was sold, then a bit of every category; each thing once, and what is left before the rest."""

    def left(card: Card) -> bool:
        return any(levels[tally].available > 0 for tally in card.tallies if tally in levels)

    ranked = sorted(pool, key=lambda card: (not left(card), -_sold(card, levels)))
    once = list({card.master or card.product: card for card in reversed(ranked)}.values())[::-1]
    ranked = sorted(once, key=lambda card: (not left(card), -_sold(card, levels)))
    turns: Counter[str] = Counter()
    places: dict[UUID, int] = {}
    for card in ranked:
        if left(card) and not _sold(card, levels):
            places[card.product] = turns[card.category]
            turns[card.category] += 1
    ranked.sort(key=lambda card: (not left(card), -_sold(card, levels), places.get(card.product, 0)))
    return ranked[:GOODS_SHOWN]
