"""Refusing early: what a process cannot answer in time it refuses at the door, before body, price and database.

Two bounds. No more than `most` requests are worked on at once. And from `enough` on, as long as those that change
something take longer than `patience_seconds`, nobody new is let in: they would wait longer still, and whoever is served
late has gone. A burst that is worked off in time passes whole; under lasting overload the process does what it can.
"""

import msgspec

RECENT = 16
"""Over how many answers the measured wait is smoothed."""


class ShedLimits(msgspec.Struct, frozen=True):
    """Bounds of one process. `most` stays below what the server hands over at once."""

    most: int = 4_000
    enough: int = 1_000
    patience_seconds: float = 2.0
    retry_after_seconds: int = 2


class Shedder:
    """Counts who waits for an answer, and how long those waited who got one."""

    __slots__ = ("_enough", "_most", "_patience", "recent_seconds", "refused", "waiting")

    def __init__(self, limits: ShedLimits) -> None:
        self._most = limits.most
        self._enough = limits.enough
        self._patience = limits.patience_seconds
        self.waiting = 0
        self.refused = 0
        self.recent_seconds = 0.0

    def full(self) -> bool:
        """Whether one more would be too many. Counts the refusal."""
        if self.waiting < self._enough:
            return False
        if self.waiting < self._most and self.recent_seconds <= self._patience:
            return False
        self.refused += 1
        return True

    def answered(self, seconds: float, *, changing: bool) -> None:
        """Somebody has their answer. What only reads says little of how long the lanes are."""
        self.waiting -= 1
        if changing:
            self.recent_seconds += (seconds - self.recent_seconds) / RECENT
