"""The plan of the day as a picture: a bar for each phase on a line of time, as numbers for the template."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from nightmarket.promotions.contract.festivals import Phase, Window

WIDTH = 1_000
"""The whole width of the picture; its height follows from the lanes."""

LANE = 34
MARKS = 8
"""Marks on the line of time, at most."""

STEPS = tuple(timedelta(hours=hours) for hours in (1, 2, 3, 6, 12, 24, 48, 72, 168, 336, 720))


class Bar(msgspec.Struct, frozen=True):
    """A phase from x to x + width, in its lane."""

    phase: Phase
    x: float
    width: float
    y: int
    state: str


class Mark(msgspec.Struct, frozen=True):
    """A place on the line of time, and how it is called there."""

    x: float
    at: datetime


class Timeline(msgspec.Struct, frozen=True):
    """All of a window's phases; `now` is where the present stands, if it lies within."""

    bars: Sequence[Bar]
    marks: Sequence[Mark]
    now: float | None
    height: int


def timeline_of(window: Window, now: datetime, zone: ZoneInfo) -> Timeline:
    """Lanes are filled from above: a phase goes into the first that is free when it begins."""
    span = (window.ends_at - window.starts_at).total_seconds()

    def place(at: datetime) -> float:
        return round(max(0.0, min(1.0, (at - window.starts_at).total_seconds() / span)) * WIDTH, 1)

    free: list[datetime] = []
    bars: list[Bar] = []
    for phase in window.phases:
        lane = next((number for number, until in enumerate(free) if until <= phase.starts_at), len(free))
        if lane == len(free):
            free.append(phase.ends_at)
        free[lane] = phase.ends_at
        state = "over" if phase.ends_at <= now else "on" if phase.starts_at <= now else "ahead"
        x = place(phase.starts_at)
        bars.append(Bar(phase, x, max(4.0, place(phase.ends_at) - x), lane * LANE, state))
    within = window.starts_at <= now <= window.ends_at
    marks = [Mark(place(at), at) for at in _marks(window, zone)]
    return Timeline(bars, marks, place(now) if within else None, max(1, len(free)) * LANE)


def _marks(window: Window, zone: ZoneInfo) -> list[datetime]:
    """Full hours or days of the zone's clocks, so many that they can be read."""
    span = window.ends_at - window.starts_at
    step = next((one for one in STEPS if span / one <= MARKS), STEPS[-1])
    midnight = window.starts_at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    found: list[datetime] = []
    local = midnight.replace(tzinfo=None)
    while True:
        at = local.replace(tzinfo=zone)
        if at > window.ends_at:
            return found
        if at >= window.starts_at:
            found.append(at)
        local += step
