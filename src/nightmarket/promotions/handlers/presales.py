"""Presales are proposed and approved; places in them are claimed and held. The money is not handled here."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from nightmarket.kernel.findings import Finding
from nightmarket.kernel.ids import derive
from nightmarket.kernel.problems import Problem
from nightmarket.platform.database import Connection
from nightmarket.platform.gathered import Renewed
from nightmarket.promotions.contract.presales import (
    GRACE,
    Booking,
    BookingChanged,
    BookingState,
    NewBooking,
    NewPresale,
    Presale,
    PresaleChanged,
    PresaleState,
    PresaleTerms,
    offer_id,
    place_claim,
    places_tally,
)
from nightmarket.promotions.errors import PresaleClosed, PresaleFull, PresaleNotFound, PresaleRefused
from nightmarket.promotions.model.presales import ASK_AFTER, PAY_WITHIN, entitlement_of, offer_of, presale_flaws
from nightmarket.promotions.store import offers as offer_store
from nightmarket.promotions.store import presales as store
from nightmarket.tally.contract import Adjustment, ClaimRequest, ClaimState, Grant, NewTally, Part, TallyKind

from .presale_audit import audit
from .presale_steps import PresaleMeans, PresaleSteps

MAX_RUNNING = 200
"""Presales that are approved and not over."""

WINDOWS_SECONDS = 2
"""How long a process believes what it knows of balance windows."""


class StoredPresales(PresaleSteps):
    """Implements `contract.presales.Presales`."""

    def __init__(self, means: PresaleMeans) -> None:
        super().__init__(means)
        self._windows = Renewed(self._approved, means.clock, timedelta(seconds=WINDOWS_SECONDS))

    # what merchants and operators do

    async def propose(self, tx: Connection, new: NewPresale, by: str) -> Presale:
        known = (await store.some(tx, [new.id])).get(new.id)
        if known is not None:
            return known
        now = self._means.clock.now()
        found = presale_flaws(new.terms, new.listed, now)
        if found:
            flaws = [msgspec.to_builtins(flaw) for flaw in found]
            raise PresaleRefused(found[0].detail, field=found[0].field, reason=found[0].reason, flaws=flaws)
        made = Presale(new.id, new.terms, PresaleState.PROPOSED, (), 0, 0, None, now, by)
        if await store.insert(tx, made):
            await self._tell(tx, made, "proposed")
        return made

    async def approve(self, tx: Connection, id: UUID, by: str) -> Presale:
        found, now = await self._locked(tx, id), self._means.clock.now()
        if found.state is PresaleState.APPROVED:
            return found
        if found.state is not PresaleState.PROPOSED or found.terms.closes_at <= now:
            raise PresaleRefused("It was decided about already, or its booking window is over.", field="state")
        if await store.count_approved(tx) >= MAX_RUNNING:
            raise PresaleRefused(f"There are {MAX_RUNNING} presales that are not over; let some end first.")
        terms, means = found.terms, self._means
        await means.offers.publish(tx, [offer_of(id, terms)], now)
        await means.tallies.open(tx, [NewTally(places_tally(id), TallyKind.SEAT, terms.units)], now)
        lots = await self._take_out(tx, found, now)
        done = msgspec.structs.replace(found, state=PresaleState.APPROVED, lots=lots)
        await store.decide(tx, done, by)
        await self._tell(tx, done, "approved")
        return done

    async def _take_out(self, tx: Connection, presale: Presale, now: datetime) -> tuple[tuple[UUID, int], ...]:
        """Take the units out of stock: from then on they are the presale's alone."""
        terms, tallies = presale.terms, self._means.tallies
        listing = (await self._means.catalog.listings([terms.variant])).get(terms.variant)
        stock = [lot.tally for lot in listing.stock] if listing is not None else []
        ledger = await tallies.lock(tx, stock)
        missing, lots = terms.units, list[tuple[UUID, int]]()
        for tally in stock:
            units = min(missing, ledger.free(tally))
            if units > 0:
                lots.append((tally, units))
                missing -= units
        taken = [Adjustment(derive("presale_taken", presale.id), tally, -units, "presale") for tally, units in lots]
        if missing or not all((await tallies.adjust(tx, taken, now)).values()):
            raise PresaleRefused("So many units are not in stock.", field="units", reason="not_in_stock")
        return tuple(lots)

    async def decline(self, tx: Connection, id: UUID, reason: str, by: str) -> Presale:
        found = await self._locked(tx, id)
        if found.state is PresaleState.DECLINED:
            return found
        if found.state is not PresaleState.PROPOSED:
            raise PresaleRefused("It was decided about already, or its booking window is over.", field="state")
        if not 3 <= len(reason.strip()) <= 500:
            raise PresaleRefused("Say why, in words for the merchant.", field="reason")
        done = msgspec.structs.replace(found, state=PresaleState.DECLINED, reason=reason.strip())
        await store.decide(tx, done, by)
        await self._tell(tx, done, "declined")
        return done

    async def close(self, tx: Connection, id: UUID) -> Presale:
        found, now = await self._locked(tx, id), self._means.clock.now()
        if found.state is PresaleState.APPROVED and found.terms.closes_at <= now:
            return found
        if not found.takes_bookings(now):
            raise PresaleRefused("It takes no bookings now.", field="state")
        return await self._moved(tx, found, "closed", msgspec.structs.replace(found.terms, closes_at=now))

    async def open_balance(self, tx: Connection, id: UUID) -> Presale:
        found, now = await self._locked(tx, id), self._means.clock.now()
        terms = found.terms
        if found.takes_balances(now):
            return found
        if found.state is not PresaleState.APPROVED or not terms.closes_at <= now < terms.balance_from:
            raise PresaleRefused("Balances are paid after the booking has ended.", field="state")
        standing = (await offer_store.standings(tx, [offer_id(id)]))[offer_id(id)]
        if not standing.live:
            raise PresaleRefused("Its offer is turned off; turn it on first.", field="state")
        terms = msgspec.structs.replace(terms, balance_from=now)
        # units that are back in stock are the offer's no more
        changes = {"revision": standing.revision + 1, "max_uses": terms.units - found.returned}
        await self._means.offers.publish(tx, [msgspec.structs.replace(offer_of(id, terms), **changes)], now)
        return await self._moved(tx, found, "opened", terms)

    async def _moved(self, tx: Connection, found: Presale, what: str, terms: PresaleTerms) -> Presale:
        await store.move_windows(tx, found.id, terms.closes_at, terms.balance_from)
        await self._tell(tx, found, what)
        self._windows.forget()
        return msgspec.structs.replace(found, terms=terms)

    async def _locked(self, tx: Connection, id: UUID) -> Presale:
        found = (await store.some(tx, [id], lock=True)).get(id)
        if found is None:
            raise _none()
        return found

    async def _tell(self, tx: Connection, one: Presale, what: str) -> None:
        fact = PresaleChanged(one.id, one.terms.merchant, what, one.terms.product)
        await self._means.facts.append(tx, [fact], self._means.clock.now())

    # what everybody may ask

    async def one(self, connection: Connection, id: UUID) -> Presale:
        found = (await store.some(connection, [id])).get(id)
        if found is None:
            raise _none()
        return found

    async def some(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, Presale]:
        return await store.some(connection, ids)

    async def all(self, connection: Connection, merchant: UUID | None = None, limit: int = 100) -> Sequence[Presale]:
        return await store.newest(connection, merchant, limit)

    async def of_product(self, connection: Connection, product: UUID, now: datetime) -> Sequence[Presale]:
        return await store.of_product(connection, product, now)

    async def running(self, connection: Connection, now: datetime, limit: int = 50) -> Sequence[Presale]:
        return await store.running(connection, now, limit)

    async def bookings_of(self, connection: Connection, account: UUID, limit: int = 50) -> Sequence[Booking]:
        return await store.bookings_of(connection, account, limit)

    async def booking(self, connection: Connection, id: UUID) -> Booking | None:
        return (await store.bookings(connection, [id])).get(id)

    async def counts(self, connection: Connection, presales: Sequence[UUID]) -> Mapping[UUID, Mapping[str, int]]:
        return await store.counts(connection, presales)

    async def words(self, owner: UUID, now: datetime) -> tuple[str, ...]:
        due = [one.id for one in await self._windows.get() if one.takes_balances(now)]
        if not due:
            return ()
        async with self._means.database.read() as connection:
            return tuple(sorted(map(entitlement_of, await store.held_of(connection, owner, due))))

    async def _approved(self) -> Sequence[Presale]:
        async with self._means.database.read() as connection:
            return await store.approved(connection)

    # bookings

    async def claim(self, tx: Connection, items: Sequence[NewBooking]) -> Sequence[Booking | Problem]:
        now, means = self._means.clock.now(), self._means
        presales = await store.some(tx, list({item.presale for item in items}))
        open_items = [one for one in items if one.presale in presales and presales[one.presale].takes_bookings(now)]
        first: dict[tuple[UUID, UUID], NewBooking] = {}
        for one in open_items:
            first.setdefault((one.presale, one.account), one)
        new = await store.insert_bookings(tx, list(first.values()), now, now + ASK_AFTER) if first else set[UUID]()
        full = set[UUID]()
        if new:
            ledger = await means.tallies.lock(tx, {places_tally(one.presale) for one in items if one.id in new})
            for one in first.values():  # in order of arrival
                if one.id in new:
                    part = Part(places_tally(one.presale), 1)
                    claim = ClaimRequest(place_claim(one.id), (part,), now + PAY_WITHIN)
                    if not isinstance(ledger.claim(claim), Grant):
                        full.add(one.id)
            await means.tallies.write(tx, ledger, now)
        if full:
            await store.delete_bookings(tx, list(full))
        by_id = await store.bookings(tx, [item.id for item in items])
        standing = await store.standing(tx, [(item.presale, item.account) for item in items])
        return [
            self._outcome(item, by_id, standing, item.id in full or item.presale in presales_of(full, items))
            if item.presale in presales
            else _none()
            for item in items
        ]

    def _outcome(
        self,
        item: NewBooking,
        by_id: Mapping[UUID, Booking],
        standing: Mapping[tuple[UUID, UUID], Booking],
        full: bool,
    ) -> Booking | Problem:
        own = by_id.get(item.id)
        if own is not None and own.account == item.account and own.presale == item.presale:
            return own
        found = standing.get((item.presale, item.account))
        if found is not None:
            return found
        if full:
            return PresaleFull("Every place is taken. Nothing was charged.", field="presale")
        return PresaleClosed("No places are given for this now.", field="presale")

    async def settle(self, tx: Connection, answers: Mapping[UUID, bool]) -> Mapping[UUID, tuple[Booking, bool]]:
        found = await store.bookings(tx, list(answers), lock=True)
        presales = await store.some(tx, list({one.presale for one in found.values()}))
        due = {id: one for id, one in found.items() if one.state is BookingState.CLAIMED}
        changed: dict[UUID, Booking] = {}
        for presale in presales.values():
            paid = [id for id in answers if answers[id] and id in due and due[id].presale == presale.id]
            first = await store.next_places(tx, presale.id, len(paid)) if paid else 0
            until = presale.terms.balance_until + GRACE
            for place, id in enumerate(paid, start=first):
                held = {"state": BookingState.HELD, "place": place, "due_at": until}
                changed[id] = msgspec.structs.replace(due[id], **held)
        for id in due.keys() - changed.keys():
            changed[id] = msgspec.structs.replace(due[id], state=BookingState.REFUSED, due_at=None)
        if changed:
            await store.write_bookings(tx, list(changed.values()))
            facts = [BookingChanged(one.id, one.presale, one.state.value) for one in changed.values()]
            await self._means.facts.append(tx, facts, self._means.clock.now())
            settled, released = ClaimState.SETTLED, ClaimState.RELEASED
            ends = {place_claim(id): settled if answers[id] else released for id in changed}
            await self._means.tallies.end(tx, ends)
        return {id: (changed.get(id, one), id in changed) for id, one in found.items()}

    async def waiting(self, connection: Connection, limit: int) -> Sequence[Booking]:
        return await store.due(connection, BookingState.CLAIMED, self._means.clock.now(), limit)

    async def postpone(self, tx: Connection, bookings: Sequence[UUID], until: datetime) -> None:
        await store.postpone(tx, bookings, until)

    async def any_held(self, connection: Connection) -> bool:
        return await store.any_held(connection)

    async def page(self, connection: Connection, after: UUID, limit: int) -> Sequence[Booking]:
        return await store.page(connection, after, limit)

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        return await audit(connection, self._means.tallies)


def presales_of(bookings: set[UUID], items: Sequence[NewBooking]) -> set[UUID]:
    """The presales in which these got no place."""
    return {item.presale for item in items if item.id in bookings}


def _none() -> PresaleNotFound:
    return PresaleNotFound("There is no such presale.", field="presale")
