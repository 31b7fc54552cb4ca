"""What a process knows to be gone: told by hints and facts, looked up before it is believed, and again in turn."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from uuid import UUID

from nightmarket.kernel.problems import Unavailable
from nightmarket.platform.database import CONNECTION_LOST, Database

from .contract import Tallies, TallyKind

LOOK_LIMIT = 500
"""Tallies that one look reads."""

LOOK_SECONDS = 1.0
"""Between two looks at what is known to be gone: units come back by ways that tell nobody."""

KNOWN_LIMIT = 50_000
"""Tallies that a process knows to be gone; of more it learns when somebody orders."""


class Gone:
    """Implements `contract.GoneTallies`. One per process; `run` follows what `look` was told."""

    def __init__(self, database: Database, tallies: Tallies) -> None:
        self._database = database
        self._tallies = tallies
        self._known: dict[UUID, None] = {}
        self._asked: dict[UUID, None] = {}
        self._woken = asyncio.Event()
        self._looked: asyncio.Future[None] | None = None

    def __contains__(self, tally: UUID) -> bool:
        return tally in self._known

    def all_gone(self, tallies: Iterable[UUID]) -> bool:
        """Whether there are some, and nothing of any of them is left, as far as this process knows."""
        if not self._known:
            return False
        wanted = list(tallies)
        return bool(wanted) and all(tally in self._known for tally in wanted)

    async def still_gone(self, tallies: Iterable[UUID]) -> bool:
        wanted = list(tallies)
        if not self.all_gone(wanted):
            return False
        self.look(wanted)
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                while any(tally in self._asked for tally in wanted):
                    if self._looked is None:
                        self._looked = asyncio.get_running_loop().create_future()
                    await asyncio.shield(self._looked)
        return self.all_gone(wanted)

    def look(self, tallies: Sequence[UUID]) -> None:
        """These may be gone, or there again: look soon."""
        for tally in tallies[: KNOWN_LIMIT - len(self._asked)]:
            self._asked[tally] = None
        self._woken.set()

    async def start(self) -> None:
        """Learn what is gone already."""
        async with self._database.read() as connection:
            found = await self._tallies.emptied(connection, TallyKind.STOCK, KNOWN_LIMIT)
        self._known.update(dict.fromkeys(found))

    async def step(self) -> int:
        """Look at what was asked for, and at some of what is known; returns how many it were."""
        asked = list(self._asked)[:LOOK_LIMIT]
        for tally in asked:
            del self._asked[tally]
        looked, self._looked = self._looked, None
        try:
            return await self._step(asked)
        finally:
            if looked is not None:
                looked.set_result(None)

    async def _step(self, asked: Sequence[UUID]) -> int:
        again = [tally for tally, _ in zip(self._known, range(LOOK_LIMIT - len(asked)), strict=False)]
        wanted = dict.fromkeys([*asked, *again])
        if not wanted:
            return 0
        try:
            async with self._database.read() as connection:
                levels = await self._tallies.levels(connection, wanted)
        except (Unavailable, *CONNECTION_LOST):
            self._asked = dict.fromkeys(asked) | self._asked  # nobody tells it twice; looked at in a second
            raise
        for tally in wanted:
            self._known.pop(tally, None)
            level = levels.get(tally)
            if level is not None and level.available <= 0 and len(self._known) < KNOWN_LIMIT:
                self._known[tally] = None  # to the end: looked at again when its turn comes
        return len(wanted)

    async def run(self) -> None:
        """For ever; the database may come and go."""
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()
            try:
                await self.step()
            except (Unavailable, *CONNECTION_LOST):
                continue
            if self._asked:
                self._woken.set()
