"""What goes together, how long a lone order waits, and who is told to come back."""

import asyncio
import time
from statistics import median
from typing import Any

import pytest

from nightmarket.kernel.problems import Unavailable
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.group_commit import BATCH_LIMIT, UNDIVIDED, GroupCommit
from tests.integration.group_commit.store import (
    BOTH,
    GATED,
    TABLES,
    Item,
    Store,
    all_of,
    at_commit,
    gate,
    reached,
    stored,
)

pytestmark = pytest.mark.engine


async def test_what_waits_goes_together(pools: Database, outside: Connection) -> None:
    """What arrives while a batch commits goes in the next, at most 500 at once, in order of arrival; each caller gets
    the outcome of its own item."""
    work = Store(GATED)
    lane = GroupCommit("test", pools, work)
    async with gate(outside):
        futures = [lane.submit(Item(0))]
        await reached(lambda: bool(work.sizes))
        futures += [lane.submit(Item(number, value=1 + number % 9)) for number in range(1, 1201)]
        futures += [lane.submit(Item(600))]
    answers = await all_of(futures)
    assert answers == ["new"] * 1201 + ["stored"]
    assert work.sizes == [1, BATCH_LIMIT, BATCH_LIMIT, 201]
    assert (lane.batches, lane.items, lane.retries) == (4, 1202, 0)
    assert (await stored(pools))[8] == 10 // 9


async def test_crowds_share_commits(pools: Database) -> None:
    """Many callers who each wait for their answer share commits: far fewer batches than items, none too large."""
    work = Store()
    lane = GroupCommit("test", pools, work)

    async def shopper(first: int) -> None:
        for number in range(first, first + 20):
            assert await lane.submit(Item(number)) == "new"

    await asyncio.gather(*(shopper(first * 20) for first in range(100)))
    assert len(await stored(pools)) == 2_000 == lane.items
    assert lane.batches < 200
    assert max(work.sizes) <= BATCH_LIMIT


async def test_a_crowd_goes_in_halves(pools: Database) -> None:
    """Of a crowd that asks again when it is answered one half is committed while the other comes; a small one is not
    divided."""
    for size, most in ((600, 320), (UNDIVIDED, UNDIVIDED)):
        work = Store()
        lane = GroupCommit("test", pools, work)

        async def shopper(first: int, lane: GroupCommit[Item, str] = lane) -> None:
            for number in range(first, first + 6):
                assert await lane.submit(Item(number)) == "new"

        start = 10_000 * size
        await asyncio.gather(*(shopper(start + one * 6) for one in range(size)))
        assert sum(work.sizes) == size * 6
        assert most // 2 < max(work.sizes) <= most
        assert len(work.sizes) <= 20, "and in no smaller pieces"


async def test_lanes_take_turns(pools: Database, outside: Connection) -> None:
    """Of lanes that take turns one batch is in flight at a time, and it takes all that came meanwhile; one that fails
    gives its turn up, so that the other lane goes on while it is tried again or split."""
    first, second = Store(GATED), Store()
    one, other = GroupCommit("one", pools, first), GroupCommit("other", pools, second)
    one.turn = other.turn
    async with gate(outside):
        futures = [one.submit(Item(0))]
        await reached(lambda: bool(first.sizes))
        futures += [other.submit(Item(number)) for number in range(1, 301)]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(futures[1]), 0.05)
        assert not second.sizes
    assert await all_of(futures) == ["new"] * 301
    assert second.sizes == [300]
    async with gate(outside):
        spoilt = one.submit(Item(301, spoil=ValueError("spoilt")))
        more = [one.submit(Item(number)) for number in range(302, 304)]
        await reached(lambda: len(first.sizes) == 2)
        await outside.execute("SELECT pg_cancel_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        assert await other.submit(Item(400)) == "new"
    with pytest.raises(ValueError, match="spoilt"):
        await spoilt
    assert await all_of(more) == ["new"] * 2


async def test_lone_orders_wait_for_one_commit(pools: Database) -> None:
    """An order that comes alone starts at once and is committed in a transaction of its own: one commit, no timer."""
    work = Store()
    lane = GroupCommit("test", pools, work)
    for number in range(60):
        assert await lane.submit(Item(number)) == "new"
    assert work.sizes == [1] * 60
    assert (lane.batches, lane.retries) == (60, 0)
    async with pools.read() as connection:
        assert await connection.fetchval("SELECT count(DISTINCT xid) FROM test.thing") == 60


@pytest.mark.parametrize("commit_milliseconds", [0, 15])
async def test_lone_orders_wait_at_most_a_commit_and_a_half(durable_database: str, commit_milliseconds: int) -> None:
    """On a server that syncs each commit, an order that comes alone waits in the median at most 1.5 times what the
    same transaction takes by hand on the same connection, measured in turns; also where a commit is slow."""
    pools = await Database.open(durable_database, committers=1)
    async with pools.transaction() as tx:
        await tx.execute(f"DROP SCHEMA IF EXISTS test CASCADE; {TABLES}")
    if commit_milliseconds:
        await at_commit(pools, 10**6, f"SELECT pg_sleep({commit_milliseconds / 1000})")
    work = Store()
    lane = GroupCommit("test", pools, work)
    by_hand: list[float] = []
    alone: list[float] = []
    for number in range(0, 2 * (60 + 5), 2):
        began = time.perf_counter()
        async with pools.committing() as connection, connection.transaction():
            await work(connection, [Item(number)])
        between = time.perf_counter()
        await lane.submit(Item(number + 1))
        by_hand.append(between - began)
        alone.append(time.perf_counter() - between)
    assert median(alone[5:]) <= 1.5 * median(by_hand[5:])
    assert (lane.batches, lane.retries) == (65, 0)
    await pools.close()


async def test_full_queue_refuses_at_once(pools: Database, outside: Connection) -> None:
    """A full queue refuses with Unavailable before anything is done for the item, and takes up again when it drains."""
    work = Store(GATED)
    lane = GroupCommit("test", pools, work, queue_limit=10)
    async with gate(outside):
        futures = [lane.submit(Item(0))]
        await reached(lambda: bool(work.sizes))
        futures += [lane.submit(Item(number)) for number in range(1, 11)]
        with pytest.raises(Unavailable) as refused:
            lane.submit(Item(99))
        assert refused.value.retry_after_seconds == 1
    assert await all_of(futures) == ["new"] * 11
    assert await lane.submit(Item(11)) == "new"
    assert list(await stored(pools)) == list(range(12))


async def test_callers_that_give_up(pools: Database, outside: Connection) -> None:
    """A caller that is cancelled, in flight or in the queue, changes nothing: its item is done, others are served, and
    it finds its outcome when it asks again."""
    work = Store(GATED)
    lane = GroupCommit("test", pools, work)

    async def caller(number: int) -> str:
        return await lane.submit(Item(number))

    async with gate(outside):
        callers = [asyncio.create_task(caller(0))]
        await reached(lambda: bool(work.sizes))
        callers += [asyncio.create_task(caller(number)) for number in range(1, 6)]
        await asyncio.sleep(0)
        for gone in (0, 2, 5):
            callers[gone].cancel()
    answers = await all_of(callers)
    assert [type(answer) for answer in answers if answer != "new"] == [asyncio.CancelledError] * 3
    await lane.drain()
    assert list(await stored(pools)) == list(range(6))
    assert await caller(2) == "stored"


@BOTH
async def test_stopped_lane_tells_its_callers(
    pools: Database, outside: Connection, lanes: type[GroupCommit[Any, Any]]
) -> None:
    """When the process stops a lane in the middle of its work nobody waits for ever: those in flight and those queued
    are told to ask again, and the transaction is undone."""
    work = Store(GATED)
    lane = lanes("stopped", pools, work)
    async with gate(outside):
        futures = [lane.submit(Item(0))]
        await reached(lambda: bool(work.sizes))
        futures += [lane.submit(Item(number)) for number in range(1, 4)]
        (running,) = [task for task in asyncio.all_tasks() if task.get_name() == "group-commit-stopped"]
        running.cancel()
        answers = await all_of(futures)
    assert [type(answer) for answer in answers] == [Unavailable] * 4
    assert await stored(pools) == {}
    assert await lane.submit(Item(5)) == "new"


async def test_drain_waits_for_all(pools: Database) -> None:
    """After `drain` every item that was submitted has its outcome."""
    lane = GroupCommit("test", pools, Store(), batch_limit=10)
    futures = [lane.submit(Item(number)) for number in range(45)]
    await lane.drain()
    assert [future.result() for future in futures] == ["new"] * 45
    assert lane.batches == 5
    await lane.drain()
