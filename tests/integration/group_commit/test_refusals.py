"""One offender is refused alone; contention is nobody's fault and is not seen."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec
import pytest

from nightmarket.kernel.problems import Defect, InvalidInput, Problem, Unavailable
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.group_commit import GroupCommit
from tests.integration.group_commit.store import BOTH, Item, Store, all_of, at_commit, stored

pytestmark = pytest.mark.engine


@BOTH
@pytest.mark.parametrize(
    ("poison", "error"),
    [
        (Item(250, value=0), asyncpg.DivisionByZeroError),
        (Item(250, value=10**12), asyncpg.DataError),
        (Item(250, value="a lamp"), asyncpg.DataError),
        (Item(251, value=1, spoil=ValueError("odd")), ValueError),
        (Item(251, value=1, spoil=FileNotFoundError("gone")), FileNotFoundError),
        (Item(251, value=1, spoil=Defect("broken")), Defect),
        (Item(251, value=1, spoil=Problem("raised")), Problem),
        (Item(251, value=1, spoil=asyncpg.InterfaceError("odd use")), asyncpg.InterfaceError),
        (Item(251, value=1, spoil=InvalidInput("returned")), InvalidInput),
    ],
    ids=lambda value: repr(value.spoil or value.value) if isinstance(value, Item) else value.__name__,
)
async def test_one_poisoned_item_among_500(
    pools: Database, poison: Item, error: type[Exception], lanes: type[GroupCommit[Any, Any]]
) -> None:
    """Whatever one item spoils (in the database, in sending it, in Python, as a Problem raised or returned), only that
    one is refused, with its own error, and the 499 others are done once."""
    lane = lanes("test", pools, Store())
    items = [Item(number) for number in range(499)]
    items.insert(250, msgspec.structs.replace(poison, id=999))
    answers = await all_of([lane.submit(item) for item in items])
    assert type(answers[250]) is error or isinstance(answers[250], error)
    assert answers[:250] + answers[251:] == ["new"] * 499
    assert list(await stored(pools)) == list(range(499))


async def test_each_poisoned_item_stands_alone(pools: Database) -> None:
    """Several offenders, side by side and apart, each get their own error, and nobody else does."""
    lane = GroupCommit("test", pools, Store())
    spoiled = {0, 1, 2, 77, 256, 498, 499}
    items = [Item(number, spoil=ValueError(number) if number in spoiled else None) for number in range(500)]
    answers = await all_of([lane.submit(item) for item in items])
    assert {number for number, answer in enumerate(answers) if answer != "new"} == spoiled
    assert all(answers[number].args == (number,) for number in spoiled)
    assert set(await stored(pools)) == set(range(500)) - spoiled


@BOTH
async def test_missing_outcomes_are_a_defect(pools: Database, lanes: type[GroupCommit[Any, Any]]) -> None:
    """Work that answers for fewer items than it was given is undone and blamed on the item it forgets; nobody waits
    for ever, and nobody gets another's answer."""

    class Forgetful(Store):
        async def __call__(self, tx: Connection, items: Sequence[Item]) -> Sequence[str | Problem]:
            outcomes = await super().__call__(tx, items)
            return [outcome for item, outcome in zip(items, outcomes, strict=True) if item.id != 13]

    lane = lanes("test", pools, Forgetful())
    answers = await all_of([lane.submit(Item(number)) for number in range(20)])
    assert isinstance(answers.pop(13), Defect)
    assert answers == ["new"] * 19
    assert 13 not in await stored(pools)


@BOTH
@pytest.mark.parametrize("code", ["40P01", "40001", "55P03"])
async def test_contention_is_retried(pools: Database, code: str, lanes: type[GroupCommit[Any, Any]]) -> None:
    """Deadlock, serialization failure and lock timeout, also at COMMIT, run the batch again; no caller sees it."""
    await at_commit(pools, 3, f"DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '{code}'; END $$")
    lane = lanes("test", pools, Store())
    assert await all_of([lane.submit(Item(number)) for number in range(5)]) == ["new"] * 5
    assert (lane.batches, lane.retries) == (1, 3)


async def test_deadlock_is_not_seen(pools: Database, outside: Connection) -> None:
    """A lane that is the victim of a real deadlock with another connection tries again and answers as ever."""

    async def work(tx: Connection, items: Sequence[int]) -> Sequence[int | Problem]:
        for id in (1, 2):
            await tx.execute("UPDATE test.row SET value = value + $2 WHERE id = $1", id, len(items))
        return list(items)

    lane: GroupCommit[int, int] = GroupCommit("test", pools, work)
    async with outside.transaction():
        await outside.execute("UPDATE test.row SET value = value + 100 WHERE id = 2")
        futures = [lane.submit(number) for number in range(3)]
        await asyncio.sleep(0.1)  # the lane now waits for row 2 and is the first to look for a deadlock
        await outside.execute("UPDATE test.row SET value = value + 100 WHERE id = 1")
    assert await all_of(futures) == [0, 1, 2]
    assert lane.retries == 1
    assert [row[0] for row in await outside.fetch("SELECT value FROM test.row WHERE id < 3")] == [103, 103]


async def test_lanes_that_cross_all_get_through(pools: Database) -> None:
    """Lanes that lock the same rows in opposite order never show it to a caller, and every item counts once."""

    def work(order: tuple[int, int]):
        async def add(tx: Connection, items: Sequence[int]) -> Sequence[int | Problem]:
            for id in order:
                await tx.execute("UPDATE test.row SET value = value + $2 WHERE id = $1", id, len(items))
                await asyncio.sleep(0.002)
            return list(items)

        return add

    lanes: list[GroupCommit[int, int]] = [GroupCommit("test", pools, work(order)) for order in ((1, 2), (2, 1))]

    async def shopper(number: int) -> None:
        for _ in range(4):
            assert await lanes[number % 2].submit(number) == number

    async with asyncio.timeout(120):
        await asyncio.gather(*(shopper(number) for number in range(20)))
    assert lanes[0].retries + lanes[1].retries > 0
    async with pools.read() as connection:
        assert [row[0] for row in await connection.fetch("SELECT value FROM test.row WHERE id < 3")] == [80, 80]


async def test_batch_that_lasts_too_long_is_split(pools: Database) -> None:
    """A batch that outlasts a transaction's limit gets through in smaller ones; an item that does so alone is told that
    the database does not answer."""

    class Slow(Store):
        async def __call__(self, tx: Connection, items: Sequence[Item]) -> Sequence[str | Problem]:
            # an armed limit changes only by way of none
            await tx.execute("SET LOCAL transaction_timeout = 0; SET LOCAL transaction_timeout = '1s'")
            if len(items) > 4 or any(item.id == 7 for item in items):
                await tx.execute("SELECT pg_sleep(30)")
            return await super().__call__(tx, items)

    lane = GroupCommit("test", pools, Slow(), retry_seconds=6)
    answers = await all_of([lane.submit(Item(number)) for number in range(8)])
    assert answers[:7] == ["new"] * 7
    assert isinstance(answers[7], Unavailable)
    assert list(await stored(pools)) == list(range(7))
    assert await lane.submit(Item(8)) == "new"


async def test_who_waited_too_long_is_refused_instead_of_done_late(pools: Database) -> None:
    """What waits for its batch longer than the lane's patience is told so and never done; who comes after is done."""

    class Slow(Store):
        async def __call__(self, tx: Connection, items: Sequence[Item]) -> Sequence[str | Problem]:
            await asyncio.sleep(0.4)
            return await super().__call__(tx, items)

    lane = GroupCommit("test", pools, Slow(), batch_limit=1, retry_seconds=0.2)
    answers = await all_of([lane.submit(Item(number)) for number in range(3)])
    assert answers[0] == "new"
    assert [type(answer) for answer in answers[1:]] == [Unavailable, Unavailable]
    assert await lane.submit(Item(3)) == "new"
    assert list(await stored(pools)) == [0, 3]
    long_ago = asyncio.get_running_loop().time() - 1
    [late] = await all_of([lane.submit(Item(4), long_ago)])  # whoever waited elsewhere before has waited, too
    assert isinstance(late, Unavailable)
    assert lane.overdue == 3
