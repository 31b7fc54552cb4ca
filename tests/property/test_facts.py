"""Readers of facts against transactions that interleave at random, on the real engine."""

import asyncio
from collections.abc import Iterator
from typing import Any, ClassVar

import asyncpg
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.platform.facts import Cursor, Facts, head, read
from tests.conftest import FESTIVAL_EVE

pytestmark = pytest.mark.engine

WRITERS = 3


class Sold(msgspec.Struct, frozen=True):
    kind: ClassVar[str] = "test.sold"
    number: int


class Bench:
    """A loop, connections that write, and one that reads."""

    def __init__(self, runner: asyncio.Runner, url: str) -> None:
        self.runner = runner
        connections = [runner.run(asyncpg.connect(url)) for _ in range(WRITERS + 1)]
        self.writers = connections[:-1]
        self.reader = connections[-1]
        self.facts = Facts(SeededIds(VirtualClock(FESTIVAL_EVE), 3))
        self.numbers = 0


@pytest.fixture
def bench(database: str) -> Iterator[Bench]:
    with asyncio.Runner() as runner:
        made = Bench(runner, database)
        yield made
        for connection in [*made.writers, made.reader]:
            runner.run(connection.close())


steps = st.lists(
    st.tuples(st.integers(0, WRITERS - 1), st.sampled_from(["append", "append", "xid", "commit", "abort"]))
    | st.tuples(st.integers(1, 4), st.just("read")),
    max_size=40,
)


async def walk(bench: Bench, plan: list[tuple[int, str]]) -> None:
    running: dict[int, Any] = {}
    pending: dict[int, list[int]] = {}
    committed: list[int] = []
    heard: list[tuple[Cursor, int]] = []
    cursor = await head(bench.reader)

    async def hear(limit: int) -> int:
        nonlocal cursor
        facts = await read(bench.reader, cursor, [Sold.kind], limit)
        heard.extend((fact.cursor, thing.number) for fact in facts for thing in fact.read(Sold))
        cursor = facts[-1].cursor if facts else cursor
        assert {number for _, number in heard} <= set(committed)
        return len(facts)

    async def end(writer: int, how: str) -> None:
        if writer in running:
            transaction = running.pop(writer)
            await (transaction.commit() if how == "commit" else transaction.rollback())
            committed.extend(pending.pop(writer) if how == "commit" else [])
            pending.pop(writer, None)

    for who, what in plan:
        if what == "read":
            await hear(who)
            continue
        if what in {"commit", "abort"}:
            await end(who, what)
            continue
        connection = bench.writers[who]
        if who not in running:
            running[who] = connection.transaction()
            await running[who].start()
            pending[who] = []
        if what == "xid":  # takes its place in the order without appending yet
            await connection.execute("SELECT pg_current_xact_id()")
        else:
            bench.numbers += 1
            pending[who].append(bench.numbers)
            await bench.facts.append(connection, [Sold(bench.numbers)], FESTIVAL_EVE)
    for writer in range(WRITERS):
        await end(writer, "commit")
    while await hear(3):
        pass
    assert sorted(number for _, number in heard) == sorted(committed)
    assert [cursor for cursor, _ in heard] == sorted({cursor for cursor, _ in heard})


@given(plan=steps)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_fact_is_heard_once(bench: Bench, plan: list[tuple[int, str]]) -> None:
    """However transactions overlap, end late or are undone, a reader that goes on from its cursor hears each committed
    fact exactly once, in the order of the cursor, and never one that may still be undone."""
    bench.runner.run(walk(bench, plan))
