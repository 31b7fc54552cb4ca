"""What others may ask of presales: make one, book a place, and what becomes of bookings."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Protocol, TypeAlias
from uuid import UUID

import msgspec

from nightmarket.kernel.findings import Finding
from nightmarket.kernel.problems import Problem
from nightmarket.platform.database import Connection
from nightmarket.promotions.model.presales import (
    ASK_AFTER,
    BOOKING,
    GRACE,
    MAX_UNITS,
    PAY_WITHIN,
    PRESALE,
    STANDING,
    Booking,
    BookingState,
    Presale,
    PresaleState,
    PresaleTerms,
    UnpaidRule,
    back_when_unpaid,
    entitlement_of,
    of_order,
    offer_id,
    owed,
    place_claim,
    places_tally,
    put_aside,
)

__all__ = [
    "ASK_AFTER",
    "BOOKING",
    "GRACE",
    "MAX_UNITS",
    "PAY_WITHIN",
    "PRESALE",
    "STANDING",
    "Booking",
    "BookingChanged",
    "BookingState",
    "Ending",
    "NewBooking",
    "NewPresale",
    "Presale",
    "PresaleChanged",
    "PresaleState",
    "PresaleTerms",
    "Presales",
    "UnpaidRule",
    "back_when_unpaid",
    "entitlement_of",
    "of_order",
    "offer_id",
    "owed",
    "place_claim",
    "places_tally",
    "put_aside",
]


class PresaleChanged(msgspec.Struct, frozen=True):
    """Fact: a presale was proposed, approved or declined, its booking was closed or its balance opened earlier than
    planned, or it is over (`what`). `product` is what it sells; facts of before it was told have none."""

    kind: ClassVar[str] = "promotions.presale_changed"
    presale: UUID
    merchant: UUID
    what: str
    product: UUID | None = None


class BookingChanged(msgspec.Struct, frozen=True):
    """Fact: a booking's deposit was paid (held) or not (refused), its balance was paid or stayed unpaid, its order was
    cancelled (returned), or the guarantee gave something back (guaranteed). `back` is what went back of the deposit."""

    kind: ClassVar[str] = "promotions.presale_booking_changed"
    booking: UUID
    presale: UUID
    what: str
    back: int = 0


class NewPresale(msgspec.Struct, frozen=True):
    """A presale to be proposed; its id comes with the form. `listed` is what the goods cost now."""

    id: UUID
    terms: PresaleTerms
    listed: int | None


class NewBooking(msgspec.Struct, frozen=True):
    """Somebody who wants a place; the id comes with the form and follows from it, so that a repeat is no second one."""

    id: UUID
    presale: UUID
    account: UUID
    language: str
    handler: str


Reduce: TypeAlias = Callable[[Mapping[UUID, tuple[UUID, int]]], Awaitable[Mapping[UUID, int]]]
"""Lets offers take off more of paid orders, {order: (offer, amount)}, in the running transaction; what each got."""


class Ending(msgspec.Struct, frozen=True):
    """A booking as it is from now on, with what goes back of its deposit and what the merchant gets of it by this."""

    booking: Booking
    presale: Presale
    back: int
    earned: int


class Presales(Protocol):
    """Presales and bookings, without the money: whoever moves that (`workflows/presale.py`) does so in the same
    transactions. Every function takes the running transaction; lists work as sets."""

    async def propose(self, tx: Connection, new: NewPresale, by: str) -> Presale:
        """Raises PresaleRefused with every flaw. Safe to repeat."""
        ...

    async def approve(self, tx: Connection, id: UUID, by: str) -> Presale:
        """Take the units out of stock, open the tallies and publish the offer. Raises PresaleRefused where so many
        units are not there. Safe to repeat."""
        ...

    async def decline(self, tx: Connection, id: UUID, reason: str, by: str) -> Presale: ...

    async def close(self, tx: Connection, id: UUID) -> Presale:
        """End the booking now instead of later; the balance's window stays. Safe to repeat. Raises PresaleRefused."""
        ...

    async def open_balance(self, tx: Connection, id: UUID) -> Presale:
        """Let balances be paid from now on instead of later, once the booking has ended. Safe to repeat. Raises
        PresaleRefused."""
        ...

    async def one(self, connection: Connection, id: UUID) -> Presale:
        """Raises PresaleNotFound."""
        ...

    async def some(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, Presale]: ...

    async def all(self, connection: Connection, merchant: UUID | None = None, limit: int = 100) -> Sequence[Presale]:
        """The newest first; of one merchant, or of all."""
        ...

    async def of_product(self, connection: Connection, product: UUID, now: datetime) -> Sequence[Presale]:
        """Those of a product that take bookings now or will, soonest first."""
        ...

    async def running(self, connection: Connection, now: datetime, limit: int = 50) -> Sequence[Presale]:
        """Those that take bookings now or will."""
        ...

    async def bookings_of(self, connection: Connection, account: UUID, limit: int = 50) -> Sequence[Booking]:
        """The newest first, without those that were refused."""
        ...

    async def booking(self, connection: Connection, id: UUID) -> Booking | None: ...

    async def counts(self, connection: Connection, presales: Sequence[UUID]) -> Mapping[UUID, Mapping[str, int]]:
        """How many bookings are in which state."""
        ...

    async def words(self, owner: UUID, now: datetime) -> tuple[str, ...]:
        """The entitlements of an account whose balances are due now; from memory while no balance is due at all."""
        ...

    async def claim(self, tx: Connection, items: Sequence[NewBooking]) -> Sequence[Booking | Problem]:
        """Give places, in order of arrival; those that have a booking get that."""
        ...

    async def settle(self, tx: Connection, answers: Mapping[UUID, bool]) -> Mapping[UUID, tuple[Booking, bool]]:
        """The deposits of these bookings are paid or not; each booking as it is then, and whether this changed it."""
        ...

    async def waiting(self, connection: Connection, limit: int) -> Sequence[Booking]:
        """Bookings whose deposit is not known to be paid, and that are due."""
        ...

    async def postpone(self, tx: Connection, bookings: Sequence[UUID], until: datetime) -> None: ...

    async def end_unpaid(self, tx: Connection, limit: int) -> Sequence[Ending]:
        """Apply the rule to bookings whose balance window is over and of which no order is under way."""
        ...

    async def sold(self, tx: Connection, orders: Mapping[UUID, Sequence[tuple[UUID, UUID, int]]]) -> Sequence[Ending]:
        """Orders that are paid, each with (offer, owner, total of the line): which bookings these are."""
        ...

    async def cancelled(self, tx: Connection, orders: Sequence[UUID]) -> Sequence[Ending]:
        """Orders that were cancelled: whose deposit goes back."""
        ...

    async def any_held(self, connection: Connection) -> bool: ...

    async def guarantee(self, tx: Connection, presale: UUID, limit: int, reduce: Reduce) -> Sequence[Ending]:
        """Give back what the guarantee owes of each booking of this presale: out of its deposit first, then by what
        `reduce` takes off its order. `back` is the deposit's part."""
        ...

    async def look_at_prices(self) -> Sequence[UUID]:
        """Note the lowest public prices; returns the presales in which somebody paid more."""
        ...

    async def give_units_back(self) -> int:
        """Put units that nobody can claim any more back into stock; returns how many."""
        ...

    async def remind(self) -> int:
        """Write to those whose balance is due; returns to how many."""
        ...

    async def page(self, connection: Connection, after: UUID, limit: int) -> Sequence[Booking]:
        """Bookings with a place, in order of id."""
        ...

    async def audit(self, connection: Connection) -> Sequence[Finding]: ...
