"""Reads of many callers in one, over a source that is played: who asks when, how long a read takes, what fails."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightmarket.kernel.clock import VirtualClock
from nightmarket.platform.gathered import Gathered, Renewed

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
    """Whoever asks when: one read at a time, each key named once in it, and what is told was true when it was asked."""
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
    """Those who stay are answered; those who shared a failed read are told of it, and the next begins anew."""
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


async def test_an_old_value_is_read_again_by_one_for_all() -> None:
    """Two hundred who find it too old are told in the turns of the loop that one read or two take, not one by one."""
    clock, reads = VirtualClock(datetime(2026, 11, 11, tzinfo=UTC)), 0

    async def read() -> int:
        nonlocal reads
        reads += 1
        await asyncio.sleep(0)
        return reads

    value = Renewed(read, clock, timedelta(seconds=2))
    assert [await value.get(), await value.get()] == [1, 1]
    clock.advance(timedelta(seconds=2))
    asking = [asyncio.create_task(value.get()) for _ in range(200)]
    turns = 0
    while not all(one.done() for one in asking):
        turns += 1
        await asyncio.sleep(0)
    assert turns < 20
    assert {await one for one in asking} == {2}


async def test_what_is_forgotten_while_it_is_read_is_read_again() -> None:
    """What a read began with before the news is told to those who asked before the news, and to nobody after."""
    clock, truth = VirtualClock(datetime(2026, 11, 11, tzinfo=UTC)), "old"

    async def read() -> str:
        found = truth
        await asyncio.sleep(0)
        return found

    value = Renewed(read, clock, timedelta(seconds=2))
    early = asyncio.create_task(value.get())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    truth = "new"
    value.forget()
    assert await value.get() == "new"
    assert await early == "old"
    assert await value.get() == "new"
