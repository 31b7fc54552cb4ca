"""Places that shoppers visit, such as a mall or a counter: what one is, and what may be wrong with it. Pure.

A QR code proves that somebody had its picture, no more: it can be photographed and sent on. What a visit gives is
therefore bounded by time, and by what the offer itself allows each buyer.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from nightmarket.kernel.languages import LANGUAGES

from .conditions import Hours
from .flaws import Flaw, unprintable

PLACE = "plc"
VISIT_LASTS = timedelta(hours=4)
"""How long the offers of a place hold for who opened its address, though never beyond the place's own time."""

MAX_VISITS = 5
"""Places at which one shopper can be at a time; a further visit ends the oldest."""

MAX_SPAN = timedelta(days=400)
MAX_NAME_LETTERS, MAX_ADDRESS_LETTERS = 120, 300
MAX_HOURS = 14
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
MAX_SLUG_LETTERS = 60


class PlaceKind(StrEnum):
    MALL = "mall"
    """The market's own: offers of all merchants may hold there."""
    COUNTER = "counter"
    """A merchant's: only its own offers are published from there."""


class PlaceTerms(msgspec.Struct, frozen=True):
    """What a place is. `slug` is the word by which offers name it; visits count within `hours` (none: always)."""

    slug: str
    merchant: UUID | None
    name: dict[str, str]
    address: str
    zone: str
    starts_at: datetime
    ends_at: datetime
    hours: tuple[Hours, ...] = ()

    @property
    def kind(self) -> PlaceKind:
        return PlaceKind.MALL if self.merchant is None else PlaceKind.COUNTER

    def open_at(self, now: datetime) -> bool:
        """Whether a visit counts now."""
        within = self.starts_at <= now < self.ends_at
        return within and (not self.hours or any(one.open_at(now) for one in self.hours))


class Place(msgspec.Struct, frozen=True):
    """A place as it stands. `code` is the number of the QR code that is good; `closed_at`: for good."""

    id: UUID
    terms: PlaceTerms
    made_at: datetime
    made_by: str
    code: int = 1
    closed_at: datetime | None = None

    def open_at(self, now: datetime) -> bool:
        """Whether a visit counts now."""
        return self.closed_at is None and self.terms.open_at(now)


def visit_until(terms: PlaceTerms, now: datetime) -> datetime:
    """Until when a visit that begins now counts."""
    return min(now + VISIT_LASTS, terms.ends_at)


def name_flaws(name: dict[str, str]) -> Iterator[Flaw]:
    """Names stand in each of the shop's languages that they stand in at all, and in English."""
    if "en" not in name or set(name) - set(LANGUAGES):
        yield Flaw("name", "missing", "Give it a name in English.")
    for text in name.values():
        if not 1 <= len(text.strip()) <= MAX_NAME_LETTERS or unprintable(text):
            yield Flaw("name", "malformed", f"A name has 1 to {MAX_NAME_LETTERS} visible letters.")


def place_flaws(terms: PlaceTerms, now: datetime) -> Iterator[Flaw]:
    """Everything that is wrong with a new place."""
    yield from name_flaws(terms.name)
    if not _SLUG.fullmatch(terms.slug) or len(terms.slug) > MAX_SLUG_LETTERS:
        yield Flaw(
            "slug", "malformed", "Write the short name in small letters, digits and hyphens, such as north-mall."
        )
    if not 1 <= len(terms.address.strip()) <= MAX_ADDRESS_LETTERS or unprintable(terms.address):
        yield Flaw("address", "malformed", f"Write the address in up to {MAX_ADDRESS_LETTERS} letters.")
    if terms.ends_at <= terms.starts_at:
        yield Flaw("ends_at", "before_start", "It ends after it begins.")
    elif terms.ends_at <= now:
        yield Flaw("ends_at", "past", "The end lies in the past.")
    elif terms.ends_at - terms.starts_at > MAX_SPAN:
        yield Flaw("ends_at", "too_long", f"A place is open for {MAX_SPAN.days} days at most; make it again then.")
    if len(terms.hours) > MAX_HOURS:
        yield Flaw("hours", "too_many", f"Write at most {MAX_HOURS} lines of hours.")
    if any(not 0 <= one.from_minute < one.until_minute <= 24 * 60 for one in terms.hours):
        yield Flaw("hours", "backwards", "Hours end after they begin, at midnight at the latest.")
    try:
        ZoneInfo(terms.zone)
    except (OSError, ValueError, KeyError):
        yield Flaw("zone", "unknown", "Write a time zone such as Europe/Berlin.")
