"""Samples are offered, booked, given back, handed out. A seat is held until its slot is over, spent when used."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from nightmarket.kernel.findings import Finding
from nightmarket.kernel.ids import Ids, encode
from nightmarket.platform.access import Signer
from nightmarket.platform.database import Connection
from nightmarket.platform.messages import Message
from nightmarket.promotions.contract.places import Place, Places
from nightmarket.promotions.contract.samples import (
    Booking,
    BookingState,
    NewBooking,
    NewSample,
    Sample,
    SampleBooked,
    SampleMade,
    SampleTerms,
    SeatChanged,
    Slot,
    SlotPlan,
    slot_tally,
)
from nightmarket.promotions.errors import SampleNotFound, SampleRefused, SlotFull
from nightmarket.promotions.model.flaws import Flaw
from nightmarket.promotions.model.samples import (
    KEPT,
    LATE,
    REMIND_BEFORE,
    booking_code,
    first_name_flaws,
    plain_typed,
    sample_flaws,
    slots_of,
)
from nightmarket.promotions.store import samples as store
from nightmarket.tally.contract import ClaimRequest, Grant, NewTally, Part, TallyKind

from .draw_steps import DrawMeans
from .sample_letters import Appointment, booked_mail, reminder_mail, shut_mail

ID_BYTES = 16
FINDINGS_LIMIT = 100
CODE_TRIES = 5
"""Codes that are tried for one booking: 40 bits seldom come twice."""

MAX_SLOTS_IN_ALL = 1_000
"""Slots of one sample."""


class StoredSamples:
    """Implements `contract.samples.Samples`. Lock order: the booking's row, then the slot's tally."""

    def __init__(self, means: DrawMeans, places: Places, ids: Ids) -> None:
        self._means, self._places, self._ids = means, places, ids
        self._signer = Signer(means.secret, "sample-pass")

    # what merchants do

    async def offer(self, tx: Connection, new: NewSample, by: str) -> Sample:
        known = await store.one(tx, new.id)
        if known is not None:
            return known
        now = self._means.clock.now()
        place = await self._places.one(tx, new.terms.place)
        if place.terms.merchant not in (None, new.terms.merchant):
            raise SampleRefused("That counter belongs to another merchant.", field="place", reason="foreign")
        slots = _planned(new.id, new.terms, new.plan, place, now)
        made = Sample(new.id, new.terms, now, by)
        if await store.insert(tx, made, slots):
            tallies = [NewTally(slot_tally(slot.id), TallyKind.SLOT, slot.seats) for slot in slots]
            await self._means.tallies.open(tx, tallies, now)
            await self._means.facts.append(tx, [SampleMade(made.id, new.terms.merchant, len(slots))], now)
        return made

    async def extend(self, tx: Connection, id: UUID, plan: SlotPlan) -> int:
        now, sample = self._means.clock.now(), await self.one(tx, id)
        slots = _planned(id, sample.terms, plan, await self._places.one(tx, sample.terms.place), now)
        if await store.count_slots(tx, id) + len(slots) > MAX_SLOTS_IN_ALL:
            text = f"A sample has at most {MAX_SLOTS_IN_ALL} slots; offer it again for more."
            raise SampleRefused(text, field="day", reason="too_many")
        new = await store.add_slots(tx, id, slots)
        tallies = [NewTally(slot_tally(one.id), TallyKind.SLOT, one.seats) for one in slots if one.id in new]
        if tallies:
            await self._means.tallies.open(tx, tallies, now)
            await self._means.facts.append(tx, [SampleMade(id, sample.terms.merchant, len(tallies))], now)
        return len(tallies)

    async def check_in(self, tx: Connection, merchant: UUID | None, code: str) -> tuple[Booking, bool]:
        now = self._means.clock.now()
        found = await store.by_code(tx, merchant, plain_typed(code))
        if found is None or found.state is BookingState.CANCELLED:
            raise SampleNotFound("No seat at your counters has that code.", field="code")
        if found.state is BookingState.CAME:
            return found, False
        slot = await self._slot(tx, found.slot)
        if found.state is BookingState.MISSED or now >= slot.ends_at + LATE:
            raise SampleRefused("Its slot is over, and the seat counts as missed.", field="code", reason="over")
        await self._means.tallies.settle(tx, [found.id])
        return await self._end(tx, found, BookingState.CAME, now), True

    # what shoppers do

    async def book(self, tx: Connection, wanted: NewBooking) -> Booking:
        now, means = self._means.clock.now(), self._means
        slot = await self._slot(tx, wanted.slot)
        known = await store.of_person(tx, slot.sample, wanted.person)
        if known is not None:
            return known
        if slot.starts_at <= now:
            raise SampleRefused("This slot has begun; choose a later one.", field="slot", reason="begun")
        _refuse(list(first_name_flaws(wanted.first_name)))
        sample = await self.one(tx, slot.sample)
        place = await self._places.one(tx, sample.terms.place)
        if place.closed_at is not None or slot.ends_at > place.terms.ends_at:
            raise SampleRefused("The place is closed by then.", field="slot", reason="closed")
        made, is_new = await self._write(tx, wanted, sample, slot)
        if not is_new:
            return made
        id = made.id
        tally = slot_tally(slot.id)
        ledger = await means.tallies.lock(tx, [tally])
        answer = ledger.claim(ClaimRequest(id, (Part(tally, 1),), slot.ends_at + LATE))
        if not isinstance(answer, Grant):
            raise SlotFull("Every seat of this slot is taken; choose another one.", field="slot")
        await means.tallies.write(tx, ledger, now)
        await means.facts.append(tx, [SampleBooked(id, made.sample, made.slot)], now)
        if made.email:
            await means.outbox.send(tx, [booked_mail(Appointment(made, slot, sample, place, self._link(id)))])
        return made

    async def _write(self, tx: Connection, wanted: NewBooking, sample: Sample, slot: Slot) -> tuple[Booking, bool]:
        """The booking, with a code that no other has at its merchant's counters; or the one that the person has."""
        now = self._means.clock.now()
        for _ in range(CODE_TRIES):
            id = self._ids.new()
            made = Booking(
                id=id,
                sample=slot.sample,
                merchant=sample.terms.merchant,
                slot=slot.id,
                person=wanted.person,
                account=wanted.account,
                email=wanted.email,
                first_name=wanted.first_name.strip(),
                language=wanted.language,
                code=booking_code(id, self._means.secret),
                state=BookingState.BOOKED,
                booked_at=now,
            )
            if await store.book(tx, made):
                return made, True
            known = await store.of_person(tx, slot.sample, wanted.person)
            if known is not None:
                return known, False
        raise SampleRefused("Your other booking is changing just now; try again.", field="slot", reason="busy")

    async def cancel(self, tx: Connection, booking: UUID) -> Booking:
        now = self._means.clock.now()
        found = await store.booking(tx, booking, lock=True)
        if found is None:
            raise _none()
        if found.state is BookingState.CANCELLED:
            return found
        slot = await self._slot(tx, found.slot)
        if found.state is not BookingState.BOOKED or slot.ends_at <= now:
            raise SampleRefused("This appointment is over, so there is nothing to cancel.", field="slot", reason="over")
        await self._means.tallies.release(tx, [found.id])
        return await self._end(tx, found, BookingState.CANCELLED, now)

    async def _end(self, tx: Connection, one: Booking, state: BookingState, now: datetime) -> Booking:
        await store.end(tx, [one.id], state, now)
        await self._means.facts.append(tx, [SeatChanged(one.id, one.sample, state.value)], now)
        return msgspec.structs.replace(one, state=state)

    # what others ask

    async def one(self, connection: Connection, id: UUID) -> Sample:
        found = await store.one(connection, id)
        if found is None:
            raise _none()
        return found

    async def _slot(self, connection: Connection, id: UUID) -> Slot:
        found = await store.slot(connection, id)
        if found is None:
            raise _none()
        return found

    async def booking(self, connection: Connection, id: UUID) -> Booking:
        found = await store.booking(connection, id)
        if found is None:
            raise _none()
        return found

    async def of_person(self, connection: Connection, sample: UUID, person: UUID) -> Booking | None:
        return await store.of_person(connection, sample, person)

    async def all(self, connection: Connection, merchant: UUID | None = None) -> Sequence[Sample]:
        return await store.newest(connection, merchant)

    async def bookable(
        self, connection: Connection, merchants: Collection[UUID], place: UUID | None = None
    ) -> Sequence[Sample]:
        return await store.bookable(connection, merchants, self._means.clock.now(), place)

    async def slots(self, connection: Connection, samples: Sequence[UUID], since: datetime) -> Sequence[Slot]:
        return await store.slots(connection, samples, since)

    async def bookings(self, connection: Connection, slots: Sequence[UUID]) -> Mapping[UUID, Sequence[Booking]]:
        return await store.bookings(connection, slots)

    def token(self, booking: UUID) -> str:
        return self._signer.seal(booking.bytes)

    def read(self, token: str) -> UUID | None:
        raw = self._signer.unseal(token, ID_BYTES)
        return UUID(bytes=raw) if raw is not None else None

    def _link(self, booking: UUID) -> str:
        return f"{self._means.address}/sample-pass/{self.token(booking)}"

    # what the worker does

    async def step(self) -> int:
        return await self._shut_out() + await self._remind() + await self._miss() + await self._forget_old()

    async def _shut_out(self) -> int:
        """Seats at a place that was closed, or ends earlier now: given back, and their holders told."""
        now = self._means.clock.now()
        async with self._means.database.transaction() as tx:
            due = await store.take_shut_out(tx, now)
            if due:
                ids = [one.id for one, _ in due]
                await self._means.tallies.release(tx, ids)
                await store.end(tx, ids, BookingState.CANCELLED, now)
                facts = [SeatChanged(one.id, one.sample, BookingState.CANCELLED.value) for one, _ in due]
                await self._means.facts.append(tx, facts, now)
                await self._tell(tx, due, shut_mail)
        return len(due)

    async def _remind(self) -> int:
        now = self._means.clock.now()
        async with self._means.database.transaction() as tx:
            due = await store.take_unreminded(tx, now, now + REMIND_BEFORE)
            await self._tell(tx, due, reminder_mail)
        return len(due)

    async def _tell(
        self, tx: Connection, due: Sequence[tuple[Booking, Slot]], mail: Callable[[Appointment], Message]
    ) -> None:
        samples = {one.id: one for one in [await self.one(tx, id) for id in {each.sample for each, _ in due}]}
        places = await self._places.some(tx, [one.terms.place for one in samples.values()])
        mails = [
            mail(Appointment(one, slot, sample, places[sample.terms.place], self._link(one.id)))
            for one, slot in due
            for sample in (samples[one.sample],)
            if one.email
        ]
        if mails:
            await self._means.outbox.send(tx, mails)

    async def _miss(self) -> int:
        """Seats whose holders did not come: the claim lapses."""
        now = self._means.clock.now()
        async with self._means.database.transaction() as tx:
            missed = await store.take_missed(tx, now - LATE)
            if missed:
                await self._means.tallies.lapse(tx, [one.id for one in missed], now)
                await store.end(tx, [one.id for one in missed], BookingState.MISSED, now)
                facts = [SeatChanged(one.id, one.sample, BookingState.MISSED.value) for one in missed]
                await self._means.facts.append(tx, facts, now)
        return len(missed)

    async def _forget_old(self) -> int:
        async with self._means.database.transaction() as tx:
            return await store.forget_old(tx, self._means.clock.now() - KEPT)

    async def forget(self, tx: Connection, account: UUID) -> None:
        now = self._means.clock.now()
        ahead = [one for one in await store.of_account(tx, account) if one.state is BookingState.BOOKED]
        if ahead:
            await self._means.tallies.release(tx, [one.id for one in ahead])
            await store.end(tx, [one.id for one in ahead], BookingState.CANCELLED, now)
            facts = [SeatChanged(one.id, one.sample, BookingState.CANCELLED.value) for one in ahead]
            await self._means.facts.append(tx, facts, now)
        await store.forget(tx, account)

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        found: list[Finding] = []
        last = UUID(int=0)
        while page := await store.slots_after(connection, last):
            counted = await store.counted(connection, [one.id for one in page])
            levels = await self._means.tallies.levels(connection, [slot_tally(one.id) for one in page])
            for slot in page:
                states, level = counted.get(slot.id, {}), levels.get(slot_tally(slot.id))
                expected = (slot.seats, states.get("booked", 0), states.get("came", 0))
                stands = (level.capacity, level.held, level.spent) if level else None
                if stands != expected:
                    rule = "a slot's tally holds who is booked and has spent who came"
                    found.append(Finding(rule, encode("slt", slot.id), str(expected), str(stands)))
            last = page[-1].id
        return found[:FINDINGS_LIMIT]


def _refuse(flaws: Sequence[Flaw]) -> None:
    if flaws:
        listed = [msgspec.to_builtins(flaw) for flaw in flaws]
        raise SampleRefused(flaws[0].detail, field=flaws[0].field, reason=flaws[0].reason, flaws=listed)


def _none() -> SampleNotFound:
    return SampleNotFound("There is no such sample or booking.", field="sample")


def _planned(sample: UUID, terms: SampleTerms, plan: SlotPlan, place: Place, now: datetime) -> list[Slot]:
    """The slots of a plan at a place. Raises SampleRefused."""
    slots = slots_of(sample, plan, ZoneInfo(place.terms.zone))
    flaws = list(sample_flaws(terms, plan, slots, now))
    if place.closed_at is not None or (slots and slots[-1].ends_at > place.terms.ends_at):
        flaws.append(Flaw("day", "place_over", "The place is closed by then."))
    _refuse(flaws)
    return slots
