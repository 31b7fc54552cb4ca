"""Refusing early: what a process cannot answer in time it refuses at the door, before body, price and database.

Two bounds. No more than `most` requests are worked on at once. And from `enough` on, as long as those that change
something take longer than `patience_seconds`, nobody new is let in: they would wait longer still, and whoever is served
late has gone. A burst that is worked off in time passes whole; under lasting overload the process does what it can.

A request waits from when all of it is there: who sends slowly waits for themselves, and keeps nobody else out.
"""

import time

import msgspec

RECENT = 16
"""Over how many answers the measured wait is smoothed."""


class ShedLimits(msgspec.Struct, frozen=True):
    """Bounds of one process. `enough` fills two batches, so that shedding never leaves the database idle."""

    most: int = 4_000
    enough: int = 1_000
    patience_seconds: float = 1.0
    retry_after_seconds: int = 2


class Shedder:
    """Counts who waits for an answer, and how long those waited who got one."""

    __slots__ = ("_enough", "_most", "_patience", "recent_seconds", "waiting")

    def __init__(self, limits: ShedLimits) -> None:
        self._most = limits.most
        self._enough = limits.enough
        self._patience = limits.patience_seconds
        self.waiting = 0
        self.recent_seconds = 0.0

    def full(self) -> bool:
        """Whether one more would be too many."""
        if self.waiting < self._enough:
            return False
        return self.waiting >= self._most or self.recent_seconds > self._patience

    def answered(self, seconds: float, *, changing: bool) -> None:
        """Somebody has their answer. What only reads says little of how long the lanes are."""
        self.waiting -= 1
        if changing:
            self.recent_seconds += (seconds - self.recent_seconds) / RECENT


class Wait:
    """One request's wait for its answer; begins and ends at most once."""

    __slots__ = ("_began", "_shedder")

    def __init__(self, shedder: Shedder | None) -> None:
        self._shedder = shedder
        self._began = 0.0

    def begins(self) -> None:
        """All of the request is there."""
        if self._shedder is not None and not self._began:
            self._began = time.perf_counter()
            self._shedder.waiting += 1

    def ends(self, *, changing: bool) -> None:
        """Its answer begins, or it came to nothing."""
        if self._shedder is not None:
            if self._began > 0.0:
                self._shedder.answered(time.perf_counter() - self._began, changing=changing)
            self._began = -1.0
