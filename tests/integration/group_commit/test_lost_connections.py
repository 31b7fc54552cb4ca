"""Connections lost before, at and after COMMIT: nothing is lost, doubled or guessed."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from nightmarket.kernel.problems import Problem, Unavailable
from nightmarket.platform.database import COMMITTERS, READERS, Connection, Database
from nightmarket.platform.group_commit import GroupCommit
from tests.integration.group_commit.line import Cut, Line
from tests.integration.group_commit.store import BOTH, Item, Store, all_of, at_commit, reached, stored

pytestmark = pytest.mark.engine


@BOTH
async def test_killed_before_commit(pools: Database, lanes: type[GroupCommit[Any, Any]]) -> None:
    """A backend that dies in the middle of a batch takes nothing along: the batch runs again on a new connection."""

    class Dying(Store):
        async def __call__(self, tx: Connection, items: Sequence[Item]) -> Sequence[str | Problem]:
            outcomes = await super().__call__(tx, items)
            if len(self.sizes) <= 2:
                await tx.execute("SELECT pg_terminate_backend(pg_backend_pid())")
            return outcomes

    work = Dying()
    lane = lanes("test", pools, work)
    assert await all_of([lane.submit(Item(number)) for number in range(9)]) == ["new"] * 9
    assert work.sizes == [9] * 3
    assert len(await stored(pools)) == 9


@BOTH
async def test_killed_at_commit(pools: Database, lanes: type[GroupCommit[Any, Any]]) -> None:
    """A backend that dies inside COMMIT leaves nothing, and the batch is committed by the next try."""
    await at_commit(pools, 2, "SELECT pg_terminate_backend(pg_backend_pid())")
    lane = lanes("test", pools, Store())
    assert await all_of([lane.submit(Item(number)) for number in range(9)]) == ["new"] * 9
    assert lane.retries == 2
    assert len(await stored(pools)) == 9


async def test_killed_by_another_during_commit(pools: Database, outside: Connection) -> None:
    """A backend that an operator ends while it commits is like any other that dies: again, once, and nobody notices."""
    await at_commit(pools, 1, "SELECT pg_sleep(60)")
    lane = GroupCommit("test", pools, Store())
    future = lane.submit(Item(1))
    async with asyncio.timeout(60):
        while not await outside.fetchval(
            "SELECT sum(pg_terminate_backend(pid)::integer) FROM pg_stat_activity "
            "WHERE wait_event = 'PgSleep' AND datname = current_database()"
        ):
            await asyncio.sleep(0.01)
    assert await all_of([future]) == ["new"]
    assert lane.retries == 1


@BOTH
@pytest.mark.parametrize(
    ("cuts", "answer", "runs"),
    [
        ([Cut.BEFORE_COMMIT], "new", 2),
        ([Cut.BEFORE_ANSWER], "stored", 2),
        ([Cut.BEFORE_COMMIT, Cut.BEFORE_COMMIT, Cut.BEFORE_ANSWER], "stored", 4),
        ([Cut.BEFORE_ANSWER, Cut.BEFORE_ANSWER], "stored", 3),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else None,
)
async def test_line_cut_at_commit(
    pools: Database, line: Line, cuts: list[Cut], answer: str, runs: int, lanes: type[GroupCommit[Any, Any]]
) -> None:
    """When the line breaks around COMMIT nothing is guessed: the batch asks by id, finds what was committed or does it
    again, and every item is stored once."""
    far = await Database.open(line.url)
    line.cuts = list(cuts)
    work = Store()
    lane = lanes("test", far, work)
    assert await all_of([lane.submit(Item(number)) for number in range(7)]) == [answer] * 7
    assert len(work.sizes) == runs
    assert list(await stored(pools)) == list(range(7))
    await far.close()


@BOTH
async def test_line_cut_while_the_server_commits(
    pools: Database, line: Line, lanes: type[GroupCommit[Any, Any]]
) -> None:
    """A try that comes while the lost one still commits does not see it yet, runs into its rows, looks again, and
    answers from what is stored: no caller hears of a violated key."""
    await at_commit(pools, 1, "SELECT pg_sleep(0.4)")
    far = await Database.open(line.url)
    line.cuts = [Cut.DURING_COMMIT]
    work = Store()
    lane = lanes("test", far, work)
    assert await all_of([lane.submit(Item(number)) for number in range(7)]) == ["stored"] * 7
    assert len(work.sizes) == 3
    assert list(await stored(pools)) == list(range(7))
    await far.close()


@BOTH
async def test_line_that_says_nothing(line: Line, lanes: type[GroupCommit[Any, Any]]) -> None:
    """A server that does not answer any more, on a line that stays open, is given up after a bound, and a new
    connection does the work."""
    far = await Database.open(line.url, answer_seconds=1)
    lane = lanes("test", far, Store())
    assert await lane.submit(Item(1)) == "new"
    line.stall()
    assert await all_of([lane.submit(Item(2))]) == ["new"]
    assert lane.retries >= 1
    await far.close()


async def test_server_away_for_two_seconds(pools: Database, line: Line) -> None:
    """While the server is away for two seconds callers wait; when it is back they are served, once."""
    far = await Database.open(line.url)
    work = Store("SELECT pg_sleep(0.05)")
    lane = GroupCommit("test", far, work)
    futures = [lane.submit(Item(number)) for number in range(3)]
    await reached(lambda: bool(work.sizes))
    line.away()
    futures += [lane.submit(Item(number)) for number in range(3, 9)]
    await asyncio.sleep(2)
    assert not any(future.done() for future in futures)
    await line.back()
    assert await all_of(futures) == ["new"] * 9
    assert list(await stored(pools)) == list(range(9))
    await far.close()


async def test_server_away_for_long(pools: Database, line: Line) -> None:
    """While the server stays away, those in flight and all who wait behind them are told at the same time and nothing
    of theirs is done later; when it is back the lane serves again."""
    far = await Database.open(line.url)
    lane = GroupCommit("test", far, Store(), batch_limit=4, retry_seconds=0.6)
    assert await lane.submit(Item(0)) == "new"
    line.away()
    loop = asyncio.get_running_loop()
    began = loop.time()
    answers = await all_of([lane.submit(Item(number)) for number in range(1, 41)])
    assert loop.time() - began < 5
    assert [type(answer) for answer in answers] == [Unavailable] * 40
    await line.back()
    assert await lane.submit(Item(99)) == "new"
    assert list(await stored(pools)) == [0, 99]
    await far.close()


async def test_full_pools(pools: Database, outside: Connection) -> None:
    """Pools that were filled have all their connections open, and free for those who come."""
    await pools.fill()
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'nightmarket'"
    assert await outside.fetchval(f"{count} AND datname = current_database()") == COMMITTERS + READERS
    await pools.answers()
    async with pools.transaction() as tx:
        await tx.execute("SELECT 1")
