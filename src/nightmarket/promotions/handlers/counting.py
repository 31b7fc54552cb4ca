"""How many rows there are of something: exact while they are few, a moment old when counting takes long."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from nightmarket.kernel.clock import Clock
from nightmarket.platform.database import Connection

Count = Callable[[Connection, Sequence[UUID]], Awaitable[Mapping[UUID, int]]]

FEW = 10_000
"""So many rows are counted each time that somebody asks."""

KEPT_FOR = timedelta(seconds=5)
"""How old the count of more of them may be: a page that a crowd loads would count a million rows for each of them."""

MAX_KEPT = 1_000


class Counted:
    """Counts by id. One per process."""

    def __init__(self, clock: Clock, count: Count) -> None:
        self._clock, self._count = clock, count
        self._many: dict[UUID, tuple[datetime, int]] = {}
        self._counting = asyncio.Lock()

    async def of(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, int]:
        """The count of each; ids without a row may be absent."""
        if not self._due(ids):
            return self._known(ids)
        async with self._counting:
            due = self._due(ids)
            counts = await self._count(connection, due) if due else dict[UUID, int]()
        now = self._clock.now()
        for id in due:
            self._many.pop(id, None)
        self._many |= {id: (now, number) for id, number in counts.items() if number > FEW}
        while len(self._many) > MAX_KEPT:
            del self._many[next(iter(self._many))]
        return self._known(ids) | dict(counts)

    def _due(self, ids: Sequence[UUID]) -> list[UUID]:
        now = self._clock.now()
        return [id for id in ids if id not in self._many or abs(now - self._many[id][0]) >= KEPT_FOR]

    def _known(self, ids: Sequence[UUID]) -> dict[UUID, int]:
        return {id: self._many[id][1] for id in ids if id in self._many}
