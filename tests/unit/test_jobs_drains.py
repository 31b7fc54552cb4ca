"""Drains: loops that work while something is due, rest otherwise, and stop when told."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from nightmarket.platform.jobs import Drain, Drains, Share
from nightmarket.platform.jobs.drains import Processors, own_processors
from nightmarket.platform.telemetry import Metrics


class Work:
    """Rows to handle, some of which fail."""

    def __init__(self, *amounts: int | Exception) -> None:
        self.amounts: list[int | Exception] = list(amounts)
        self.calls = 0
        self.empty = asyncio.Event()

    async def step(self) -> int:
        """The next amount; 0 when there is nothing left."""
        self.calls += 1
        await asyncio.sleep(0)
        if not self.amounts:
            self.empty.set()
            return 0
        amount = self.amounts.pop(0)
        if isinstance(amount, Exception):
            raise amount
        return amount


async def test_it_works_until_nothing_is_due_and_then_rests() -> None:
    """All that is due is handled without a pause; idle, it does not spin; woken, it looks at once."""
    work = Work(5, 5, 1)
    drain = Drain("test", work.step, idle_seconds=60)
    async with Drains([drain]):
        await asyncio.wait_for(work.empty.wait(), 60)
        await asyncio.sleep(0.02)
        assert work.calls == 4
        work.empty.clear()
        work.amounts.append(1)
        drain.wake()
        await asyncio.wait_for(work.empty.wait(), 60)
    assert work.calls == 6


async def test_it_looks_less_often_the_longer_nothing_is_due() -> None:
    """After half a second, one, two, two; what is due then is heard of at the next look."""
    work, looks = Work(), list[float]()

    async def step() -> int:
        looks.append(time.monotonic())
        return await work.step()

    async with Drains([Drain("test", step)]):
        async with asyncio.timeout(60):
            while len(looks) < 3:
                await asyncio.sleep(0.02)
        assert looks[1] - looks[0] > 0.4
        assert looks[2] - looks[1] > 0.9
        work.amounts.append(1)
        work.empty.clear()
        await asyncio.wait_for(work.empty.wait(), 60)
        assert looks[-1] - looks[-2] < 0.5


async def test_a_failing_step_does_not_stop_it() -> None:
    """The failure is logged and counted, the others go on, and after a pause the step is tried again."""
    bad, good = Work(ZeroDivisionError("by zero"), 2), Work(1)
    metrics = Metrics()
    with capture_logs() as lines:
        async with Drains([Drain("bad", bad.step, tally=metrics), Drain("good", good.step, tally=metrics)]):
            await asyncio.wait_for(good.empty.wait(), 60)
            assert bad.calls == 1
            await asyncio.wait_for(bad.empty.wait(), 60)
    assert [(line["event"], line["drain"]) for line in lines] == [("drain_failed", "bad")]
    registry = metrics.registry
    assert registry.get_sample_value("nightmarket_drain_items_total", {"drain": "bad"}) == 2
    assert registry.get_sample_value("nightmarket_drain_items_total", {"drain": "good"}) == 1
    assert registry.get_sample_value("nightmarket_drain_failures_total", {"drain": "bad"}) == 1


async def test_stopping_lets_a_step_end_but_not_for_ever() -> None:
    """A step in flight is finished; one that hangs is cut off; a sleeping drain stops at once."""
    ended: list[str] = []

    async def slow() -> int:
        await asyncio.sleep(0.1)
        ended.append("slow")
        return 1

    async def hanging() -> int:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cut")
        return 1

    started = time.monotonic()
    with capture_logs() as lines:
        async with Drains(
            [Drain("slow", slow), Drain("hanging", hanging), Drain("idle", Work().step)], stop_seconds=0.5
        ):
            await asyncio.sleep(0.01)
    assert ended == ["slow", "cut"]
    assert 0.4 < time.monotonic() - started < 30
    assert [line["event"] for line in lines] == ["drain_cut_off"]


async def test_drains_share_what_they_have_of_a_busy_machine() -> None:
    """Several with one share work one at a time, in turn, and no more together than it says; at rest none waits."""
    busy = True
    working: list[str] = []
    spent = 0.0
    calls: dict[str, int] = {"a": 0, "b": 0}
    share = Share(0.2, busy=lambda: busy)

    def step_of(name: str) -> Callable[[], Awaitable[int]]:
        async def step() -> int:
            nonlocal spent
            started = time.monotonic()
            assert not busy or not working, "two at once"
            working.append(name)
            await asyncio.sleep(0.005)
            working.remove(name)
            calls[name] += 1
            spent += time.monotonic() - started
            return 1

        return step

    async with Drains([Drain(name, step_of(name), share=share) for name in calls]):
        started = time.monotonic()
        async with asyncio.timeout(60):
            while min(calls.values()) < 3:
                await asyncio.sleep(0.1)
        assert spent < 0.3 * (took := time.monotonic() - started)
        assert abs(calls["a"] - calls["b"]) <= 1
        before, busy, started = sum(calls.values()), False, time.monotonic()
        await asyncio.sleep(0.5)
        assert (sum(calls.values()) - before) / (time.monotonic() - started) > 2 * before / took


async def test_who_rests_stops_when_told() -> None:
    """Neither a rest nor the wait for it keeps a drain from stopping."""
    share = Share(0.0001, busy=lambda: True)
    works = [Work(1, 1, 1), Work(1, 1, 1)]
    started = time.monotonic()
    with capture_logs() as lines:
        async with Drains([Drain(str(number), work.step, share=share) for number, work in enumerate(works)]):
            await asyncio.sleep(0.05)
    assert time.monotonic() - started < 1
    assert not lines
    assert sum(work.calls for work in works) < 6


async def test_no_drains_are_fine() -> None:
    """A worker with nothing to drain starts and stops."""
    async with Drains([]):
        pass


def test_a_machine_is_busy_when_the_processors_that_a_process_may_use_are() -> None:
    """Six tenths of their time since the last look, and not looked at more often than every fifth of a second."""
    now, spent = 0.0, (0.0, 0.0)
    processors = Processors(lambda: spent, lambda: now)
    seen: list[bool] = []
    for seconds, idle in ((0.25, 0.25), (0.25, 0.125), (0.25, 0.0625), (0.125, 0.125), (0.125, 0.125)):
        now, spent = now + seconds, (spent[0] + idle, spent[1] + seconds)
        seen.append(processors.busy())
    assert seen == [False, False, True, True, False]


@pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="one processor only, or no way to choose one"
)
def test_the_idleness_of_processors_that_others_have_is_no_room() -> None:
    """Told to stay on one processor, a process counts the time of that one only."""
    everything = own_processors()[1]
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert own_processors()[1] < everything * 0.9
    finally:
        os.sched_setaffinity(0, allowed)
