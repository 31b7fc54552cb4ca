"""Connections whose next request is put off: after a refusal for seconds, in a crowd until there is room or time."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from .shedding import Shedder

RESTS_PER_SECOND = 10
SAVED_SECONDS = 0.005
"""So much time goes into refusals at once at most: the loop hears all clients who are ready before it goes on with what
the database has answered, and behind thousands of refusals batches would stand still."""

REFUSAL_SECONDS = 0.0001
"""No refusal takes longer by itself: the processor was somebody else's meanwhile."""

LOOK_SECONDS = 0.004
HELD_SECONDS = 1.0
"""Whoever has waited so long is refused before anybody who comes now."""


class Resting(Protocol):
    """A connection that is not read."""

    def has_rested(self) -> None:
        """It may be read again."""


class Held(Protocol):
    """A connection whose request waits."""

    def is_let_in(self, came: float) -> None:
        """There is room for what it asked at that instant, in seconds of `time.perf_counter`."""

    def is_refused(self) -> None:
        """There was none for too long."""


class Rests:
    """Connections that are not read for a while, kept by the tenth of a second in which they may be again: one timer
    for all, where one each would cost as much as the refusal."""

    def __init__(self) -> None:
        self._due: dict[int, list[Resting]] = {}

    def begin(self, loop: asyncio.AbstractEventLoop, seconds: int, connection: Resting) -> None:
        """Wake it after so many seconds, and at most a tenth more."""
        now = int(loop.time() * RESTS_PER_SECOND)
        if not self._due:
            loop.call_later(1 / RESTS_PER_SECOND, self._wake, loop)
        self._due.setdefault(now + 1 + seconds * RESTS_PER_SECOND, []).append(connection)

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        now = int(loop.time() * RESTS_PER_SECOND)
        for due in [one for one in self._due if one <= now]:
            for connection in self._due.pop(due):
                connection.has_rested()
        if self._due:
            loop.call_later(1 / RESTS_PER_SECOND, self._wake, loop)


class Turns:
    """Those who are too many. They are refused at once as far as the time for refusals reaches. The others are held,
    read but not looked at, and let in as room comes, first come, first served; so who comes while somebody is held goes
    behind them."""

    def __init__(self, shedder: Shedder, clock: Callable[[], float] = time.perf_counter) -> None:
        self.shedder = shedder
        self._clock = clock
        self._share = shedder.limits.refusing_share
        self._saved = 0.0
        self._counted = clock()
        self._held: deque[tuple[float, Held]] = deque()

    def is_crowded(self) -> bool:
        """Whether who comes now has to wait or to be refused."""
        return bool(self._held) or self.shedder.full()

    def may_refuse(self) -> bool:
        """Whether who comes now is refused at once: there is time for it, and nobody was held too long. `spent` is to
        be called when that is done."""
        return self._has_time() and not self._is_late()

    def spent(self) -> None:
        """The refusal since the last `may_refuse` is made."""
        self._saved -= min(self._clock() - self._counted, REFUSAL_SECONDS)

    def hold(self, loop: asyncio.AbstractEventLoop, connection: Held) -> None:
        """Let it wait for room. `may_refuse` was asked before."""
        if not self._held:
            loop.call_later(LOOK_SECONDS, self._look, loop)
        self._held.append((self._counted, connection))

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        held = self._held
        try:
            while held and not self.shedder.full():
                came, connection = held.popleft()
                connection.is_let_in(came)
            while self._has_time() and self._is_late():
                held.popleft()[1].is_refused()
                self.spent()
        finally:
            if held:
                loop.call_later(LOOK_SECONDS, self._look, loop)

    def _has_time(self) -> bool:
        """Whether there is time for a refusal, and it would be one."""
        now = self._clock()
        self._saved = min(self._saved + (now - self._counted) * self._share, SAVED_SECONDS)
        self._counted = now
        return self._saved > 0 and self.shedder.full()

    def _is_late(self) -> bool:
        return bool(self._held) and self._held[0][0] < self._counted - HELD_SECONDS
