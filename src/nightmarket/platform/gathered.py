"""Reads of many callers in one: who asks while a read is on its way waits for the next, which takes all that came.

A rush meets a cold or just emptied cache all at once, and a query for each would be hundreds of the same. No timer: who
asks alone waits for their own read only. What is told was read after it was asked for, so nobody learns less than what
was true then.

Never a lock that each takes in turn to find that another has read already: it is handed on once in a turn of the loop,
so that two hundred who wait in a rush wait for two hundred turns.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from nightmarket.kernel.clock import Clock

K = TypeVar("K")
V = TypeVar("V")

Fetch = Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]
"""Reads what there is of those keys, each named once."""


class Gathered(Generic[K, V]):
    """One read at a time. `of` is called by many."""

    def __init__(self, fetch: Fetch[K, V]) -> None:
        self._fetch = fetch
        self._one_at_a_time = asyncio.Lock()
        self._next: tuple[dict[K, None], asyncio.Task[Mapping[K, V]]] | None = None
        """What the next read takes, and its answer."""

    async def of(self, keys: Iterable[K]) -> dict[K, V]:
        """What there is of them. Raises what the read raises, to all who shared it; who gives up disturbs no other."""
        asked = list(keys)
        if self._next is None:
            self._next = {}, asyncio.create_task(self._read(), name="gathered-read")
        wanted, answer = self._next
        wanted.update(dict.fromkeys(asked))
        found = await asyncio.shield(answer)
        return {key: found[key] for key in asked if key in found}

    async def _read(self) -> Mapping[K, V]:
        async with self._one_at_a_time:
            assert self._next is not None
            (wanted, _), self._next = self._next, None
            return await self._fetch(list(wanted))


class Renewed(Generic[V]):
    """A value that is believed for a while, then read again: by one for all who ask meanwhile."""

    def __init__(self, read: Callable[[], Awaitable[V]], clock: Clock, life: timedelta) -> None:
        self._read = read
        self._clock = clock
        self._life = life
        self._kept: tuple[datetime, V] | None = None
        self._forgotten = 0
        self._reads: Gathered[None, V] = Gathered(self._again)

    async def get(self) -> V:
        """The value, no older than its life. Raises what the read raises."""
        kept = self._kept
        if kept is not None and abs(self._clock.now() - kept[0]) < self._life:
            return kept[1]
        return (await self._reads.of([None]))[None]

    def forget(self) -> None:
        """Whoever asks from now on is told what is read from now on."""
        self._forgotten += 1
        self._kept = None

    async def _again(self, _: Sequence[None]) -> Mapping[None, V]:
        before, now = self._forgotten, self._clock.now()
        value = await self._read()
        if before == self._forgotten:
            self._kept = now, value
        return {None: value}
