"""Following facts without keeping a place: what each process does to its caches. Starts at what is new."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from nightmarket.kernel.problems import Unavailable

from .database import CONNECTION_LOST, Database
from .facts import READ_LIMIT, Cursor, Fact, head, read

TAIL_SECONDS = 0.2
"""How often a process looks for news; its caches are older than the truth by this much at most, plus the oldest
transaction that still runs."""

Hear = Callable[[Sequence[Fact]], Awaitable[None]]

log = structlog.get_logger(__name__)


class Tail:
    """Tells a process of new facts. `start` before caches are filled, so that nothing falls between."""

    def __init__(self, database: Database, kinds: Sequence[str] | None, hear: Hear) -> None:
        self._database = database
        self._kinds = kinds
        self._hear = hear
        self._cursor = Cursor()

    async def start(self) -> None:
        async with self._database.read() as connection:
            self._cursor = await head(connection)

    async def step(self) -> int:
        """Hear what is new; returns the number of rows."""
        async with self._database.read() as connection:
            facts = await read(connection, self._cursor, self._kinds)
        if facts:
            await self._hear(facts)
            self._cursor = facts[-1].cursor
        return len(facts)

    async def run(self) -> None:
        """For ever; the database may come and go."""
        while True:
            try:
                handled = await self.step()
            except (Unavailable, *CONNECTION_LOST) as error:
                log.info("tail_waits", reason=type(error).__name__)
                handled = 0
            await asyncio.sleep(0 if handled == READ_LIMIT else TAIL_SECONDS)
