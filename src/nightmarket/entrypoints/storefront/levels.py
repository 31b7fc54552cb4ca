"""What is left, for pages: read for everyone at once, and at most half a second old.

Pages that are asked for while a reading runs wait for the next one together, so that a thousand visitors of one page
cost one query. Never used to decide an order: claims do that.
"""

import asyncio
from collections.abc import Iterable, Mapping
from uuid import UUID

from nightmarket.bootstrap import Shop
from nightmarket.tally.contract import Level

LEVEL_SECONDS = 0.5
"""What a page says of stock is at most this old when it is sent."""

LEVELS_KEPT = 50_000
"""Tallies that a process remembers; the ones read first are forgotten."""

UNKNOWN = Level(0, 0, 0)
"""A tally that was never opened has nothing."""

Kept = tuple[float, Level]


class Levels:
    """One per process."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._kept: dict[UUID, Kept] = {}
        self._wanted: set[UUID] = set()
        self._next: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None

    async def read(self, tallies: Iterable[UUID]) -> Mapping[UUID, Level]:
        """How the tallies stood half a second ago or later."""
        wanted = list(tallies)
        kept, oldest = self._kept, asyncio.get_running_loop().time() - LEVEL_SECONDS
        found: dict[UUID, Level] = {}
        stale: list[UUID] = []
        for tally in wanted:
            known = kept.get(tally)
            if known is not None and known[0] >= oldest:
                found[tally] = known[1]
            else:
                stale.append(tally)
        if stale:
            await self._together(stale)
            for tally in stale:
                found[tally] = kept[tally][1]
        return found

    def forget(self, tallies: Iterable[UUID]) -> None:
        """These have changed just now: the next page looks."""
        for tally in tallies:
            self._kept.pop(tally, None)

    async def read_now(self, tallies: Iterable[UUID]) -> Mapping[UUID, Level]:
        """How the tallies stand, asked for at this moment."""
        wanted = list(dict.fromkeys(tallies))
        await self._read(wanted)
        return {tally: self._kept[tally][1] for tally in wanted}

    async def _together(self, stale: list[UUID]) -> None:
        """Wait for one reading of all that is asked for until the last one ends."""
        self._wanted.update(stale)
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._running), name="stock-levels")
        await asyncio.shield(self._next)

    async def _after(self, running: "asyncio.Task[None] | None") -> None:
        if running is not None:
            await asyncio.wait([running])
        wanted, self._wanted = list(self._wanted), set()
        self._running, self._next = self._next, None
        await self._read(wanted)

    async def _read(self, wanted: list[UUID]) -> None:
        if not wanted:
            return
        async with self._shop.database.read() as connection:
            begun = asyncio.get_running_loop().time()
            levels = await self._shop.tallies.levels(connection, wanted)
        kept = self._kept
        for tally in wanted:
            kept.pop(tally, None)
            kept[tally] = (begun, levels.get(tally, UNKNOWN))
        while len(kept) > LEVELS_KEPT + len(wanted):
            del kept[next(iter(kept))]
