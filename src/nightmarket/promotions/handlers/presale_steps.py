"""What becomes of bookings over time: paid, unpaid, cancelled, and the guarantee. Each step may be repeated."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from nightmarket.catalog.contract import Catalog, Listing
from nightmarket.catalog.contract.prices import PriceHistory
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import derive
from nightmarket.platform.access import account_emails
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.facts import Facts
from nightmarket.platform.messages import Message, Outbox
from nightmarket.promotions.contract import Offers, PriceLine, buyer_tally, uses_tally
from nightmarket.promotions.contract.presales import (
    GRACE,
    Booking,
    BookingChanged,
    BookingState,
    Ending,
    Presale,
    PresaleChanged,
    PresaleState,
    Reduce,
    back_when_unpaid,
    offer_id,
    owed,
)
from nightmarket.promotions.model.campaigns import lives_of, lowest
from nightmarket.promotions.model.festivals import zone_of
from nightmarket.promotions.model.presales import spread_back
from nightmarket.promotions.store import campaigns as lives_store
from nightmarket.promotions.store import presales as store
from nightmarket.promotions.store.festivals import newest as newest_festivals
from nightmarket.tally.contract import Adjustment, Tallies

from .presale_letters import CLOSING, OPENED, Due, due_mail, lower_mail

LATER = timedelta(seconds=30)
"""After that it is looked again at a booking whose order is under way."""

TOLD_AT_ONCE = 200
"""People who are written to in one transaction."""

BEFORE_CLOSING = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class PresaleMeans:
    """What presales work with."""

    database: Database
    catalog: Catalog
    history: PriceHistory
    tallies: Tallies
    offers: Offers
    facts: Facts
    outbox: Outbox
    clock: Clock
    address: str
    zone: ZoneInfo
    """The shop's, for what belongs to no festival."""


class PresaleSteps:
    """Moves bookings on. Lock order: bookings, then presales, then tallies."""

    def __init__(self, means: PresaleMeans) -> None:
        self._means = means

    async def end_unpaid(self, tx: Connection, limit: int) -> Sequence[Ending]:
        now = self._means.clock.now()
        due = await store.due(tx, BookingState.HELD, now, limit)
        if not due:
            return []
        found = await store.bookings(tx, [one.id for one in due], lock=True)
        bookings = [
            one for one in found.values() if one.state is BookingState.HELD and one.due_at and one.due_at <= now
        ]
        presales = await store.some(tx, list({one.presale for one in bookings}))
        taken = {one.id: buyer_tally(offer_id(one.presale), "uses", one.account) for one in bookings}
        levels = await self._means.tallies.levels(tx, taken.values())
        endings: list[Ending] = []
        ordering: list[UUID] = []
        for one in bookings:
            presale, level = presales[one.presale], levels.get(taken[one.id])
            if level is not None and not level.available:
                ordering.append(one.id)
                continue
            back = back_when_unpaid(presale.terms, presale.lowest)
            kept = presale.terms.deposit - back
            ended = {"state": BookingState.UNPAID, "due_at": None, "given_back": back, "kept": kept}
            endings.append(Ending(msgspec.structs.replace(one, **ended), presale, back, kept))
        if ordering:
            await store.postpone(tx, ordering, now + LATER)
        await self._write(tx, endings, "unpaid")
        return endings

    async def sold(self, tx: Connection, orders: Mapping[UUID, Sequence[tuple[UUID, UUID, int]]]) -> Sequence[Ending]:
        presales = {offer_id(one.id): one for one in await store.approved(tx)}
        sales = {
            (presales[offer].id, owner): (order, total)
            for order, lines in orders.items()
            for offer, owner, total in lines
            if offer in presales
        }
        if not sales:
            return []
        standing = await store.standing(tx, list(sales))
        found = await store.bookings(tx, [one.id for one in standing.values()], lock=True)
        by_id = {one.id: one for one in presales.values()}
        endings: list[Ending] = []
        for one in found.values():
            if one.state is BookingState.HELD:
                order, total = sales[one.presale, one.account]
                earned = by_id[one.presale].terms.deposit
                ended = {"state": BookingState.PAID, "due_at": None, "order": order, "order_total": total}
                changed = msgspec.structs.replace(one, kept=earned, **ended)
                endings.append(Ending(changed, by_id[one.presale], 0, earned))
        await self._write(tx, endings, "paid")
        return endings

    async def cancelled(self, tx: Connection, orders: Sequence[UUID]) -> Sequence[Ending]:
        found = await store.bookings(tx, await store.of_orders(tx, orders), lock=True)
        bookings = [one for one in found.values() if one.state is BookingState.PAID]
        presales = await store.some(tx, sorted({one.presale for one in bookings}), lock=True)
        endings: list[Ending] = []
        for one in bookings:
            deposit = presales[one.presale].terms.deposit
            ended = {"state": BookingState.RETURNED, "given_back": deposit, "kept": 0}
            changed = msgspec.structs.replace(one, **ended)
            back = max(0, deposit - one.given_back)
            endings.append(Ending(changed, presales[one.presale], back, -one.kept))
        await self._write(tx, endings, "returned")
        for presale in presales.values():
            await self._units_back(tx, presale)
        return endings

    async def guarantee(self, tx: Connection, presale: UUID, limit: int, reduce: Reduce) -> Sequence[Ending]:
        found = (await store.some(tx, [presale]))[presale]
        if found.lowest is None:
            return []
        deposit, offer = found.terms.deposit, offer_id(presale)
        bookings = await store.owed_of(tx, presale, found.lowest, limit)
        due = {one.id: owed(found.terms, one, found.lowest) for one in bookings}
        backs = {one.id: min(due[one.id], max(0, deposit - one.given_back)) for one in bookings}
        wanted = {
            one.order: (offer, due[one.id] - backs[one.id])
            for one in bookings
            if one.order is not None and due[one.id] > backs[one.id]
        }
        reduced: Mapping[UUID, int] = await reduce(wanted) if wanted else {}
        endings: list[Ending] = []
        told: list[tuple[Booking, int]] = []
        for one in bookings:
            back, more = backs[one.id], reduced.get(one.order, 0) if one.order else 0
            if back or more:
                change = {"given_back": one.given_back + back + more, "kept": one.kept - back}
                endings.append(Ending(msgspec.structs.replace(one, **change), found, back, -back))
                told.append((endings[-1].booking, back + more))
        await self._write(tx, endings, "guaranteed")
        await self._tell_lower(tx, found, told)
        return endings

    async def _write(self, tx: Connection, endings: Sequence[Ending], what: str) -> None:
        if endings:
            await store.write_bookings(tx, [one.booking for one in endings])
            facts = [BookingChanged(one.booking.id, one.presale.id, what, one.back) for one in endings]
            await self._means.facts.append(tx, facts, self._means.clock.now())

    async def look_at_prices(self) -> Sequence[UUID]:
        means, now = self._means, self._means.clock.now()
        async with means.database.read() as connection:
            running = [one for one in await store.approved(connection) if one.terms.opens_at < now]
            found = {one.id: await self._lowest(connection, one, now) for one in running}
        lower = {
            one.id: seen
            for one in running
            if (seen := found[one.id]) is not None and (one.lowest is None or seen < one.lowest)
        }
        if lower:
            async with means.database.transaction() as tx:
                for id, seen in sorted(lower.items()):
                    await store.note_lowest(tx, id, seen)
        async with means.database.read() as connection:
            return await store.owed_more(connection)

    async def _lowest(self, connection: Connection, presale: Presale, now: datetime) -> int | None:
        """The lowest price at which everybody could have the goods since the booking opened."""
        terms = presale.terms
        listing = (await self._means.catalog.listings([terms.variant])).get(terms.variant)
        if listing is None:
            return None
        histories = await self._means.history.list_prices(
            connection, {terms.variant: listing.product}, terms.currency, terms.opens_at
        )
        history = histories.get(terms.variant)
        if history is None:
            return None
        lives = lives_of(await lives_store.lives(connection, terms.opens_at, [_line(listing)]))
        return lowest(_line(listing), history.spans, lives, (terms.opens_at, min(now, terms.ends_at), terms.currency))

    async def give_units_back(self) -> int:
        means, now = self._means, self._means.clock.now()
        async with means.database.read() as connection:
            over = [one.id for one in await store.approved(connection) if one.terms.closes_at <= now]
        units = 0
        for id in over:
            async with means.database.transaction() as tx:
                presale = (await store.some(tx, [id], lock=True))[id]
                if presale.state is PresaleState.APPROVED:
                    units += await self._units_back(tx, presale)
                    await self._end(tx, presale, now)
        return units

    async def _units_back(self, tx: Connection, presale: Presale) -> int:
        """Units that nobody who booked can claim any more become stock again; the presale is locked."""
        counts = (await store.counts(tx, [presale.id])).get(presale.id, {})
        units = uses_tally(offer_id(presale.id))
        level = (await self._means.tallies.levels(tx, [units]))[units]
        free = min(level.available - counts.get("held", 0) - counts.get("claimed", 0), presale.terms.units)
        # an offer that was turned off and on again has all its uses again, so what is whose is counted by bookings too
        whose = sum(counts.get(state, 0) for state in ("held", "claimed", "paid"))
        free = min(free, presale.terms.units - presale.returned - whose)
        if free <= 0:
            return 0
        id = derive("presale_back", presale.id, presale.returned)
        moves = [Adjustment(id, units, -free, "presale")]
        lots = spread_back(presale.lots, presale.returned, free)
        moves += [Adjustment(id, tally, part, "presale") for tally, part in lots]
        done = await self._means.tallies.adjust(tx, moves, self._means.clock.now())
        if done[id]:
            await store.note_returned(tx, presale.id, free)
        return free

    async def _end(self, tx: Connection, presale: Presale, now: datetime) -> None:
        """A presale is over once its festival is, and nobody's balance is open."""
        counts = (await store.counts(tx, [presale.id])).get(presale.id, {})
        is_open = counts.get("held", 0) + counts.get("claimed", 0)
        if not is_open and now >= max(presale.terms.ends_at, presale.terms.balance_until) + GRACE:
            await store.end(tx, presale.id)
            fact = PresaleChanged(presale.id, presale.terms.merchant, "over", presale.terms.product)
            await self._means.facts.append(tx, [fact], now)

    async def remind(self) -> int:
        now = self._means.clock.now()
        async with self._means.database.read() as connection:
            due = [one for one in await store.approved(connection) if one.takes_balances(now)]
        told = 0
        for presale in due:
            terms = presale.terms
            early = min(BEFORE_CLOSING, (terms.balance_until - terms.balance_from) / 4)
            told += await self._remind(presale, CLOSING if now >= terms.balance_until - early else OPENED)
        return told

    async def _remind(self, presale: Presale, stage: int) -> int:
        due = await self._due(presale, stage)
        async with self._means.database.transaction() as tx:
            told: list[Booking] = await store.take_unreminded(tx, presale.id, stage, TOLD_AT_ONCE)
            await self._send(tx, told, lambda one, to: due_mail(due, one, to))
        return len(told)

    async def _tell_lower(self, tx: Connection, presale: Presale, told: Sequence[tuple[Booking, int]]) -> None:
        """Write to those to whom the guarantee has just paid something back."""
        if told:
            about, amounts = await self._due(presale, 0), {one.id: amount for one, amount in told}
            bookings = [one for one, _ in told]
            await self._send(tx, bookings, lambda one, to: lower_mail(about, one, to, amounts[one.id]))

    async def _due(self, presale: Presale, stage: int) -> Due:
        cards = await self._means.catalog.cards_of([presale.terms.product])
        async with self._means.database.read() as connection:
            festivals = await newest_festivals(connection)
        zone = zone_of(festivals, presale.terms.ends_at, self._means.clock.now(), self._means.zone)
        return Due(presale, cards[0].title if cards else {}, self._means.address, stage, zone)

    async def _send(
        self, tx: Connection, bookings: Sequence[Booking], write: Callable[[Booking, str], Message]
    ) -> None:
        emails = await account_emails(tx, [one.account for one in bookings]) if bookings else {}
        mails = [write(one, emails[one.account]) for one in bookings if one.account in emails]
        if mails:
            await self._means.outbox.send(tx, mails)


def _line(listing: Listing) -> PriceLine:
    """One unit of the goods, to be priced."""
    ids = (listing.variant, listing.product, listing.merchant)
    return PriceLine("1", *ids, listing.category, listing.brand, 1, 0, listing.ancestors)
