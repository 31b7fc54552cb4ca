"""Group commit on the real engine: what goes together, who is refused, and that nothing is lost, doubled or guessed."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager
from statistics import median
from typing import Any

import asyncpg
import msgspec
import pytest
from structlog.testing import capture_logs

from nightmarket.kernel.problems import Defect, InvalidInput, Problem, Unavailable
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.group_commit import BATCH_LIMIT, GroupCommit
from tests.integration.line import Cut, Line

pytestmark = pytest.mark.engine

GATE = 7
"""An advisory lock: while a test holds it, a batch that asks for it cannot commit."""

TABLES = """
CREATE SCHEMA test;
CREATE SEQUENCE test.tries;
CREATE TABLE test.thing (id integer PRIMARY KEY, value integer NOT NULL, xid xid8 DEFAULT pg_current_xact_id());
CREATE TABLE test.row (id integer PRIMARY KEY, value integer NOT NULL);
INSERT INTO test.row SELECT id, 0 FROM generate_series(1, 9) AS id;
CREATE FUNCTION test.at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('test.tries') <= TG_ARGV[0]::integer THEN EXECUTE TG_ARGV[1]; END IF;
    RETURN NULL;
END $$;
"""


class Item(msgspec.Struct, frozen=True):
    """Something to store once under its id; `spoil` makes the batch that holds it go wrong."""

    id: int
    value: Any = 1
    spoil: Exception | None = None


class Store:
    """Work for a lane: stores items by id, and answers "new" or, for one that is there already, "stored"."""

    def __init__(self, *before: str) -> None:
        self.sizes: list[int] = []
        self._before = before

    async def __call__(self, tx: Connection, items: Sequence[Item]) -> Sequence[str | Problem]:
        self.sizes.append(len(items))
        ids = [item.id for item in items]
        known = {row[0] for row in await tx.fetch("SELECT id FROM test.thing WHERE id = ANY($1::integer[])", ids)}
        for statement in self._before:
            await tx.execute(statement)
        new = [item for item in items if item.id not in known and not isinstance(item.spoil, InvalidInput)]
        await tx.execute(
            "INSERT INTO test.thing (id, value) SELECT i, 10 / v FROM unnest($1::integer[], $2::integer[]) AS n(i, v)",
            [item.id for item in new],
            [item.value for item in new],
        )
        for item in items:
            if item.spoil and not isinstance(item.spoil, InvalidInput):
                raise item.spoil
        return [
            item.spoil if isinstance(item.spoil, Problem) else "stored" if item.id in known else "new" for item in items
        ]


@pytest.fixture(autouse=True)
def quiet_logs() -> Generator[None]:
    """Left to itself structlog draws each refused item for a second, which servers do not."""
    with capture_logs():
        yield


@pytest.fixture
async def pools(fresh_database: str) -> AsyncGenerator[Database]:
    opened = await Database.open(fresh_database)
    async with opened.transaction() as tx:
        await tx.execute(TABLES)
    yield opened
    await opened.close()


@pytest.fixture
async def outside(fresh_database: str) -> AsyncGenerator[Connection]:
    """A connection beside the lane's own."""
    connection = await asyncpg.connect(fresh_database)
    yield connection
    await connection.close()


@pytest.fixture
async def line(pools: Database) -> AsyncGenerator[Line]:
    opened = await Line.open(pools.url)
    yield opened
    await opened.close()


@asynccontextmanager
async def gate(connection: Connection) -> AsyncGenerator[None]:
    await connection.execute("SELECT pg_advisory_lock($1)", GATE)
    yield
    await connection.execute("SELECT pg_advisory_unlock($1)", GATE)


GATED = f"SELECT pg_advisory_xact_lock({GATE})"


async def stored(pools: Database) -> dict[int, int]:
    async with pools.read() as connection:
        return {row[0]: row[1] for row in await connection.fetch("SELECT id, value FROM test.thing ORDER BY id")}


async def at_commit(pools: Database, times: int, statement: str) -> None:
    """Let the first commits that store something run a statement inside COMMIT."""
    async with pools.transaction() as tx:
        await tx.execute(
            "CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON test.thing DEFERRABLE INITIALLY DEFERRED "
            f"FOR EACH ROW EXECUTE FUNCTION test.at_commit({times}, $body${statement}$body$)"
        )


async def all_of(futures: "Sequence[asyncio.Future[Any]]") -> list[Any]:
    async with asyncio.timeout(30):
        return await asyncio.gather(*futures, return_exceptions=True)


async def reached(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.005)


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
async def test_one_poisoned_item_among_500(pools: Database, poison: Item, error: type[Exception]) -> None:
    """Whatever one item spoils (in the database, in sending it, in Python, as a Problem raised or returned), only that
    one is refused, with its own error, and the 499 others are done once."""
    lane = GroupCommit("test", pools, Store())
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


async def test_missing_outcomes_are_a_defect(pools: Database) -> None:
    """Work that answers for fewer items than it was given is undone and blamed on the item it forgets; nobody waits
    for ever, and nobody gets another's answer."""

    class Forgetful(Store):
        async def __call__(self, tx: Connection, items: Sequence[Item]) -> Sequence[str | Problem]:
            outcomes = await super().__call__(tx, items)
            return [outcome for item, outcome in zip(items, outcomes, strict=True) if item.id != 13]

    lane = GroupCommit("test", pools, Forgetful())
    answers = await all_of([lane.submit(Item(number)) for number in range(20)])
    assert isinstance(answers.pop(13), Defect)
    assert answers == ["new"] * 19
    assert 13 not in await stored(pools)


@pytest.mark.parametrize("code", ["40P01", "40001", "55P03"])
async def test_contention_is_retried(pools: Database, code: str) -> None:
    """Deadlock, serialization failure and lock timeout, also at COMMIT, run the batch again; no caller sees it."""
    await at_commit(pools, 3, f"DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '{code}'; END $$")
    lane = GroupCommit("test", pools, Store())
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

    async with asyncio.timeout(30):
        await asyncio.gather(*(shopper(number) for number in range(20)))
    assert lanes[0].retries + lanes[1].retries > 0
    async with pools.read() as connection:
        assert [row[0] for row in await connection.fetch("SELECT value FROM test.row WHERE id < 3")] == [80, 80]


async def test_killed_before_commit(pools: Database) -> None:
    """A backend that dies in the middle of a batch takes nothing along: the batch runs again on a new connection."""

    class Dying(Store):
        async def __call__(self, tx: Connection, items: Sequence[Item]) -> Sequence[str | Problem]:
            outcomes = await super().__call__(tx, items)
            if len(self.sizes) <= 2:
                await tx.execute("SELECT pg_terminate_backend(pg_backend_pid())")
            return outcomes

    work = Dying()
    lane = GroupCommit("test", pools, work)
    assert await all_of([lane.submit(Item(number)) for number in range(9)]) == ["new"] * 9
    assert work.sizes == [9] * 3
    assert len(await stored(pools)) == 9


async def test_killed_at_commit(pools: Database) -> None:
    """A backend that dies inside COMMIT leaves nothing, and the batch is committed by the next try."""
    await at_commit(pools, 2, "SELECT pg_terminate_backend(pg_backend_pid())")
    lane = GroupCommit("test", pools, Store())
    assert await all_of([lane.submit(Item(number)) for number in range(9)]) == ["new"] * 9
    assert lane.retries == 2
    assert len(await stored(pools)) == 9


async def test_killed_by_another_during_commit(pools: Database, outside: Connection) -> None:
    """A backend that an operator ends while it commits is like any other that dies: again, once, and nobody notices."""
    await at_commit(pools, 1, "SELECT pg_sleep(1.5)")
    lane = GroupCommit("test", pools, Store())
    future = lane.submit(Item(1))
    async with asyncio.timeout(10):
        while not await outside.fetchval(
            "SELECT sum(pg_terminate_backend(pid)::integer) FROM pg_stat_activity "
            "WHERE wait_event = 'PgSleep' AND datname = current_database()"
        ):
            await asyncio.sleep(0.01)
    assert await all_of([future]) == ["new"]
    assert lane.retries == 1


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
async def test_line_cut_at_commit(pools: Database, line: Line, cuts: list[Cut], answer: str, runs: int) -> None:
    """When the line breaks around COMMIT nothing is guessed: the batch asks by id, finds what was committed or does it
    again, and every item is stored once."""
    far = await Database.open(line.url)
    line.cuts = list(cuts)
    work = Store()
    lane = GroupCommit("test", far, work)
    assert await all_of([lane.submit(Item(number)) for number in range(7)]) == [answer] * 7
    assert len(work.sizes) == runs
    assert list(await stored(pools)) == list(range(7))
    await far.close()


async def test_line_cut_while_the_server_commits(pools: Database, line: Line) -> None:
    """A try that comes while the lost one still commits does not see it yet, runs into its rows, looks again, and
    answers from what is stored: no caller hears of a violated key."""
    await at_commit(pools, 1, "SELECT pg_sleep(0.4)")
    far = await Database.open(line.url)
    line.cuts = [Cut.DURING_COMMIT]
    work = Store()
    lane = GroupCommit("test", far, work)
    assert await all_of([lane.submit(Item(number)) for number in range(7)]) == ["stored"] * 7
    assert len(work.sizes) == 3
    assert list(await stored(pools)) == list(range(7))
    await far.close()


async def test_line_that_says_nothing(line: Line) -> None:
    """A server that does not answer any more, on a line that stays open, is given up after a bound, and a new
    connection does the work."""
    far = await Database.open(line.url, answer_seconds=0.3)
    lane = GroupCommit("test", far, Store())
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


async def test_batch_that_lasts_too_long_is_split(pools: Database) -> None:
    """A batch that outlasts a transaction's limit gets through in smaller ones; an item that does so alone is told that
    the database does not answer."""

    class Slow(Store):
        async def __call__(self, tx: Connection, items: Sequence[Item]) -> Sequence[str | Problem]:
            # an armed limit changes only by way of none
            await tx.execute("SET LOCAL transaction_timeout = 0; SET LOCAL transaction_timeout = '250ms'")
            if len(items) > 4 or any(item.id == 7 for item in items):
                await tx.execute("SELECT pg_sleep(5)")
            return await super().__call__(tx, items)

    lane = GroupCommit("test", pools, Slow(), retry_seconds=3)
    answers = await all_of([lane.submit(Item(number)) for number in range(8)])
    assert answers[:7] == ["new"] * 7
    assert isinstance(answers[7], Unavailable)
    assert list(await stored(pools)) == list(range(7))
    assert await lane.submit(Item(8)) == "new"


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


async def test_stopped_lane_tells_its_callers(pools: Database, outside: Connection) -> None:
    """When the process stops a lane in the middle of its work nobody waits for ever: those in flight and those queued
    are told to ask again, and the transaction is undone."""
    work = Store(GATED)
    lane = GroupCommit("stopped", pools, work)
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
