"""GET /festival: what is on, what is next, and the goods; and the server's time, which countdowns go by."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec

from nightmarket.bootstrap import FESTIVAL_WAYS
from nightmarket.catalog.contract import Card, Listing
from nightmarket.entrypoints.pages import Formats, Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.storefront.bodies import Key, Made
from nightmarket.entrypoints.storefront.coupons.offered import for_everything
from nightmarket.entrypoints.storefront.frames import Gaps
from nightmarket.entrypoints.storefront.storefront import Storefront
from nightmarket.entrypoints.storefront.wares import Coming, Shelf, WareView
from nightmarket.platform.http import ASGIScope, Response
from nightmarket.promotions.contract import Book, Offer, asking
from nightmarket.promotions.contract.festivals import Festival, Moment, Phase, PhaseKind, Window

from .ways import ways

GOODS_SHOWN = 24
INSTANT = timedelta(microseconds=1)
OFFERS_READ = 200
"""Offers on single goods of which the page looks for goods to show."""

KINDS = {
    PhaseKind.WARM_UP: say_later("Look around, collect, fill your cart."),
    PhaseKind.PRESALE: say_later("Book early at a price that is kept."),
    PhaseKind.DEPOSITS: say_later("Leave a deposit, pay the rest later."),
    PhaseKind.EVE: say_later("The last hours before midnight."),
    PhaseKind.MIDNIGHT: say_later("The hour itself: the festival's prices open."),
    PhaseKind.WAVE: say_later("New offers open together."),
    PhaseKind.ENCORE: say_later("What is left, once more."),
}
ICONS = {
    PhaseKind.WARM_UP: "flame",
    PhaseKind.PRESALE: "ticket",
    PhaseKind.DEPOSITS: "piggy-bank",
    PhaseKind.EVE: "sunset",
    PhaseKind.MIDNIGHT: "moon-star",
    PhaseKind.WAVE: "waves",
    PhaseKind.ENCORE: "sparkles",
}


class PhaseView(msgspec.Struct, frozen=True):
    """A phase in the list: `state` is over, on or ahead."""

    phase: Phase
    state: str
    words: str
    icon: str


class FestivalPage:
    """Answers for the festival's page. One per process."""

    def __init__(self, store: Storefront) -> None:
        self._store = store

    async def answer(self, scope: ASGIScope, _: bytes, __: str) -> Response:
        """GET /festival"""
        visit = await self._store.site.visit(scope)
        key = Key("/festival", "", visit.language, visit.currency, "")
        return await self._store.bodies.answer(visit, key, await self._store.directory(), self._make)

    async def _make(self, visit: Visit, gaps: Gaps) -> Made:
        store, shop = self._store, self._store.shop
        now = shop.clock.now()
        moment = shop.festivals.moment(now)
        if moment is None:
            return Made("festival/none.html", {"origin": shop.settings.address}, {})
        window = _window(moment)
        offers = _offers(shop.books.current(), window) if shop.switches.shows("festival.goods") else []
        listings = await shop.catalog.listings([variant for offer in offers for variant in offer.condition.variants])
        products = list(dict.fromkeys(_products(offers, listings)))[:GOODS_SHOWN]
        cards = await shop.catalog.cards_of(products)
        levels = await store.levels.read([tally for card in cards for tally in card.tallies])
        shelf = Shelf(shop, visit, levels, gaps)
        formats = _formats(visit, moment.festival)
        words: dict[str, Any] = {
            "moment": moment,
            "window": window,
            "phases": [_view(phase, moment, visit) for phase in window.phases],
            "windows": [one for one in moment.festival.windows if one.id != window.id and one.ends_at > now],
            "festival_formats": formats,
            "wares": await shelf.counted(
                lambda it: _wares(it, cards, _coming(it, offers, (cards, listings), (now, formats))), store.levels.read
            ),
            "coupons": await for_everything(store, visit) if moment.main else [],
            "ways": await ways(store, visit),
            "origin": shop.settings.address,
        }
        return Made(
            "festival/page.html", words, shelf.levels, frozenset({FESTIVAL_WAYS, *(card.product for card in cards)})
        )


def _formats(visit: Visit, festival: Festival) -> Formats:
    return visit.formats.within(festival.zone_info)


def _window(moment: Moment) -> Window:
    """The window of what is on, else of what comes next."""
    wanted = moment.main or moment.next
    return next(window for window in moment.festival.windows if wanted in window.phases)


def _view(phase: Phase, moment: Moment, visit: Visit) -> PhaseView:
    known = {one.id for one in moment.on}
    ahead = moment.next is not None and phase.starts_at >= moment.next.starts_at
    state = "on" if phase.id in known else "ahead" if ahead else "over"
    return PhaseView(phase, state, visit.say(KINDS[phase.kind]), ICONS[phase.kind])


def _offers(book: Book, window: Window) -> list[Offer]:
    """Offers for everyone on single goods that hold at some time of the window, the first to begin first."""
    wanted = asking.Window(starts_until=window.ends_at - INSTANT, ends_after=window.starts_at)
    return list(islice(asking.announced(book, wanted, single=True), OFFERS_READ))


def _products(offers: Sequence[Offer], listings: Mapping[UUID, Listing]) -> list[UUID]:
    found: list[UUID] = []
    for offer in offers:
        found.extend(sorted(offer.condition.products))
        found.extend(listings[variant].product for variant in sorted(offer.condition.variants) if variant in listings)
    return found


def _coming(
    shelf: Shelf,
    offers: Sequence[Offer],
    known: tuple[Sequence[Card], Mapping[UUID, Listing]],
    when: tuple[datetime, Formats],
) -> dict[UUID, Coming]:
    """What goods will cost by the first of these offers that is still to begin, by product."""
    cards, listings = {card.product: card for card in known[0]}, known[1]
    now, formats = when
    found: dict[UUID, Coming] = {}
    for offer in offers:
        if offer.starts_at <= now:
            continue
        then = shelf.at(offer.starts_at)
        own = (listings[variant] for variant in sorted(offer.condition.variants) if variant in listings)
        goods = [(one.product, one) for one in own] + [(one, None) for one in sorted(offer.condition.products)]
        for product, listing in goods:
            if product not in cards or product in found:
                continue
            price = then.listing_price(listing) if listing else then.ware(cards[product]).price
            if price is not None and price.amount < price.listed:
                found[product] = Coming(price, offer.starts_at, formats.brief(offer.starts_at))
    return found


def _wares(shelf: Shelf, cards: Sequence[Card], coming: Mapping[UUID, Coming]) -> list[WareView]:
    return [msgspec.structs.replace(shelf.ware(card), coming=coming.get(card.product)) for card in cards]


class ServerTime:
    """GET /festival/now: milliseconds since 1970, so that a countdown goes by the server's clock, not the visitor's."""

    def __init__(self, store: Storefront) -> None:
        self._clock = store.shop.clock

    async def answer(self, _: ASGIScope, __: bytes, ___: str) -> Response:
        """The time of this moment, as JSON; nothing keeps it."""
        now = int(self._clock.now().timestamp() * 1_000)
        return Response(
            200, [(b"content-type", b"application/json"), (b"cache-control", b"no-store")], b'{"now":%d}' % now
        )
