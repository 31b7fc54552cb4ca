"""Refusing early: what a process cannot answer in time it refuses at the door, before body, price and database.

A burst that is worked off soon passes whole, as long as no more than `most` requests are worked on at once. A crowd
that lasts is another thing: whoever comes then waits behind all who are there, so that as many are let in as the
process answers within `patience_seconds`, by the pace at which it just did. Who would wait longer is refused at once.
Time that a request takes even when nobody is before it, such as a payment provider's, is no queue and is granted too.

A request waits from when all of it is there: who sends slowly waits for themselves, and keeps nobody else out.
"""

import math
import time
from collections.abc import Callable

import msgspec

RECENT = 64
"""Over how many answers the time that an answer takes by itself is smoothed."""

WINDOW_SECONDS = 0.5
"""Over so long, a few batches, the pace is measured."""

STALE_SECONDS = 4 * WINDOW_SECONDS
"""A window that lasted longer says nothing of the pace."""

FEW = 8
"""Less than so large a part of a crowd is nobody's queue."""

ALONE_SECONDS_LIMIT = 5.0
"""More than this is not believed to be the time that an answer takes by itself."""

SPREAD_SECONDS_LIMIT = 30
"""Those who are refused are asked to come back over so many seconds at most."""


class ShedLimits(msgspec.Struct, frozen=True):
    """Bounds of one process. `enough` fills two batches, so that shedding never leaves the database idle."""

    most: int = 4_000
    enough: int = 1_024
    patience_seconds: float = 0.3
    retry_after_seconds: int = 2
    """The soonest that anybody is asked to come back; see `Shedder.retry_after`."""

    refusing_share: float = 1 / 100
    """So much of the time may be spent on refusals at the door: it is those who are served who pay for them."""


class Shedder:
    """Counts who waits for an answer, and how many may.

    `limit` is `most` until a crowd of at least `enough` has lasted for a window, and again when a window has passed
    without one.
    """

    __slots__ = (
        "_alone",
        "_answers",
        "_began",
        "_clock",
        "_crowded",
        "_enough",
        "_few",
        "_pressed",
        "_refused",
        "_spread",
        "_turn",
        "limit",
        "limits",
        "pace",
        "waiting",
    )

    def __init__(self, limits: ShedLimits, clock: Callable[[], float] = time.perf_counter) -> None:
        self.limits = limits
        self._clock = clock
        self._enough = limits.enough
        self._few = limits.enough // FEW
        self._crowded = self._pressed = False
        self._began = self._alone = 0.0
        self._answers = self._refused = self._turn = 0
        self._spread = 2
        self.limit = limits.most
        self.pace = 0.0
        self.waiting = 0

    def full(self) -> bool:
        """Whether one more would be too many."""
        waiting = self.waiting
        if waiting < self._enough:
            return False
        self._pressed = True
        if not self._crowded:
            self._crowded = True
            self._open_window(self._clock())
        return waiting >= self.limit

    def answered(self, seconds: float, *, changing: bool) -> None:
        """Somebody has their answer. What only reads says little of how long the lanes are."""
        self.waiting -= 1
        if not changing:
            return
        if not self._crowded:
            if self.waiting < self._few:
                self._alone += (min(seconds, ALONE_SECONDS_LIMIT) - self._alone) / RECENT
            return
        self._answers += 1
        now = self._clock()
        if now - self._began >= WINDOW_SECONDS:
            self._close_window(now)

    def retry_after(self) -> int:
        """When one who is refused may come back, in whole seconds. All of them in the same second would be the same
        crowd again: they are asked to come one after the other, over as many seconds as the last window says that it
        takes to serve them."""
        self._refused += 1
        turn = self._turn
        self._turn = turn + 1
        return self.limits.retry_after_seconds + turn % self._spread

    def _open_window(self, now: float) -> None:
        self._began = now
        self._answers = self._refused = 0
        self._pressed = False

    def _close_window(self, now: float) -> None:
        if now - self._began > STALE_SECONDS:  # nothing was answered for long: that measures nothing
            self._pressed = self._pressed and self.waiting >= self._enough
            if self._pressed:
                self._open_window(now)
                return
        pace = self._answers / (now - self._began)
        self.pace = (self.pace + pace) / 2 if self.pace else pace
        if self._pressed:
            room = int(self.pace * (self.limits.patience_seconds + self._alone))
            self.limit = min(max(room, self._enough), self.limits.most)
            waves = math.ceil(self._refused / max(self._answers, 1))
            self._spread = min(max(2, waves + 1), SPREAD_SECONDS_LIMIT)
        else:
            self._crowded = False
            self.pace = 0.0
            self.limit = self.limits.most
            self._spread = 2
        self._open_window(now)


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
