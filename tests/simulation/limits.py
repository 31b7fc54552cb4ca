"""Who is one buyer in the simulated day, and what an order takes of offers and limits: the rules told a second time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import derive
from nightmarket.orders.contract import SessionInput
from nightmarket.platform.database import Connection
from nightmarket.promotions.contract import Offer, PurchaseLimit, Quote, budget_tally, buyer_caps, buyer_tally

from .model import Count, View, cart_of, quote

PEOPLE = 5
"""Persons behind all the accounts: each has many, with one address."""


def buyers_of(owner: UUID) -> tuple[UUID, ...]:
    """The account and its address; of every seventh owner nobody knows who it is."""
    return () if owner.int % 7 == 0 else (owner, derive("mail", owner.int % PEOPLE))


class Accounts:
    """Implements `orders.contract.Buyers`."""

    async def of_accounts(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, UUID]:
        return {owner: buyers_of(owner)[1] for owner in ids if buyers_of(owner)}


class Take(msgspec.Struct, frozen=True):
    """So much of a tally for an offer, or for a limit that no order may break."""

    tally: UUID
    quantity: int
    offer: UUID
    most: int = 0
    is_limit: bool = False


class Taking(msgspec.Struct, frozen=True):
    """All that a priced order takes besides goods, and whether it must be known who buys."""

    takes: tuple[Take, ...]
    asks_who: bool


def taking(owner: UUID, priced: Quote, view: View, now: datetime) -> Taking:
    """What an order at this price takes."""
    offers = {offer.id: offer for offer in view.book.offers}
    takes: list[Take] = []
    asks = False
    for applied in priced.applied:
        offer = offers[applied.offer]
        if offer.uses is not None:
            takes.append(Take(offer.uses, 1, offer.id))
        if offer.budget:
            takes.append(Take(budget_tally(offer.id, priced.currency), applied.amount, offer.id))
        if offer.per_buyer is not None:
            asks = True
            takes += _per_buyer(owner, offer, priced)
    for limit in view.book.limits:
        units = sum(line.quantity for line in priced.lines if line.variant in limit.condition.variants)
        if units and limit.starts_at <= now < limit.ends_at and isinstance(limit.effect, PurchaseLimit):
            asks = True
            most = limit.effect.units
            takes += [
                Take(buyer_tally(limit.id, "units", buyer), units, limit.id, most, is_limit=True)
                for buyer in buyers_of(owner)
            ]
    return Taking(tuple(takes), asks)


def _per_buyer(owner: UUID, offer: Offer, priced: Quote) -> list[Take]:
    cap = offer.per_buyer
    assert cap is not None
    units = sum(line.quantity for line in priced.lines if any(share.offer == offer.id for share in line.shares))
    counted = (("uses", 1, cap.uses), ("units", units, cap.units))
    return [
        Take(buyer_tally(offer.id, word, buyer), quantity, offer.id, most)
        for word, quantity, most in counted
        if most is not None
        for buyer in buyers_of(owner)
    ]


def short_of(taking: Taking, counts: Mapping[UUID, Count]) -> list[Take]:
    """What there is too little of; a buyer's tally that nobody opened has all of it."""
    return [take for take in taking.takes if free_of(take, counts) < take.quantity]


def free_of(take: Take, counts: Mapping[UUID, Count]) -> int:
    return counts[take.tally].free if take.tally in counts else take.most


def opened(owner: UUID, wanted: SessionInput, view: View, now: datetime) -> dict[UUID, int]:
    """The buyers' tallies that trying to order opens, with their capacity."""
    cart, shopper = cart_of(owner, wanted, view)
    caps = buyer_caps(cart, view.book, shopper, now)
    return {buyer_tally(cap.offer, cap.counted, buyer): cap.most for cap in caps for buyer in buyers_of(owner)}


def shown(
    owner: UUID, wanted: SessionInput, view: View, now: datetime, counts: Mapping[UUID, Count]
) -> tuple[int, set[str]]:
    """What a session is shown: the total without what has nothing left for it, and what limits say."""
    without: frozenset[UUID] = frozenset()
    while True:
        priced = quote(owner, wanted, view, now, without)
        taken = taking(owner, priced, view, now)
        short = short_of(taken, counts)
        gone = frozenset(take.offer for take in short if not take.is_limit)
        if not gone:
            break
        without |= gone
    said = {"limit_reached"} if short else set[str]()
    if taken.asks_who and not buyers_of(owner):
        said.add("identity_needed")
    return priced.total, said
