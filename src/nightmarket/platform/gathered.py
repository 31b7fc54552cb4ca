"""Reads of many callers in one: who asks while a read is on its way waits for the next, which takes all that came.

A rush meets a cold or just emptied cache all at once, and a query for each would be hundreds of the same. No timer: who
asks alone waits for their own read only. What is told was read after it was asked for, so nobody learns less than what
was true then.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

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
