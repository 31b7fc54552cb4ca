"""The rules of claims that other shops make. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import derive
from nightmarket.kernel.quantity import MAX_STOCK
from nightmarket.tally.contract import ClaimRequest, ClaimState, Ledger, Level, Part

MAX_LINES = 100
"""Lines of one claim."""

MAX_UNITS = 100_000
"""Units on one line of a claim."""

MAX_HOLD_SECONDS = 72 * 3_600
"""The longest hold; as long as an order of ours waits for a bank transfer."""

MAX_REFERENCE_LETTERS = 200
MAX_NAME_LETTERS = 100
"""Letters in the name of a tally."""

MAX_FEED = 500
"""Lines of one feed of stock."""

HOUSE = UUID(int=0)
"""Who owns the named tallies of an operator's keys."""


class Owner(msgspec.Struct, frozen=True):
    """On whose behalf a key acts: the key itself, and the merchant within which it must stay (None: anything)."""

    client: UUID
    merchant: UUID | None = None

    def may_see(self, merchant: UUID | None) -> bool:
        """Whether a claim that was made for this merchant (None: with an operator's key) is theirs to see and end."""
        return self.merchant is None or self.merchant == merchant

    @property
    def names(self) -> UUID:
        """Whose names for tallies it uses."""
        return self.merchant or HOUSE


class What(StrEnum):
    """What a line claims: units of a variant, units of a named tally, or a use of an offer."""

    GOODS = "goods"
    TALLY = "tally"
    OFFER = "offer"


class ClaimLine(msgspec.Struct, frozen=True, array_like=True):
    """A line as it is kept: `name` is the SKU, the tally's name or the offer's id."""

    what: What
    name: str
    quantity: int
    variant: UUID | None = None
    product: UUID | None = None
    merchant: UUID | None = None
    counted: str = ""
    """What of an offer: "" a use of it, a currency so much of its budget, "uses" or "units" of one buyer's share."""


class Wanted(msgspec.Struct, frozen=True):
    """A line with the tallies that may serve it, in order of preference: a variant has one per place."""

    line: ClaimLine
    tallies: tuple[UUID, ...]
    most: int | None = None
    """Of one buyer's share of an offer: all of it. Its tally is opened with that when it is first needed."""


class ClaimView(msgspec.Struct, frozen=True, kw_only=True):
    """A claim as it stands."""

    id: UUID
    client: UUID
    merchant: UUID | None
    reference: str
    request: bytes
    state: ClaimState
    deadline: datetime
    made_at: datetime
    ended_at: datetime | None
    lines: tuple[ClaimLine, ...]

    @property
    def units(self) -> int:
        return sum(line.quantity for line in self.lines)


class ClaimFilter(msgspec.Struct, frozen=True):
    """Which claims a board shows: of one state, of one API key."""

    state: ClaimState | None = None
    client: UUID | None = None


class Holder(msgspec.Struct, frozen=True):
    """What one API key holds now: how many claims, of how many units, and when the first of them ends."""

    client: UUID
    claims: int
    units: int
    ends_at: datetime


class Count(msgspec.Struct, frozen=True):
    """What a feed says of one tally: `units` that are there now, or by how much they `change`; one of both."""

    tally: UUID
    units: int | None = None
    change: int | None = None


def named_tally(owner: UUID, name: str) -> UUID:
    """The tally that an owner calls by that name."""
    return derive("claims-named", owner, name)


def claim_id(client: UUID, key: str, secret: bytes) -> UUID:
    """The id of the claim that a key makes with an idempotency key: the same request finds the same claim."""
    return derive("claims-claim", client, key, secret=secret)


def request_id(client: UUID, action: str, key: str, secret: bytes) -> UUID:
    """The id of a command that is carried out once per idempotency key."""
    return derive("claims-request", client, action, key, secret=secret)


def digest(request: object) -> bytes:
    """What tells one request from another, 16 bytes."""
    return hashlib.blake2b(msgspec.msgpack.encode(request), digest_size=16).digest()


def deadline(now: datetime, hold_seconds: int) -> datetime:
    """Until when a claim made now is held."""
    return now + timedelta(seconds=hold_seconds)


def parts_of(wanted: Sequence[Wanted], ledger: Ledger) -> tuple[list[Part], dict[int, int]]:
    """The parts of a claim that cover the lines; or, by number of a line that cannot be covered, the units left for it.

    A line is taken whole from the first of its tallies that has enough, else from several. A tally that serves several
    lines is counted down from one to the next. A line with one tally is left to the ledger, which may know of slices
    that are not locked yet.
    """
    taken: dict[UUID, int] = {}
    parts: list[Part] = []
    short: dict[int, int] = {}

    def take(tally: UUID, quantity: int) -> None:
        taken[tally] = taken.get(tally, 0) + quantity
        parts.append(Part(tally, quantity))

    for number, one in enumerate(wanted):
        missing = one.line.quantity
        if len(one.tallies) == 1:
            take(one.tallies[0], missing)
            continue
        free = {tally: ledger.free(tally) - taken.get(tally, 0) for tally in one.tallies}
        whole = next((tally for tally, units in free.items() if units >= missing), None)
        if whole is not None:
            take(whole, missing)
            continue
        if (left := sum(max(0, units) for units in free.values())) < missing:
            short[number] = left
            continue
        for tally, units in free.items():
            if missing and units > 0:
                take(tally, min(units, missing))
                missing -= min(units, missing)
    return parts, short


def short_lines(wanted: Sequence[Wanted], short: Mapping[UUID, int]) -> dict[int, int]:
    """By number of each line that a refusal concerns: what its tallies still have."""
    return {
        number: min(short[tally] for tally in one.tallies if tally in short)
        for number, one in enumerate(wanted)
        if any(tally in short for tally in one.tallies)
    }


def request_of(id: UUID, parts: Sequence[Part], until: datetime) -> ClaimRequest:
    return ClaimRequest(id, tuple(parts), until)


def change_of(count: Count, level: Level) -> int | None:
    """By how much a tally's capacity changes; None where less is free than would go, or more than a tally can hold.

    What is counted lies on the shelf: units that are held are among it, units that are sold are not.
    """
    there = level.capacity - level.spent
    change = count.units - there if count.units is not None else count.change or 0
    if -change > level.available or level.capacity + change > MAX_STOCK:
        return None
    return change
