"""Facts as they happen, for everyone who watches: one follower of the log per process, however many look on."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from nightmarket.kernel.problems import Unavailable
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Fact
from nightmarket.platform.tail import Tail

WATCHERS_LIMIT = 100
"""People who watch through one process; each holds a connection of their browser open."""

BATCHES_KEPT = 50
"""Readings of the log that wait for a slow watcher; the oldest are dropped, since the page can be loaded again."""

Batches = asyncio.Queue[Sequence[Fact]]


class Live:
    """Follows the log from the first watcher to the last."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watchers: set[Batches] = set()
        self._following: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def watch(self) -> AsyncGenerator[Batches]:
        """A queue of what happens while the block runs. Raises Unavailable when too many watch."""
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
        if self._following is None:
            self._following = asyncio.create_task(self._follow(), name="console-follows-facts")

    def _stop(self) -> None:
        if self._following is not None:
            self._following.cancel()
            self._following = None

    async def _follow(self) -> None:
        tail = Tail(self._database, None, self._hear)
        await tail.start()
        await tail.run()

    async def _hear(self, facts: Sequence[Fact]) -> None:
        for batches in self._watchers:
            if batches.full():
                batches.get_nowait()
            batches.put_nowait(facts)
