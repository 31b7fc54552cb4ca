"""The loss guard: counts what paid orders had of each offer, and takes out of the book what breaks its rules."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import derive
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import Facts
from nightmarket.promotions.contract import Offer, Offers
from nightmarket.promotions.contract.guards import (
    MAX_STOPS_SHOWN,
    GuardRules,
    GuardStop,
    OfferSale,
    OfferStopped,
    StopReason,
)
from nightmarket.promotions.errors import GuardRefused
from nightmarket.promotions.model.guarding import LIMITS, Sums, is_loss, most_per_hour, out_of_bounds
from nightmarket.promotions.store import guards as store
from nightmarket.promotions.store import offers as offer_store


class StoredGuard:
    """Implements `contract.guards.LossGuard`. Lock order: the rows of sales, then the counter of books."""

    def __init__(self, facts: Facts, offers: Offers) -> None:
        self._facts = facts
        self._offers = offers

    async def rules(self, connection: Connection) -> GuardRules:
        return await store.rules(connection)

    async def set_rules(self, tx: Connection, rules: GuardRules, *, by: str, at: datetime) -> None:
        for field in out_of_bounds({name: getattr(rules, name) for name in LIMITS}):
            least, most = LIMITS[field]
            raise GuardRefused(f"Write a number between {least} and {most}.", field=field, least=least, most=most)
        if rules.language not in LANGUAGES:
            raise GuardRefused("Choose one of the list.", field="language")
        await store.set_rules(tx, rules, by, at)

    async def note(self, tx: Connection, sales: Sequence[OfferSale], at: datetime) -> Sequence[GuardStop]:
        rules = await store.rules(tx)
        if not sales or not rules.on:
            return []
        await store.count(tx, _together(sales), at)
        ids = sorted({one.offer for one in sales})
        standings = await offer_store.standings(tx, ids)
        live = [id for id in ids if id in standings and standings[id].live]
        bodies = await offer_store.last_bodies(tx, live)
        sums = await store.sums(tx, live, at, timedelta(hours=rules.window_hours))
        stops = [stop for id in live if (stop := _judged(bodies[id], sums.get(id, []), rules, at)) is not None]
        if not stops:
            return []
        await self._offers.retire(tx, [stop.offer for stop in stops], at)
        await store.keep_stops(tx, stops)
        told = [
            OfferStopped(one.id, one.offer, one.reason.value, one.currency, one.orders, one.sold, one.cost)
            for one in stops
        ]
        await self._facts.append(tx, told, at)
        return stops

    async def take_back(self, tx: Connection, sales: Sequence[tuple[datetime, OfferSale]]) -> None:
        if sales:
            await store.take_back(tx, sales)

    async def stops(self, connection: Connection) -> Sequence[GuardStop]:
        return await store.stops(connection, MAX_STOPS_SHOWN)

    async def undo(self, tx: Connection, stop: UUID, *, by: str, at: datetime) -> GuardStop:
        found = await store.lock_stop(tx, stop)
        if found is None:
            raise GuardRefused("There is nothing that was stopped with this id.", field="stop")
        if found.undone_at is not None:
            return found
        standing = (await offer_store.standings(tx, [found.offer]))[found.offer]
        offer = (await offer_store.last_bodies(tx, [found.offer]))[found.offer]
        if standing.live:
            raise GuardRefused("Somebody has published this offer again already.", field="stop")
        if offer.ends_at <= at:
            raise GuardRefused("This offer has ended in the meantime.", field="stop")
        await store.forget(tx, found.offer)
        await self._offers.publish(tx, [msgspec.structs.replace(offer, revision=standing.revision + 1)], at)
        await store.mark_undone(tx, stop, by, at)
        return msgspec.structs.replace(found, undone_at=at, undone_by=by)

    async def sweep(self, tx: Connection, at: datetime) -> None:
        """Forget what no window can reach."""
        await store.sweep(tx, at - timedelta(hours=LIMITS["window_hours"][1] + 1))


def _together(sales: Sequence[OfferSale]) -> list[OfferSale]:
    """Each offer and currency once."""
    found: dict[tuple[UUID, str], OfferSale] = {}
    for one in sales:
        key = (one.offer, one.currency)
        known = found.get(key)
        found[key] = one if known is None else _added(known, one)
    return list(found.values())


def _added(one: OfferSale, other: OfferSale) -> OfferSale:
    return OfferSale(
        one.offer,
        one.currency,
        one.orders + other.orders,
        one.discount + other.discount,
        one.costed + other.costed,
        one.sold + other.sold,
        one.cost + other.cost,
    )


def _judged(offer: Offer, sums: Sequence[Sums], rules: GuardRules, at: datetime) -> GuardStop | None:
    id = derive("guard-stop", offer.id, str(offer.revision))
    for one in sums:
        if is_loss(one, rules.loss_orders):
            return GuardStop(
                id, offer.id, offer.name, StopReason.BELOW_COST, one.currency, one.costed, one.sold, one.cost, 0, at
            )
    hour = sum(one.hour_orders for one in sums)
    most = most_per_hour(offer, rules.redemption_orders, rules.redemption_factor)
    if most is not None and hour > most:
        return GuardStop(id, offer.id, offer.name, StopReason.ABNORMAL, "", hour, 0, 0, most, at)
    return None
