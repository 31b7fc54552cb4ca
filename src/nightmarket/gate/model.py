"""How far a room is, whose turn it is, how long others wait, and who is drawn where. Pure, in whole numbers.

The room's clock is the sum of rate times time since the opening: everyone of the front lane up to that number may come
in. It follows from opening, rates and the instant alone, so all processes agree without talking.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from nightmarket.kernel.lots import fingerprint, lot

from .contract import (
    FREE_RATE_MILLI,
    KEPT_MINUTES,
    LEAD_SECONDS,
    TICKET_HOURS,
    Capacity,
    Room,
    RoomState,
    Standing,
    StandingState,
    Step,
)

DRAW_BYTES = 16
"""Of the HMAC's 32 these decide; two equal ones among a billion tickets are less likely than a broken disk."""

_MILLI_SECONDS = 1_000_000_000
"""Thousandths of a person per second times microseconds that make one person."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Microseconds since 1970, exact."""
    return (at - _EPOCH) // _MICROSECOND


def hash_of(seed: bytes) -> bytes:
    """What is published before the draw: the seed's SHA-256."""
    return fingerprint(seed)


def draw_of(seed: bytes, ticket: UUID) -> bytes:
    """The ticket's lot: HMAC-SHA256 with the seed as key over the ticket's 16 bytes (RFC 2104). The lowest is first."""
    return lot(seed, ticket)[:DRAW_BYTES]


def rank(roll: bytes, draw: bytes) -> int:
    """The place (from 1) of a lot among the sorted lots of `roll`; 0 if it is not among them."""
    low, high = 0, len(roll) // DRAW_BYTES
    while low < high:
        middle = (low + high) // 2
        if roll[middle * DRAW_BYTES : (middle + 1) * DRAW_BYTES] < draw:
            low = middle + 1
        else:
            high = middle
    return low + 1 if roll[low * DRAW_BYTES : (low + 1) * DRAW_BYTES] == draw else 0


def order_of(seed: bytes, tickets: Iterable[UUID]) -> list[UUID]:
    """All tickets of one lane in the order of their lots."""
    return sorted(tickets, key=lambda ticket: draw_of(seed, ticket))


def _segments(steps: Sequence[Step], opens_at: datetime) -> list[tuple[int, int]]:
    """From when on (microseconds) which rate holds; nothing before the opening."""
    opens = micros(opens_at)
    return [(max(opens, micros(step.at)), step.rate_milli) for step in steps]


def reached(steps: Sequence[Step], opens_at: datetime, now: datetime) -> int:
    """How many places have been called by `now`. It never falls while time goes on and steps lie ahead."""
    at, total = micros(now), 0
    segments = _segments(steps, opens_at)
    for (begins, rate), (ends, _) in pairwise([*segments, (at, 0)]):
        total += max(0, min(ends, at) - begins) * rate
    return total // _MILLI_SECONDS


def called_at(steps: Sequence[Step], opens_at: datetime, place: int) -> datetime | None:
    """The first instant at which `reached` is at least `place`, with the rates that are known; None if never."""
    missing = place * _MILLI_SECONDS
    segments = _segments(steps, opens_at)
    for number, (begins, rate) in enumerate(segments):
        ends = segments[number + 1][0] if number + 1 < len(segments) else None
        if rate > 0:
            needed = -(-missing // rate)
            if ends is None or begins + needed <= ends:
                return _EPOCH + timedelta(microseconds=begins + needed)
        if ends is not None:
            missing -= max(0, ends - begins) * rate
    return None


def rate_at(steps: Sequence[Step], now: datetime) -> int:
    """The rate that holds now, or will at the opening."""
    rate = steps[0].rate_milli if steps else 0
    for step in steps:
        if step.at <= now:
            rate = step.rate_milli
    return rate


def last_rate(steps: Sequence[Step]) -> int:
    """The rate that was asked for last."""
    return steps[-1].rate_milli if steps else 0


def state_of(room: Room, now: datetime) -> RoomState:
    """What the room does now."""
    if room.ended_at is not None and room.ended_at <= now:
        return RoomState.OVER
    if now < room.gathers_at:
        return RoomState.AHEAD
    if now < room.opens_at:
        return RoomState.GATHERING
    rate = rate_at(room.steps, now)
    if rate >= FREE_RATE_MILLI:
        return RoomState.FREE
    return RoomState.LETTING_IN if rate else RoomState.PAUSED


ACTING = frozenset({RoomState.GATHERING, RoomState.LETTING_IN, RoomState.PAUSED})
"""States in which a room stands in somebody's way."""


def step_instant(room: Room, now: datetime) -> datetime:
    """When a change asked for now begins to hold: after every process has heard of it, and after every earlier one."""
    wanted = max(now + timedelta(seconds=LEAD_SECONDS), room.opens_at)
    last = room.steps[-1].at if room.steps else wanted
    return wanted if wanted > last else last + _MICROSECOND


def in_force(measured: Sequence[Capacity]) -> Capacity | None:
    """By which measurement rooms go, the newest given first: what the shop was seen to hold at least counts where it is
    more than what was known before it."""
    best: Capacity | None = None
    for one in measured:
        if best is None or one.orders_per_second > best.orders_per_second:
            best = one
        if not one.at_least:
            break
    return best


def good_until(room: Room, issued_at: datetime) -> datetime:
    """Until when a ticket is good at all: who came days before the opening has it through the draw and after."""
    return max(issued_at, room.opens_at) + timedelta(hours=TICKET_HOURS)


def guests_served(base: int, last_known: int, served: int) -> int:
    """How many guests may come in: what the front lane has left over, now and before."""
    return base + max(0, served - last_known)


def span(ahead: int, rate_milli: int) -> float | None:
    """Seconds until `ahead` people and oneself have come in at that rate."""
    return None if rate_milli <= 0 else (ahead + 1) * 1_000 / rate_milli


def known_standing(room: Room, place: int, now: datetime) -> Standing:
    """A place in the front lane. The wait is exact at the rates that are known."""
    done = reached(room.steps, room.opens_at, now)
    turn = called_at(room.steps, room.opens_at, place)
    if place <= done:
        lapsed = turn is not None and now >= turn + timedelta(minutes=KEPT_MINUTES)
        return Standing(StandingState.LAPSED if lapsed else StandingState.CALLED, place)
    seconds = max(0.0, (turn - now).total_seconds()) if turn else None
    return Standing(StandingState.WAITING, place, place - done - 1, room.drawn, seconds, seconds)


def guest_standing(room: Room, number: int, line: tuple[int, int], served_guests: int, now: datetime) -> Standing:
    """A guest's place: `line` is the last place of the front lane and how many of it were called by `now`.

    More people who are known may come and go before, so that only the least wait is known.
    """
    if number <= served_guests:
        return Standing(StandingState.CALLED, number)
    last_known, done = line
    ahead = max(0, last_known - done) + number - served_guests - 1
    least = span(ahead, rate_at(room.steps, now))
    return Standing(StandingState.WAITING, number, ahead, room.drawn + room.drawn_guests, least, None)


def gathering(room: Room, people: int, now: datetime) -> Standing:
    """Before the draw: nobody has a place, so the wait is between nothing and everyone who is there."""
    until = max(0.0, (room.opens_at - now).total_seconds())
    last = span(people, last_rate(room.steps))
    most = until + last if last is not None else None
    return Standing(StandingState.GATHERING, people=people, least_seconds=until, most_seconds=most)
