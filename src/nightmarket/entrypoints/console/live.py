"""Facts as they happen, for everyone who watches: one follower of the log per process, however many look on."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

from nightmarket.kernel.problems import Unavailable
from nightmarket.platform.database import CONNECTION_LOST, Database
from nightmarket.platform.facts import Fact
from nightmarket.platform.tail import Tail

WATCHERS_LIMIT = 100
"""People who watch through one process; each holds a connection of their browser open."""

BATCHES_KEPT = 50
"""Readings of the log that wait for a slow watcher; the oldest are dropped, since the page can be loaded again."""

AWAY_SECONDS = 1.0
"""How long to wait for a database that is away before following its log."""

Batches = asyncio.Queue[Sequence[Fact] | None]
"""What a watcher hears; None says that the process is about to stop."""


class Live:
    """Follows the log from the first watcher to the last. `hear_first` is called before they learn of news."""

    def __init__(self, database: Database, closing: asyncio.Event, hear_first: Callable[[], None]) -> None:
        self._database = database
        self._hear_first = hear_first
        self._closing = closing
        self._watchers: set[Batches] = set()
        self._tasks: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def watch(self) -> AsyncGenerator[Batches]:
        """A queue of what happens while the block runs. Raises Unavailable when too many watch, or at the end."""
        if self._closing.is_set():
            raise Unavailable("This process is about to stop; try again in a moment.")
        if len(self._watchers) >= WATCHERS_LIMIT:
            raise Unavailable("Too many people watch through this process; the page can be loaded again by hand.")
        batches: Batches = asyncio.Queue(BATCHES_KEPT)
        self._watchers.add(batches)
        self._begin()
        try:
            yield batches
        finally:
            self._watchers.discard(batches)
            if not self._watchers:
                self._stop()

    def _begin(self) -> None:
        if not self._tasks:
            work = (self._follow(), self._close())
            self._tasks = [asyncio.create_task(one, name="console-live") for one in work]

    def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks = []

    async def _close(self) -> None:
        """Send the watchers home, else the server would wait for them."""
        await self._closing.wait()
        for batches in self._watchers:
            _put(batches, None)

    async def _follow(self) -> None:
        tail = Tail(self._database, None, self._hear)
        while True:
            try:
                await tail.start()
            except (Unavailable, *CONNECTION_LOST):
                await asyncio.sleep(AWAY_SECONDS)
            else:
                break
        await tail.run()

    async def _hear(self, facts: Sequence[Fact]) -> None:
        self._hear_first()
        for batches in self._watchers:
            _put(batches, facts)


def _put(batches: Batches, news: Sequence[Fact] | None) -> None:
    if batches.full():
        batches.get_nowait()
    batches.put_nowait(news)
