"""Offers that come by API: published and retired as in the console, once per idempotency key."""

from nightmarket.bootstrap import Shop
from nightmarket.claims.contract import Owner, digest, request_id
from nightmarket.claims.errors import ItemUnknown
from nightmarket.entrypoints.offering.names import MALFORMED, UNKNOWN
from nightmarket.entrypoints.offering.publishing import FOREIGN, Publisher, WrongOffers, deed
from nightmarket.kernel.ids import decode, derive, encode
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import InvalidInput, Problem
from nightmarket.platform.access import Actor
from nightmarket.platform.deeds import Acted
from nightmarket.promotions.contract import offer_of
from nightmarket.promotions.errors import OfferNotFound, OfferRefused

from . import wire


async def publish(shop: Shop, actor: Actor, key: str, wanted: wire.OffersInput) -> wire.OffersAnswer:
    """Publish offers, all or none. A repeat of the key answers with the same ids and publishes nothing."""
    owner = Owner(actor.id, actor.merchant_id)
    request = request_id(owner.client, "offers", key, shop.claims.secret)
    fallbacks = [derive("claims-offer", request, number) for number in range(len(wanted.offers))]
    publisher = Publisher(shop, owner.merchant)
    now = shop.clock.now()
    try:
        ready = await publisher.ready(wanted.offers, fallbacks)
        async with shop.database.transaction() as tx:
            if await shop.claims.first_time(tx, request, digest(wanted)) and ready.offers:
                await publisher.publish(tx, ready, now)
                await shop.facts.append(tx, [deed(actor, ready)], now)
    except WrongOffers as refused:
        raise _refusal(refused) from refused
    book = await shop.books.refresh()
    return wire.OffersAnswer([encode("off", id) for id in ready.ids], book.number)


def _refusal(refused: WrongOffers) -> Problem:
    """What is wrong as one problem: its field is that of the first, `flaws` has all."""
    first = refused.wrong[0]
    flaws = [
        {"field": f"offers[{one.place}].{one.field}", "reason": one.reason, "detail": one.detail}
        for one in refused.wrong
    ]
    if refused.cause is not None:
        cause = refused.cause
        return type(cause)(cause.detail, field=flaws[0]["field"], **{**cause.fields, "flaws": flaws})
    if first.reason == FOREIGN:
        return OfferNotFound(first.detail, field=flaws[0]["field"], flaws=flaws)
    if first.reason == UNKNOWN:
        return ItemUnknown(first.detail, field=flaws[0]["field"], flaws=flaws)
    if first.reason == MALFORMED:
        return InvalidInput(first.detail, field=flaws[0]["field"], flaws=flaws)
    return OfferRefused(first.detail, field=flaws[0]["field"], reason=first.reason, flaws=flaws)


async def retire(shop: Shop, actor: Actor, id: str) -> wire.OffersAnswer:
    """End an offer from the next book on. Raises OfferNotFound for one that is over or another merchant's."""
    try:
        wanted = decode("off", id)
    except InvalidInput:
        raise OfferNotFound("There is no offer with that id.", field="id") from None
    book = await shop.books.refresh()
    offer = offer_of(book, wanted)
    if offer is None or actor.merchant_id not in (None, offer.funder):
        raise OfferNotFound("That offer is not published, so there is nothing to retire.", field="id")
    now = shop.clock.now()
    async with shop.database.transaction() as tx:
        await shop.offers.retire(tx, [wanted], now)
        deed = Acted(actor.id, actor.name, "offers.retire", id, pick(offer.name, "en") or "")
        await shop.facts.append(tx, [deed], now)
    return wire.OffersAnswer([id], (await shop.books.refresh()).number)
