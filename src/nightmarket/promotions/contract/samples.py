"""What others may ask of free samples: offer slots, book a seat, show it, give it back."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.kernel.findings import Finding
from nightmarket.platform.database import Connection
from nightmarket.promotions.model.samples import (
    BOOKING,
    MAX_FIRST_NAME,
    SAMPLE,
    Booking,
    BookingState,
    Sample,
    SampleTerms,
    Slot,
    SlotPlan,
    slot_tally,
)

__all__ = [
    "BOOKING",
    "MAX_FIRST_NAME",
    "SAMPLE",
    "Booking",
    "BookingState",
    "NewBooking",
    "NewSample",
    "Sample",
    "SampleBooked",
    "SampleMade",
    "SampleTerms",
    "Samples",
    "SeatChanged",
    "Slot",
    "SlotPlan",
    "slot_tally",
]


class SampleMade(msgspec.Struct, frozen=True):
    """Fact: a merchant offers a sample in so many slots."""

    kind: ClassVar[str] = "promotions.sample_made"
    sample: UUID
    merchant: UUID
    slots: int


class SampleBooked(msgspec.Struct, frozen=True):
    """Fact: a seat was taken. Says not by whom."""

    kind: ClassVar[str] = "promotions.sample_booked"
    booking: UUID
    sample: UUID
    slot: UUID


class SeatChanged(msgspec.Struct, frozen=True):
    """Fact: a booking came to its end: `state` is cancelled, came or missed."""

    kind: ClassVar[str] = "promotions.seat_changed"
    booking: UUID
    sample: UUID
    state: str


class NewSample(msgspec.Struct, frozen=True):
    """A sample to be offered; its id comes with the form."""

    id: UUID
    terms: SampleTerms
    plan: SlotPlan


class NewBooking(msgspec.Struct, frozen=True):
    """Who wants which slot. `person` is the key of the address that `email` is."""

    slot: UUID
    person: UUID
    account: UUID | None
    email: str
    first_name: str
    language: str


class Samples(Protocol):
    """Samples with appointments. A seat is held by a claim until its slot is over, settled when its holder comes."""

    async def offer(self, tx: Connection, new: NewSample, by: str) -> Sample:
        """Check, write, open the tallies of its slots; safe to repeat. Raises SampleRefused."""
        ...

    async def extend(self, tx: Connection, id: UUID, plan: SlotPlan) -> int:
        """Add slots; those that are there stay as they are. Returns how many are new. Raises SampleRefused."""
        ...

    async def book(self, tx: Connection, wanted: NewBooking) -> Booking:
        """One seat per person and sample; a repeat finds the first. Raises SampleRefused, SlotFull."""
        ...

    async def cancel(self, tx: Connection, booking: UUID) -> Booking:
        """Give the seat back; a repeat changes nothing. Raises SampleRefused once it is over."""
        ...

    async def check_in(self, tx: Connection, merchant: UUID | None, code: str) -> tuple[Booking, bool]:
        """Somebody stands at the counter: the booking, and whether it is the first time. Raises SampleRefused."""
        ...

    async def one(self, connection: Connection, id: UUID) -> Sample: ...

    async def booking(self, connection: Connection, id: UUID) -> Booking: ...

    async def of_person(self, connection: Connection, sample: UUID, person: UUID) -> Booking | None:
        """The booking that somebody has of a sample, unless it was cancelled."""
        ...

    async def all(self, connection: Connection, merchant: UUID | None = None) -> Sequence[Sample]:
        """The newest first."""
        ...

    async def bookable(
        self, connection: Connection, merchants: Collection[UUID], place: UUID | None = None
    ) -> Sequence[Sample]:
        """Those of these merchants, of one place or all, with slots ahead at places that are open; newest first."""
        ...

    async def slots(self, connection: Connection, samples: Sequence[UUID], since: datetime) -> Sequence[Slot]:
        """Slots that are not over at that instant, in order of time."""
        ...

    async def bookings(self, connection: Connection, slots: Sequence[UUID]) -> Mapping[UUID, Sequence[Booking]]:
        """Who comes, per slot, in order of name."""
        ...

    def token(self, booking: UUID) -> str:
        """What opens a booking's pass, signed."""
        ...

    def read(self, token: str) -> UUID | None: ...

    async def step(self) -> int:
        """Give back seats at places that were closed, remind, note who did not come, forget names and addresses. For a
        drain."""
        ...

    async def forget(self, tx: Connection, account: UUID) -> None:
        """A shopper leaves: seats ahead go back, name and address are forgotten."""
        ...

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        """Each slot's tally holds and has spent what its bookings say."""
        ...
