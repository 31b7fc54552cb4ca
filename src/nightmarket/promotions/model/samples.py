"""Free samples at a counter: slots of seats, bookings, and their rules. Pure."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from nightmarket.kernel.ids import ALPHABET, derive

from .flaws import Flaw, unprintable
from .places import name_flaws

SAMPLE, BOOKING = "smp", "sbk"
MAX_SLOTS = 96
"""Slots that one form makes, and that a sample may have altogether times ten."""

MAX_SEATS = 500
MIN_SLOT_MINUTES, MAX_SLOT_MINUTES = 5, 480
AHEAD = timedelta(days=90)
CODE_LETTERS = 8
"""40 bits: nobody guesses who comes."""

MAX_FIRST_NAME = 40
KEPT = timedelta(days=1)
"""How long after the slot first name and address are kept."""

REMIND_BEFORE = timedelta(hours=3)
LATE = timedelta(minutes=30)
"""How long after its slot somebody is still let in; then the seat counts as missed."""


class BookingState(StrEnum):
    """booked -> came, missed or cancelled, once."""

    BOOKED = "booked"
    CANCELLED = "cancelled"
    CAME = "came"
    MISSED = "missed"


class Slot(msgspec.Struct, frozen=True):
    """Seats at a counter, from-to."""

    id: UUID
    sample: UUID
    starts_at: datetime
    ends_at: datetime
    seats: int


class SampleTerms(msgspec.Struct, frozen=True):
    """What is given, by whom and where."""

    merchant: UUID
    place: UUID
    name: dict[str, str]


class SlotPlan(msgspec.Struct, frozen=True):
    """Slots of so many minutes from one time of a day to another, in the place's zone, each with so many seats."""

    day: date
    from_time: time
    until_time: time
    minutes: int
    seats: int


class Sample(msgspec.Struct, frozen=True):
    id: UUID
    terms: SampleTerms
    made_at: datetime
    made_by: str


class Booking(msgspec.Struct, frozen=True):
    """Somebody's seat. `code` is what they show at the counter."""

    id: UUID
    sample: UUID
    merchant: UUID
    slot: UUID
    person: UUID
    account: UUID | None
    email: str
    first_name: str
    language: str
    code: str
    state: BookingState
    booked_at: datetime


def slot_tally(slot: UUID) -> UUID:
    """The tally of a slot's seats."""
    return derive("sample_slot", slot)


def booking_code(booking: UUID, secret: bytes) -> str:
    """What a booking's pass says: it follows from the house's secret."""
    number = derive("sample-code", booking, secret=secret[:64]).int
    return "".join(ALPHABET[number >> 5 * place & 31] for place in range(CODE_LETTERS)).upper()


def plain_typed(code: str) -> str:
    """A code as somebody at the counter types it."""
    return "".join(code.split()).replace("-", "").upper()


def slots_of(sample: UUID, plan: SlotPlan, zone: ZoneInfo) -> list[Slot]:
    """The slots of a plan; what does not fill a whole slot is left out. Their ids follow from sample and start."""
    begins = datetime.combine(plan.day, plan.from_time, zone).astimezone(ZoneInfo("UTC"))
    ends = datetime.combine(plan.day, plan.until_time, zone).astimezone(ZoneInfo("UTC"))
    length = timedelta(minutes=max(1, plan.minutes))
    found: list[Slot] = []
    while begins + length <= ends and len(found) <= MAX_SLOTS:
        id = derive("sample-slot", sample, int(begins.timestamp()))
        found.append(Slot(id, sample, begins, begins + length, plan.seats))
        begins += length
    return found


def sample_flaws(terms: SampleTerms, plan: SlotPlan, slots: Sequence[Slot], now: datetime) -> Iterator[Flaw]:
    """Everything that is wrong with a new sample and its slots."""
    yield from name_flaws(terms.name)
    if not MIN_SLOT_MINUTES <= plan.minutes <= MAX_SLOT_MINUTES:
        text = f"A slot lasts {MIN_SLOT_MINUTES} to {MAX_SLOT_MINUTES} minutes."
        yield Flaw("minutes", "out_of_range", text)
    if not 1 <= plan.seats <= MAX_SEATS:
        yield Flaw("seats", "out_of_range", f"A slot has 1 to {MAX_SEATS} seats.")
    if not slots:
        yield Flaw("until_time", "no_slot", "Between these times there is no whole slot.")
    elif len(slots) > MAX_SLOTS:
        yield Flaw("minutes", "too_many", f"That would be more than {MAX_SLOTS} slots; make them longer.")
    elif slots[0].starts_at <= now:
        yield Flaw("day", "past", "The first slot lies in the past.")
    elif slots[-1].ends_at > now + AHEAD:
        yield Flaw("day", "too_far", f"Slots lie at most {AHEAD.days} days ahead.")


def first_name_flaws(name: str) -> Iterator[Flaw]:
    """What staff call somebody by."""
    if not 1 <= len(name.strip()) <= MAX_FIRST_NAME or unprintable(name):
        yield Flaw("first_name", "malformed", f"Write a first name in up to {MAX_FIRST_NAME} letters.")
