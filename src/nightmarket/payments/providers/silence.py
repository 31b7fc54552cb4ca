"""A test provider that is told to hang: it does what it is asked, and tells nobody until the silence is over.

Told through a file beside its own, so that every process of the shop falls silent at once, and also one that starts
meanwhile. When nobody has asked for a silence, looking costs one stat in half a second.
"""

import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from nightmarket.kernel.clock import Clock

LOOK_SECONDS = 0.5
MOST_SECONDS = 60.0
"""A silence that was asked for longer ends here, whatever the file says."""


class Silence:
    """`over()` returns at once while the provider speaks, else when it speaks again."""

    def __init__(self, provider_file: Path, clock: Clock, sleep: Callable[[float], Awaitable[object]]) -> None:
        self._file = provider_file.with_suffix(".silent")
        self._clock = clock
        self._sleep = sleep
        self._looked = float("-inf")
        self._until = 0.0

    def begin(self, until: datetime) -> None:
        """Say nothing until then."""
        self._file.write_text(str(until.timestamp()))
        self._looked = float("-inf")

    async def over(self) -> None:
        """Return when the provider speaks: who asked for the silence may end it early, by another."""
        if not self._look():
            return
        began = self._clock.now().timestamp()
        while (left := min(self._look(), began + MOST_SECONDS) - self._clock.now().timestamp()) > 0:
            await self._sleep(min(left, LOOK_SECONDS))

    def is_on(self) -> bool:
        """Whether the provider says nothing at this moment; looks, however lately it has."""
        return 0 < self._read() - self._clock.now().timestamp() <= MOST_SECONDS

    def _look(self) -> float:
        now = time.monotonic()
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            self._until = self._read()
        return self._until

    def _read(self) -> float:
        try:
            return float(self._file.read_text())
        except (OSError, ValueError):
            return 0.0
