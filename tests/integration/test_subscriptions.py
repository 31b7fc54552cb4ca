"""Consumers of facts on the real engine: each fact works once, whatever breaks between handling and commit."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import ClassVar

import asyncpg
import msgspec
import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.facts import Cursor, Fact, Facts
from nightmarket.platform.following import LOOK_LIMIT, Watch, follow
from nightmarket.platform.subscriptions import SKIP_TRANSACTIONS, Lag, Subscription, ensure, lag, step

pytestmark = pytest.mark.engine


class Sold(msgspec.Struct, frozen=True):
    kind: ClassVar[str] = "test.sold"
    number: int


@pytest.fixture
async def pools(fresh_database: str) -> AsyncGenerator[Database]:
    """A database with a table that handlers write to; nothing there forbids a number twice."""
    opened = await Database.open(fresh_database, committers=4)
    async with opened.transaction() as tx:
        await tx.execute("CREATE SCHEMA test; CREATE TABLE test.effect (number integer, place bigserial)")
    yield opened
    await opened.close()


@pytest.fixture
def facts(ids: SeededIds) -> Facts:
    return Facts(ids)


async def write(tx: Connection, facts: Sequence[Fact]) -> None:
    numbers = [thing.number for fact in facts for thing in fact.read(Sold)]
    await tx.execute("INSERT INTO test.effect (number) SELECT unnest($1::integer[])", numbers)


SALES = Subscription("sales", (Sold.kind,), write)
SALES_JOINT = Subscription("sales", (Sold.kind,), write, joint=True)


async def effects(pools: Database) -> list[int]:
    async with pools.read() as connection:
        return [row[0] for row in await connection.fetch("SELECT number FROM test.effect ORDER BY place")]


async def sell(pools: Database, facts: Facts, clock: VirtualClock, *numbers: int) -> None:
    for number in numbers:
        async with pools.transaction() as tx:
            await facts.append(tx, [Sold(number)], clock.now())


async def once(pools: Database, subscription: Subscription, clock: VirtualClock) -> int:
    async with pools.transaction() as tx:
        await ensure(tx, subscription)
        return await step(tx, subscription, clock)


async def lagging(pools: Database, clock: VirtualClock) -> Lag:
    async with pools.read() as connection:
        return await lag(connection, SALES, clock)


@asynccontextmanager
async def following(*followers: "asyncio.Task[None]") -> AsyncGenerator[None]:
    yield
    for task in followers:
        assert not task.done()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def run(pools: Database, subscription: Subscription, clock: VirtualClock) -> "asyncio.Task[None]":
    return asyncio.create_task(follow(pools, subscription, clock, failure_seconds=0.02))


async def until(true: Callable[[], bool] | None = None, *, pools: Database, count: int = 0) -> None:
    """Wait until the condition holds, or until so many effects are there."""
    async with asyncio.timeout(60):
        while not (true() if true else len(await effects(pools)) >= count):
            await asyncio.sleep(0.01)


async def test_each_fact_works_once(pools: Database, facts: Facts, clock: VirtualClock) -> None:
    """Steps handle each fact once, in order, and then have nothing to do."""
    await sell(pools, facts, clock, 1, 2, 3)
    assert await once(pools, SALES, clock) == 3
    await sell(pools, facts, clock, 4)
    assert await once(pools, SALES, clock) == 1
    assert await once(pools, SALES, clock) == 0
    assert await effects(pools) == [1, 2, 3, 4]


async def test_idle_consumers_write_nothing(pools: Database, clock: VirtualClock) -> None:
    """A step without facts takes no transaction id, so that idle consumers cost no commit."""
    async with pools.transaction() as tx:
        await ensure(tx, SALES)
    await once(pools, SALES, clock)
    async with pools.transaction() as tx:
        assert await step(tx, SALES, clock) == 0
        assert await tx.fetchval("SELECT pg_current_xact_id_if_assigned()") is None


async def test_crash_before_commit(pools: Database, facts: Facts, clock: VirtualClock) -> None:
    """A connection that dies after the handler wrote undoes effect and cursor together; the next try does both."""
    tries = 0

    async def handle(tx: Connection, facts: Sequence[Fact]) -> None:
        nonlocal tries
        tries += 1
        await write(tx, facts)
        if tries <= 2:
            await tx.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    await sell(pools, facts, clock, 1, 2, 3)
    async with following(run(pools, Subscription("sales", (Sold.kind,), handle), clock)):
        await until(pools=pools, count=3)
        await sell(pools, facts, clock, 4)
        await until(pools=pools, count=4)
    assert await effects(pools) == [1, 2, 3, 4]
    assert tries == 4


async def test_crash_at_commit(pools: Database, facts: Facts, clock: VirtualClock) -> None:
    """A backend that dies inside COMMIT leaves neither effect nor cursor, and the facts are handled after that."""
    async with pools.transaction() as tx:
        await tx.execute("""
            CREATE SEQUENCE test.deaths;
            CREATE FUNCTION test.die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF nextval('test.deaths') <= 2 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
                RETURN NULL;
            END $$;
            CREATE CONSTRAINT TRIGGER die AFTER INSERT ON test.effect DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW WHEN (NEW.number = 2) EXECUTE FUNCTION test.die();
        """)
    await sell(pools, facts, clock, 1, 2, 3)
    async with following(run(pools, SALES, clock)):
        await until(pools=pools, count=3)
    assert await effects(pools) == [1, 2, 3]
    assert (await lagging(pools, clock)).failure is None


async def test_two_followers_share(pools: Database, facts: Facts, clock: VirtualClock) -> None:
    """Two followers of one name, while facts keep coming, handle each fact once between them, in order."""

    async def handle(tx: Connection, facts: Sequence[Fact]) -> None:
        await write(tx, facts)
        await tx.execute("SELECT pg_sleep(0.003)")

    subscription = Subscription("sales", (Sold.kind,), handle)
    async with following(*(run(pools, subscription, clock) for _ in range(3))):
        for first in range(0, 120, 4):
            await asyncio.gather(
                sell(pools, facts, clock, first, first + 1), sell(pools, facts, clock, first + 2, first + 3)
            )
        await until(pools=pools, count=120)
        await asyncio.sleep(0.3)
    assert sorted(await effects(pools)) == list(range(120))


async def test_a_follower_overtaken_while_it_reads(pools: Database, facts: Facts, clock: VirtualClock) -> None:
    """A follower that read where the consumer stood, and was overtaken by another before it locked, does nothing."""
    await once(pools, SALES, clock)
    await sell(pools, facts, clock, 1, 2)

    async def locking() -> None:
        async with pools.transaction() as tx:
            await tx.execute("LOCK TABLE platform.fact_default IN ACCESS EXCLUSIVE MODE")

    async def stepping() -> int:
        async with pools.transaction() as tx:
            return await step(tx, SALES, clock)

    async with pools.transaction() as tx:
        assert await step(tx, SALES, clock) == 2
        locked = asyncio.create_task(locking())
        await asyncio.sleep(0.1)
        overtaken = asyncio.create_task(stepping())  # sees the old cursor, and waits for the table
        done, _ = await asyncio.wait([locked, overtaken], timeout=0.2)
        assert not done
    await locked
    assert await overtaken == 0
    assert await effects(pools) == [1, 2]
    assert (await lagging(pools, clock)).handled == 2


async def test_names_are_apart(pools: Database, facts: Facts, clock: VirtualClock) -> None:
    """Consumers of different names each hear every fact."""
    await sell(pools, facts, clock, 1, 2)
    assert await once(pools, SALES, clock) == 2
    assert await once(pools, Subscription("figures", (Sold.kind,), write), clock) == 2
    assert await effects(pools) == [1, 2, 1, 2]


async def test_failure_is_noted_and_retried(pools: Database, facts: Facts, clock: VirtualClock) -> None:
    """A handler that raises is kept with its reason and since when, what is before the fact it cannot handle gets
    done, and once it can, it goes on and the failure is forgotten."""
    broken = asyncio.Event()
    tries = 0

    async def handle(tx: Connection, facts: Sequence[Fact]) -> None:
        nonlocal tries
        await write(tx, facts)
        if not broken.is_set() and any(thing.number == 5 for fact in facts for thing in fact.read(Sold)):
            tries += 1
            raise OSError("no such stall: 5")

    await sell(pools, facts, clock, *range(1, 9))
    clock.advance(timedelta(seconds=30))
    async with following(run(pools, Subscription("sales", (Sold.kind,), handle), clock)):
        await until(pools=pools, count=4)
        await until(lambda: tries > 12, pools=pools)
        assert await effects(pools) == [1, 2, 3, 4]
        state = await lagging(pools, clock)
        assert (state.handled, state.seconds, state.failure) == (4, 30.0, "OSError: no such stall: 5")
        broken.set()
        await until(pools=pools, count=8)
    assert await effects(pools) == list(range(1, 9))
    assert await lagging(pools, clock) == Lag("sales", 8, 0.0, None)


async def test_a_failure_that_has_passed_is_forgotten(pools: Database, clock: VirtualClock) -> None:
    """A consumer that failed while the database was away is well again at its next look, though no fact comes."""
    async with pools.transaction() as tx:
        await ensure(tx, SALES)
        await tx.execute("UPDATE platform.subscription SET failing_since = $1, failure = 'away'", clock.now())
    assert (await lagging(pools, clock)).failure == "away"
    async with pools.transaction() as tx:
        assert await step(tx, SALES, clock) == 0
    assert (await lagging(pools, clock)).failure is None


async def test_too_much_at_once_gets_through(pools: Database, facts: Facts, clock: VirtualClock) -> None:
    """A handler that cannot do its many facts within the limit of a transaction gets fewer, says so, and gets done."""
    sizes: list[int] = []

    async def handle(tx: Connection, facts: Sequence[Fact]) -> None:
        sizes.append(len(facts))
        await tx.execute("SELECT pg_sleep($1)", 10 if len(facts) > 100 else 0)
        await write(tx, facts)

    async with pools.transaction() as tx:
        for number in range(150):
            await facts.append(tx, [Sold(number)], clock.now())
    async with following(run(pools, Subscription("sales", (Sold.kind,), handle), clock)):
        await until(lambda: bool(sizes), pools=pools)
        await until(pools=pools, count=150)
    assert await effects(pools) == list(range(150))
    assert sizes == [150, 100, 50]


async def test_joint_consumers_share_a_transaction(pools: Database, facts: Facts, clock: VirtualClock) -> None:
    """One look hands what it read to all joint consumers in one transaction, and their places move with it; however
    much it is, each hears each fact once and in order, also where it had gone on by itself before."""
    joint = [Subscription(name, (Sold.kind,), write, joint=True) for name in ("sales", "figures")]
    watch = Watch(pools, joint, clock)
    await watch.look()
    await sell(pools, facts, clock, 0)
    assert await watch.look() == 1
    assert [await once(pools, one, clock) for one in joint] == [1, 1]  # who is new begins by itself
    await sell(pools, facts, clock, 1)
    assert await watch.look() == 1
    async with pools.read() as connection:
        shared = await connection.fetch("SELECT DISTINCT xmin::text FROM test.effect WHERE number = 1")
        places = await connection.fetch("SELECT DISTINCT epoch, xid::text, sequence FROM platform.subscription")
    assert (len(shared), len(places)) == (1, 1)
    await sell(pools, facts, clock, *range(2, LOOK_LIMIT + 9))
    assert await once(pools, joint[0], clock) == LOOK_LIMIT + 7
    assert [await watch.look() for _ in range(3)] == [LOOK_LIMIT, 7, 0]
    assert await effects(pools) == [0, 0, 1, 1, *list(range(2, LOOK_LIMIT + 9)) * 2]
    assert (await lagging(pools, clock)).handled == LOOK_LIMIT + 9


async def test_a_joint_consumer_that_fails_stops_no_other(pools: Database, facts: Facts, clock: VirtualClock) -> None:
    """Where one of the joint consumers raises, none of its or the others' work is kept; each then does it alone, the
    failing one notes it and stays apart, and once it can, it hears all it missed."""
    broken = asyncio.Event()

    async def handle(tx: Connection, facts: Sequence[Fact]) -> None:
        await write(tx, facts)
        if not broken.is_set():
            raise OSError("no such stall")

    joint = [SALES_JOINT, Subscription("stalls", (Sold.kind,), handle, joint=True)]
    watch = Watch(pools, joint, clock)
    followers = [asyncio.create_task(follow(pools, one, clock, watch=watch, failure_seconds=0.02)) for one in joint]
    async with following(*followers, asyncio.create_task(watch.run())):
        await sell(pools, facts, clock, 1, 2)
        await until(pools=pools, count=2)
        await sell(pools, facts, clock, 3)
        await until(pools=pools, count=3)
        assert await effects(pools) == [1, 2, 3]
        broken.set()
        await until(pools=pools, count=6)
        await sell(pools, facts, clock, 4)
        await until(pools=pools, count=8)
    assert sorted(await effects(pools)) == [1, 1, 2, 2, 3, 3, 4, 4]
    assert await lagging(pools, clock) == Lag("sales", 4, 0.0, None)


async def test_lag_is_the_age_of_the_oldest(pools: Database, facts: Facts, clock: VirtualClock) -> None:
    """Lag counts from the oldest fact of its kinds not yet handled, and is none when all is done or never ran."""
    assert await lagging(pools, clock) == Lag("sales", 0, 0.0, "it has never run")
    await sell(pools, facts, clock, 1)
    await once(pools, SALES, clock)
    clock.advance(timedelta(seconds=60))
    assert await lagging(pools, clock) == Lag("sales", 1, 0.0, None)
    await sell(pools, facts, clock, 2)
    clock.advance(timedelta(seconds=7))
    await sell(pools, facts, clock, 3)
    assert await lagging(pools, clock) == Lag("sales", 1, 7.0, None)
    await once(pools, SALES, clock)
    assert await lagging(pools, clock) == Lag("sales", 3, 0.0, None)


async def stand(pools: Database) -> Cursor:
    async with pools.read() as connection:
        row = await connection.fetchrow("SELECT epoch, xid::text::bigint, sequence FROM platform.subscription")
        assert row is not None
        return Cursor(*row)


async def test_quiet_consumers_move_on(pools: Database, facts: Facts, clock: VirtualClock, fresh_database: str) -> None:
    """A consumer that hears nothing for long moves its cursor on, so that it does not search the same facts for ever,
    yet never past a transaction that still runs."""
    late = await asyncpg.connect(fresh_database)
    await once(pools, SALES, clock)
    async with late.transaction():
        await facts.append(late, [Sold(1)], clock.now())
        async with pools.committing() as connection:
            for _ in range(SKIP_TRANSACTIONS + 1):
                await connection.execute("SELECT pg_current_xact_id()")
        assert await once(pools, SALES, clock) == 0
        held = await stand(pools)
    assert await once(pools, SALES, clock) == 1
    async with pools.committing() as connection:
        for _ in range(SKIP_TRANSACTIONS + 1):
            await connection.execute("SELECT pg_current_xact_id()")
    assert await once(pools, SALES, clock) == 0
    assert (await stand(pools)).xid > held.xid + SKIP_TRANSACTIONS
    await sell(pools, facts, clock, 2)
    assert await once(pools, SALES, clock) == 1
    assert await effects(pools) == [1, 2]
    await late.close()


async def test_handlers_may_append(pools: Database, facts: Facts, clock: VirtualClock) -> None:
    """A handler's own facts are heard after its commit, by itself too."""

    async def handle(tx: Connection, heard: Sequence[Fact]) -> None:
        await write(tx, heard)
        next_ones = [Sold(thing.number - 1) for fact in heard for thing in fact.read(Sold) if thing.number]
        await facts.append(tx, next_ones, clock.now())

    await sell(pools, facts, clock, 3)
    countdown = Subscription("countdown", (Sold.kind,), handle)
    assert [await once(pools, countdown, clock) for _ in range(5)] == [1, 1, 1, 1, 0]
    assert await effects(pools) == [3, 2, 1, 0]
