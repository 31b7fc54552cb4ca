"""The page that a place's QR code opens: the visit is noted, and what it gives is said."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.storefront.storefront import Storefront, TheStore
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import NotFound
from nightmarket.platform.http import address_key, marks_of
from nightmarket.promotions.contract import Offer
from nightmarket.promotions.contract.asking import naming
from nightmarket.promotions.contract.places import Place
from nightmarket.promotions.contract.samples import SAMPLE

VISITS_PER_NETWORK = 5_000
"""Visits noted for one network address within VISITS_WINDOW: a whole mall may stand behind one."""

VISITS_WINDOW = timedelta(hours=1)
MAX_OFFERS_SHOWN = 50


class PlaceOffer(msgspec.Struct, frozen=True):
    """An offer of a place as a shopper reads it."""

    name: str
    until: str
    ahead: str
    """From when on, if it is not on yet."""
    regions: str
    """For which countries of delivery only."""


@get("/place/{token:str}", include_in_schema=False)
async def show(request: Request[Any, Any, Any], store: TheStore, token: FromPath[str]) -> ASGIResponse:
    """Who has the code stands at the place, or has been sent its picture; the page says what follows from it."""
    visit = await store.site.visit(request.scope)
    shop = store.shop
    if shop.places.read(token) is None:
        raise NotFound("There is no place with this code.")
    asker = f"place:{address_key(marks_of(request.scope).address)}"
    await shop.access.allowances.take(asker, VISITS_PER_NETWORK, VISITS_WINDOW)
    async with shop.database.transaction() as tx:
        place = await shop.places.with_code(tx, token)
        until = await shop.places.visit(tx, place, visit.owner)
    sellers = (await store.directory()).sellers
    async with shop.database.read() as connection:
        samples = await shop.samples.bookable(connection, sellers, place.id)
    here = visit.formats.within(ZoneInfo(place.terms.zone))
    return await store.page(
        visit,
        "places/place.html",
        place=place,
        name=pick(place.terms.name, visit.language),
        until=here.instant(until) if until else "",
        opens=here.instant(place.terms.starts_at),
        ends=here.instant(place.terms.ends_at),
        offers=offers_at(store, visit, place, shop.clock.now()),
        samples=[(encode(SAMPLE, one.id), pick(one.terms.name, visit.language)) for one in samples],
    )


def offers_at(store: Storefront, visit: Visit, place: Place, now: datetime) -> list[PlaceOffer]:
    """The offers of the book that are for visitors of this place and not over."""
    here = visit.formats.within(ZoneInfo(place.terms.zone))
    found = [one for one in naming(store.shop.books.current(), "places", place.terms.slug) if one.ends_at > now]
    found.sort(key=lambda one: (one.starts_at > now, one.ends_at, one.id))
    return [_offer(visit, one, now, here.instant(one.starts_at), here.instant(one.ends_at)) for one in found][
        :MAX_OFFERS_SHOWN
    ]


def _offer(visit: Visit, offer: Offer, now: datetime, starts: str, ends: str) -> PlaceOffer:
    countries = [visit.formats.country(code) for code in sorted(offer.condition.regions)]
    return PlaceOffer(
        name=pick(offer.name, visit.language) or "",
        until=ends,
        ahead=starts if offer.starts_at > now else "",
        regions=visit.formats.all_of(countries) if countries else "",
    )


ROUTES = [show]
