"""Loops over rows that are due: run a step until it finds nothing, sleep, look again."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

import psutil
import structlog

IDLE_SECONDS = 0.5
LONGEST_IDLE_SECONDS = 2.0
"""How long a drain waits before it looks again: the first time, and at most when again and again nothing is due."""

FIRST_FAILURE_SECONDS = 0.5
LONGEST_FAILURE_SECONDS = 30.0
LONGEST_REST_SECONDS = 4.0
"""How long those with a share of the time rest at most between two steps."""

BUSY = 0.6
"""The part of its processors' time at which a shop is in a rush: enough rest for work that waits on locks and disks,
which is slowed down by whatever else wants a processor long before none is left."""

LOOK_SECONDS = 0.2

STOP_SECONDS = 5.0
"""A step that has not ended by then is cancelled; its transaction rolls back, and its rows are due again."""

Spent = tuple[float, float]
"""Seconds of processors: idle, and all."""

log = structlog.get_logger(__name__)


class Tally(Protocol):
    """Told of what drains do; `telemetry.Metrics` is one."""

    def drained(self, drain: str, items: int) -> None: ...

    def drain_failed(self, drain: str) -> None: ...


class Share:
    """A part of the time that some drains have together while the machine is busy: for what must not disturb a rush.

    They work in turn, and after each step all of them rest. While the machine is not busy nobody waits for anybody.
    """

    def __init__(self, part: float, *, busy: Callable[[], bool] | None = None) -> None:
        self._rest = 1 / part - 1
        self._busy = busy or _processors.busy
        self._turn = asyncio.Lock()

    async def work(self, step: Callable[[], Awaitable[int]], sleep: Callable[[float], Awaitable[None]]) -> int:
        """Do a step when it is this drain's turn, and rest; returns what the step does."""
        if not self._busy():
            return await step()
        async with self._turn:
            started = time.monotonic()
            handled = await step()
            if handled and self._busy():
                await sleep(min(LONGEST_REST_SECONDS, (time.monotonic() - started) * self._rest))
            return handled


class Drain:
    """A loop around a step, which handles some rows and returns how many; 0 means none are due.

    Idle, it looks every `idle_seconds`; where none are given every half second, and less often the longer it is idle.
    With a `share` it has no more of a busy machine than that, together with all others that have the same.
    A step that fails is logged and tried again after a pause that doubles up to half a minute.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], Awaitable[int]],
        *,
        idle_seconds: float | None = None,
        share: Share | None = None,
        tally: Tally | None = None,
    ) -> None:
        self.name = name
        self._step = step
        self._idle = (idle_seconds or IDLE_SECONDS, idle_seconds or LONGEST_IDLE_SECONDS)
        self._share = share
        self._tally = tally
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look again now, since something may be due."""
        self._woken.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Drain until told to stop."""
        pause = FIRST_FAILURE_SECONDS
        idle, longest_idle = self._idle
        while not stopping.is_set():
            self._woken.clear()
            try:
                handled = await self._work(stopping)
            except Exception:
                log.exception("drain_failed", drain=self.name)
                if self._tally is not None:
                    self._tally.drain_failed(self.name)
                await self._sleep(pause, stopping)
                pause = min(pause * 2, LONGEST_FAILURE_SECONDS)
                continue
            pause = FIRST_FAILURE_SECONDS
            if handled:
                if self._tally is not None:
                    self._tally.drained(self.name, handled)
                idle = self._idle[0]
                await asyncio.sleep(0)
            else:
                await self._sleep(idle, stopping)
                idle = self._idle[0] if self._woken.is_set() else min(2 * idle, longest_idle)

    async def _work(self, stopping: asyncio.Event) -> int:
        if self._share is None:
            return await self._step()

        async def step() -> int:
            return 0 if stopping.is_set() else await self._step()

        return await self._share.work(step, lambda seconds: self._sleep(seconds, stopping))

    async def _sleep(self, seconds: float, stopping: asyncio.Event) -> None:
        waits = [asyncio.ensure_future(self._woken.wait()), asyncio.ensure_future(stopping.wait())]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


class Processors:
    """How busy those processors are that this process may run on, looked at a few times a second at most.

    The idleness of others is no room: a shop that was given one processor of many has none left when that one works.
    """

    def __init__(self, look: Callable[[], Spent] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._look = look or own_processors
        self._clock = clock
        self._looked_at = -LOOK_SECONDS
        self._idle = 0.0
        self._total = 0.0
        self._busy = False

    def busy(self) -> bool:
        """Whether they had little rest since the last look."""
        now = self._clock()
        if now - self._looked_at >= LOOK_SECONDS:
            idle, total = self._look()
            if total > self._total:
                self._busy = 1 - (idle - self._idle) / (total - self._total) >= BUSY
            self._looked_at, self._idle, self._total = now, idle, total
        return self._busy


def own_processors() -> Spent:
    """Of the processors that this process may run on: the seconds in which they did nothing, and all they had."""
    each = psutil.cpu_times(percpu=True)
    if sys.platform == "linux":
        mine = [each[number] for number in os.sched_getaffinity(0) if number < len(each)]
        each = mine or each
    return sum(one.idle for one in each), sum(sum(one) for one in each)


_processors = Processors()


class Drains:
    """Runs drains side by side: `async with Drains([...]):`. Leaving the block lets each finish its step."""

    def __init__(self, drains: Sequence[Drain], *, stop_seconds: float = STOP_SECONDS) -> None:
        self._drains = drains
        self._stop_seconds = stop_seconds
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(one.run(self._stopping), name=f"drain-{one.name}") for one in self._drains]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=self._stop_seconds)
        for task in late:
            log.warning("drain_cut_off", drain=task.get_name())
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
