"""Work set aside: done once, in the transaction that takes it away, and not lost where it fails."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta

import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.platform.aside import Aside, Chore, waiting
from nightmarket.platform.database import Connection, Database

pytestmark = pytest.mark.engine


@pytest.fixture
async def pools(fresh_database: str) -> AsyncGenerator[Database]:
    opened = await Database.open(fresh_database, committers=4)
    yield opened
    await opened.close()


@pytest.fixture
def aside(pools: Database, clock: VirtualClock, ids: SeededIds) -> Aside:
    return Aside(pools, clock, ids)


async def put(pools: Database, aside: Aside, topic: str, *pieces: tuple[int, bytes]) -> None:
    async with pools.transaction() as tx:
        await aside.put(tx, topic, pieces)


async def left(pools: Database) -> dict[str, int]:
    async with pools.read() as connection:
        return {one.topic: one.things for one in await waiting(connection)}


async def test_the_oldest_is_done_first_and_together(pools: Database, aside: Aside, clock: VirtualClock) -> None:
    """A step takes as many pieces as the chore says, by the milliseconds in which they came, of its own topic only."""
    done: list[Sequence[bytes]] = []

    async def do(_: Connection, pieces: Sequence[bytes]) -> None:
        done.append(pieces)

    for piece in ((2, b"a"), (3, b"b"), (4, b"c")):
        await put(pools, aside, "mails", piece)
        clock.advance(timedelta(milliseconds=1))
    await put(pools, aside, "counts", (5, b"other"))
    chore = Chore("mails", do, at_once=2)
    assert [await aside.step(chore) for _ in range(3)] == [5, 4, 0]
    assert done == [[b"a", b"b"], [b"c"]]
    assert await left(pools) == {"counts": 5}


async def test_what_fails_stays(pools: Database, aside: Aside) -> None:
    """A chore that raises has no effect, and its piece is there for the next step."""

    async def fail(tx: Connection, _: Sequence[bytes]) -> None:
        await tx.execute("INSERT INTO platform.epoch (epoch) VALUES (7)")
        raise LookupError("not today")

    await put(pools, aside, "mails", (1, b"a"))
    with pytest.raises(LookupError):
        await aside.step(Chore("mails", fail))
    assert await left(pools) == {"mails": 1}
    async with pools.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM platform.epoch") == 1


@pytest.mark.parametrize("at_once", [1, 3])
async def test_what_always_fails_holds_nobody_up(
    pools: Database, aside: Aside, clock: VirtualClock, at_once: int
) -> None:
    """Behind a piece that nobody can do, the others are done; it stays, to be seen and mended."""
    done: list[bytes] = []

    async def do(_: Connection, pieces: Sequence[bytes]) -> None:
        if b"poison" in pieces:
            raise LookupError("nobody can do this")
        done.extend(pieces)

    for piece in (b"poison", b"a", b"b", b"c", b"d", b"e", b"f"):
        await put(pools, aside, "mails", (1, piece))
        clock.advance(timedelta(milliseconds=1))
    failures = 0
    for _ in range(20):
        clock.advance(timedelta(milliseconds=1))
        try:
            await aside.step(Chore("mails", do, at_once))
        except LookupError:
            failures += 1
    assert sorted(done) == [b"a", b"b", b"c", b"d", b"e", b"f"]
    assert failures
    assert await left(pools) == {"mails": 1}


async def test_it_is_set_aside_exactly_if_the_consumer_moved(pools: Database, aside: Aside) -> None:
    """A transaction that is rolled back sets nothing aside."""

    async def consume() -> None:
        async with pools.transaction() as tx:
            await aside.put(tx, "mails", [(1, b"a")])
            raise LookupError("the consumer failed")

    with pytest.raises(LookupError):
        await consume()
    assert await left(pools) == {}


async def test_two_processes_never_do_one_piece_twice(pools: Database, aside: Aside) -> None:
    """Steps that run side by side share the pieces out."""
    done: list[bytes] = []

    async def do(_: Connection, pieces: Sequence[bytes]) -> None:
        await asyncio.sleep(0.01)
        done.extend(pieces)

    await put(pools, aside, "mails", *((1, b"%d" % number) for number in range(40)))

    async def work() -> None:
        while await aside.step(Chore("mails", do)):
            pass

    await asyncio.gather(*(work() for _ in range(4)))
    assert sorted(done) == sorted(b"%d" % number for number in range(40))
