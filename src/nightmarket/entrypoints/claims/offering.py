"""Offers that come by API: published and retired as in the console, once per idempotency key."""

from datetime import datetime
from uuid import UUID

from nightmarket.bootstrap import Shop
from nightmarket.claims.contract import Owner, digest, request_id
from nightmarket.kernel.ids import decode, derive, encode
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.access import Actor
from nightmarket.platform.deeds import MAX_DETAIL_LETTERS, Acted
from nightmarket.promotions.contract import AmountOff, Condition, Effect, FreeShipping, Offer, PercentOff
from nightmarket.promotions.errors import OfferNotFound

from . import wire
from .items import Items

YEARS = range(2000, 2200)
"""In which offers may begin and end."""


async def publish(shop: Shop, items: Items, actor: Actor, key: str, wanted: wire.OffersInput) -> wire.OffersAnswer:
    """Publish offers, all or none. A repeat of the key answers with the same ids and publishes nothing."""
    owner = Owner(actor.id, actor.merchant_id)
    request = request_id(owner.client, "offers", key, shop.claims.secret)
    offers = [await _offer(items, owner, request, number, one) for number, one in enumerate(wanted.offers)]
    known = {offer.id: offer for offer in shop.books.current().offers}
    for number, offer in enumerate(offers):
        if offer.revision > 1 and owner.merchant is not None and _funder(known.get(offer.id)) != owner.merchant:
            raise OfferNotFound("No offer of this key's merchant has that id.", field=f"offers[{number}].id")
    now = shop.clock.now()
    async with shop.database.transaction() as tx:
        first = await shop.claims.first_time(tx, request, digest(wanted))
        if first:
            await shop.offers.publish(tx, offers, now)
            detail = "; ".join(pick(offer.name, "en") or "" for offer in offers)[:MAX_DETAIL_LETTERS]
            deed = Acted(actor.id, actor.name, "offers.publish", encode("off", offers[0].id), detail)
            await shop.facts.append(tx, [deed], now)
    book = await shop.books.refresh()
    return wire.OffersAnswer([encode("off", offer.id) for offer in offers], book.number)


async def retire(shop: Shop, actor: Actor, id: str) -> wire.OffersAnswer:
    """End an offer from the next book on. Raises OfferNotFound for one that is over or another merchant's."""
    try:
        wanted = decode("off", id)
    except InvalidInput:
        raise OfferNotFound("There is no offer with that id.", field="id") from None
    book = await shop.books.refresh()
    offer = next((offer for offer in (*book.offers, *book.limits) if offer.id == wanted), None)
    if offer is None or actor.merchant_id not in (None, offer.funder):
        raise OfferNotFound("That offer is not published, so there is nothing to retire.", field="id")
    now = shop.clock.now()
    async with shop.database.transaction() as tx:
        await shop.offers.retire(tx, [wanted], now)
        deed = Acted(actor.id, actor.name, "offers.retire", id, pick(offer.name, "en") or "")
        await shop.facts.append(tx, [deed], now)
    return wire.OffersAnswer([id], (await shop.books.refresh()).number)


def _funder(offer: Offer | None) -> UUID | None:
    return None if offer is None else offer.funder


async def _offer(items: Items, owner: Owner, request: UUID, number: int, one: wire.OfferInput) -> Offer:
    field = f"offers[{number}]"
    if (one.id is None) != (one.revision == 1):
        raise InvalidInput("A new offer has no id; a later revision names the offer's id.", field=f"{field}.revision")
    funder = owner.merchant if one.funder is None else await items.merchant(one.funder, f"{field}.funder")
    if owner.merchant not in (None, funder):
        raise InvalidInput("This key is for another merchant.", field=f"{field}.funder")
    merchants = [
        await items.merchant(slug, f"{field}.condition.merchants[{place}]")
        for place, slug in enumerate(one.condition.merchants)
    ]
    for name, at in (("starts_at", one.starts_at), ("ends_at", one.ends_at)):
        _check_instant(at, f"{field}.{name}")
    condition = one.condition
    return Offer(
        id=derive("claims-offer", request, number) if one.id is None else decode("off", one.id),
        revision=one.revision,
        name=one.name,
        effect=_effect(one.effect),
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        condition=Condition(
            merchants=frozenset(merchants),
            variants=frozenset(decode("var", variant) for variant in condition.variants),
            categories=frozenset(condition.categories),
            brands=frozenset(condition.brands),
            regions=frozenset(condition.regions),
            segments=frozenset(condition.segments),
            at_least=condition.at_least,
        ),
        funder=funder,
        code=one.code,
        exclusive=one.exclusive,
        max_uses=one.max_uses,
    )


def _check_instant(at: datetime, field: str) -> None:
    if at.tzinfo is None:
        raise InvalidInput("An instant needs its offset, such as 2026-11-11T00:00:00+08:00.", field=field)
    if at.year not in YEARS:
        raise InvalidInput(f"Offers begin and end in the years {YEARS.start} to {YEARS.stop - 1}.", field=field)


def _effect(effect: wire.PercentInput | wire.AmountInput | wire.FreeShippingInput) -> Effect:
    match effect:
        case wire.PercentInput():
            return PercentOff(effect.basis_points)
        case wire.AmountInput():
            return AmountOff(effect.amounts)
        case wire.FreeShippingInput():
            return FreeShipping(effect.up_to)
