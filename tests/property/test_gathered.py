"""Reads of many callers in one, over a source that is played: who asks when, how long a read takes, what fails."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightmarket.platform.gathered import Gathered

KEYS = st.integers(0, 9)
ASKED = st.lists(st.tuples(st.integers(0, 6), st.lists(KEYS, min_size=1, max_size=4)), min_size=1, max_size=30)
"""When somebody asks, in turns of the loop, and for what."""


class Source:
    """Even keys exist; each is worth the instant at which it was read."""

    def __init__(self, turns: int) -> None:
        self.turns = turns
        self.reads: list[list[int]] = []
        self.at_once = self.most_at_once = 0
        self.now = 0
        self.broken: set[int] = set()

    async def fetch(self, keys: Sequence[int]) -> Mapping[int, int]:
        self.reads.append(list(keys))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            began = self.now
            for _ in range(self.turns):
                await asyncio.sleep(0)
            if self.broken.intersection(keys):
                raise LookupError("broken")
            return {key: began for key in keys if key % 2 == 0}
        finally:
            self.at_once -= 1


@given(ASKED, st.integers(0, 5))
def test_each_gets_what_was_asked_for_as_it_was_then_or_later(asked: list[tuple[int, list[int]]], turns: int) -> None:
    source = Source(turns)
    gathered = Gathered(source.fetch)

    async def ask(when: int, keys: list[int]) -> None:
        while source.now < when:
            await asyncio.sleep(0)
        before = source.now
        found = await gathered.of(keys)
        assert set(found) == {key for key in keys if key % 2 == 0}
        assert all(value >= before for value in found.values())

    async def day() -> None:
        async with asyncio.TaskGroup() as group:
            asking = [group.create_task(ask(when, keys)) for when, keys in asked]
            while not all(one.done() for one in asking):
                await asyncio.sleep(0)
                source.now += 1

    asyncio.run(day())
    assert source.most_at_once == 1
    assert all(len(read) == len(set(read)) for read in source.reads)


async def test_who_asks_together_is_answered_by_two_reads() -> None:
    """A rush on a cold cache: the first read takes all who came in the same instant, the second all who came since."""
    source = Source(turns=3)
    gathered = Gathered(source.fetch)
    first = [asyncio.create_task(gathered.of([0, 2])) for _ in range(300)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    rest = [asyncio.create_task(gathered.of([2, 4])) for _ in range(300)]
    await asyncio.gather(*first, *rest)
    assert source.reads == [[0, 2], [2, 4]]


async def test_who_gives_up_disturbs_no_other_and_a_failure_ends_with_its_read() -> None:
    source = Source(turns=3)
    gathered = Gathered(source.fetch)
    leaves, stays = (asyncio.create_task(gathered.of([one])) for one in (0, 2))
    await asyncio.sleep(0)
    leaves.cancel()
    assert await stays == {2: 0}
    with pytest.raises(asyncio.CancelledError):
        await leaves
    source.broken = {4}
    together = await asyncio.gather(gathered.of([4]), gathered.of([6]), return_exceptions=True)
    assert [type(one) for one in together] == [LookupError, LookupError]
    assert await gathered.of([6]) == {6: 0}
