"""Facts on the real engine: late commits, cursors, partitions, epochs."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID

import asyncpg
import msgspec
import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.kernel.problems import Defect
from nightmarket.platform.database import Connection
from nightmarket.platform.fact_pages import naming
from nightmarket.platform.facts import Cursor, Facts, head, make_partitions, month_bounds, open_epoch, read

pytestmark = pytest.mark.engine


class Sold(msgspec.Struct, frozen=True):
    kind: ClassVar[str] = "test.sold"
    number: int


class Returned(msgspec.Struct, frozen=True):
    kind: ClassVar[str] = "test.returned"
    number: int
    cause: str = ""


@pytest.fixture
async def one(fresh_database: str) -> AsyncGenerator[Connection]:
    connection = await asyncpg.connect(fresh_database)
    yield connection
    await connection.close()


@pytest.fixture
async def other(fresh_database: str) -> AsyncGenerator[Connection]:
    connection = await asyncpg.connect(fresh_database)
    yield connection
    await connection.close()


@pytest.fixture
async def reader(fresh_database: str) -> AsyncGenerator[Connection]:
    connection = await asyncpg.connect(fresh_database, server_settings={"default_transaction_read_only": "on"})
    yield connection
    await connection.close()


@pytest.fixture
def facts(ids: SeededIds) -> Facts:
    return Facts(ids)


async def numbers(reader: Connection, after: Cursor | None = None) -> list[int]:
    return [thing.number for fact in await read(reader, after or Cursor()) for thing in fact.read(Sold)]


async def test_late_commit_is_heard(
    one: Connection, other: Connection, reader: Connection, facts: Facts, clock: VirtualClock
) -> None:
    """A fact appended first and committed last holds back what is behind it, and then comes in its place, once."""
    late = one.transaction()
    await late.start()
    await facts.append(one, [Sold(1)], clock.now())
    await facts.append(other, [Sold(2)], clock.now())
    assert await numbers(reader) == []
    await late.commit()
    assert await numbers(reader) == [1, 2]
    cursor = (await read(reader, Cursor()))[-1].cursor
    assert await numbers(reader, cursor) == []


async def test_reading_stops_below_the_oldest(
    one: Connection, other: Connection, reader: Connection, facts: Facts, clock: VirtualClock
) -> None:
    """What is before the oldest running transaction is read, what is behind it waits, even if that one appends nothing
    and is undone."""
    await facts.append(other, [Sold(1)], clock.now())
    oldest = one.transaction()
    await oldest.start()
    await one.execute("SELECT pg_current_xact_id()")
    await facts.append(other, [Sold(2)], clock.now())
    assert await numbers(reader) == [1]
    await oldest.rollback()
    assert await numbers(reader) == [1, 2]


async def test_undone_facts_are_never_heard(
    one: Connection, reader: Connection, facts: Facts, clock: VirtualClock
) -> None:
    """A transaction that is rolled back leaves no fact, one that goes on after a savepoint leaves what it kept."""
    async with one.transaction():
        await facts.append(one, [Sold(1)], clock.now())
        inner = one.transaction()
        await inner.start()
        await facts.append(one, [Sold(2)], clock.now())
        await inner.rollback()
        await facts.append(one, [Sold(3)], clock.now())
    assert await numbers(reader) == [1, 3]


async def test_cursor_orders_and_pages(
    one: Connection, other: Connection, reader: Connection, facts: Facts, clock: VirtualClock
) -> None:
    """Facts come by transaction and then as they were appended; reading in pages, or one kind only, keeps the order
    and leaves nothing out."""
    for number in range(0, 30, 3):
        async with (one if number % 2 else other).transaction():
            tx = one if number % 2 else other
            await facts.append(tx, [Sold(number), Sold(number + 1)], clock.now())
            await facts.append(tx, [Returned(number)], clock.now())
            await facts.append(tx, [Sold(number + 2)], clock.now())
    whole = await read(reader, Cursor())
    assert [fact.cursor for fact in whole] == sorted({fact.cursor for fact in whole})
    assert [thing.number for fact in whole if fact.kind == Sold.kind for thing in fact.read(Sold)] == list(range(30))
    paged, cursor = [], Cursor()
    while page := await read(reader, cursor, limit=7):
        paged += page
        cursor = page[-1].cursor
    assert paged == whole
    assert await read(reader, Cursor(), [Returned.kind]) == [fact for fact in whole if fact.kind == Returned.kind]
    assert await read(reader, Cursor(), ["test.nothing"]) == []
    assert await read(reader, Cursor(), []) == []


async def test_head_hears_only_what_is_new(
    one: Connection, reader: Connection, facts: Facts, clock: VirtualClock
) -> None:
    """Who starts at the head hears nothing old and everything new."""
    await facts.append(one, [Sold(1)], clock.now())
    start = await head(reader)
    await facts.append(one, [Sold(2)], clock.now())
    assert await numbers(reader, start) == [2]


async def test_rows_say_what_they_hold(one: Connection, reader: Connection, facts: Facts, clock: VirtualClock) -> None:
    """A row tells kind, amount and instant; its payload is read as structs, older and newer ones too, or plainly; no
    things make no row, and things of two kinds make none either."""
    await facts.append(one, [], clock.now())
    with pytest.raises(Defect, match=r"test\.returned"):
        await facts.append(one, [Sold(1), Returned(2)], clock.now())
    await facts.append(one, [Returned(1, "torn"), Returned(2)], clock.now())
    (fact,) = await read(reader, Cursor())
    assert (fact.kind, fact.amount, fact.at) == ("test.returned", 2, clock.now())
    assert fact.read(Returned) == [Returned(1, "torn"), Returned(2)]
    assert fact.read(Sold) == [Sold(1), Sold(2)]
    assert fact.plain() == [{"number": 1, "cause": "torn"}, {"number": 2, "cause": ""}]


class Named(msgspec.Struct, frozen=True):
    """A test's fact that names things by their ids."""

    kind: ClassVar[str] = "test.named"
    thing: UUID
    others: tuple[UUID, ...]
    mark: bytes = b"four"


async def test_ids_are_short_inside_and_text_for_people(
    one: Connection, reader: Connection, facts: Facts, clock: VirtualClock, ids: SeededIds
) -> None:
    """An id takes 18 bytes; whoever reads structs gets ids, people get text; what names a thing is found, also where an
    older release wrote its id as text."""
    named = Named(ids.new(), (ids.new(), ids.new()))
    since = clock.now()
    await facts.append(one, [named], since)
    old = msgspec.msgpack.encode([named])
    await one.execute(
        "INSERT INTO platform.fact (id, at, kind, amount, payload) VALUES ($1, $2, $3, 1, $4)",
        *(ids.new(), since, Named.kind, old),
    )
    found = await read(reader, Cursor())
    assert len(found[0].payload) == len(old) - 3 * 20
    assert [fact.read(Named) for fact in found] == [[named], [named]]
    text = {"thing": str(named.thing), "others": [str(one) for one in named.others]}
    assert [{name: fact.plain()[0][name] for name in text} for fact in found] == [text, text]
    assert await naming(reader, named.others[1], since) == found
    assert await naming(reader, ids.new(), since) == []


async def partitions(connection: Connection) -> list[str]:
    rows = await connection.fetch("SELECT relid::regclass::text FROM pg_partition_tree('platform.fact') WHERE isleaf")
    return sorted(row[0].removeprefix("platform.fact_") for row in rows)


async def homes(connection: Connection) -> list[str]:
    rows = await connection.fetch("SELECT tableoid::regclass::text FROM platform.fact ORDER BY id")
    return [row[0].removeprefix("platform.fact_") for row in rows]


async def test_partitions_are_made_ahead(one: Connection, reader: Connection) -> None:
    """This month's and the next three months' partitions are made, over the turn of the year, once; each fact goes by
    the instant of its id into its month, up to the last millisecond, and the default stays empty."""
    clock = VirtualClock(datetime(2026, 11, 30, 23, 59, 59, 999_000, tzinfo=UTC))
    facts = Facts(SeededIds(clock, 1))
    for _ in range(2):
        async with one.transaction():
            await make_partitions(one, clock.now())
    assert await partitions(one) == ["2026_11", "2026_12", "2027_01", "2027_02", "default"]
    await facts.append(one, [Sold(1)], clock.now())
    clock.advance(timedelta(milliseconds=1))
    await facts.append(one, [Sold(2)], clock.now())
    clock.advance(timedelta(days=89, hours=23))
    await facts.append(one, [Sold(3)], clock.now())
    assert await homes(one) == ["2026_11", "2026_12", "2027_02"]
    assert await numbers(reader) == [1, 2, 3]
    assert await one.fetchval("SELECT count(*) FROM platform.fact_default") == 0


async def test_facts_are_kept_as_they_come(one: Connection, clock: VirtualClock) -> None:
    """No partition compresses what facts list, as the table says: to do so takes longer than to write it."""
    async with one.transaction():
        await make_partitions(one, clock.now())
    kept = await one.fetch(
        """
        SELECT attrelid::regclass::text, attstorage FROM pg_attribute
        WHERE attname = 'payload' AND attrelid IN (SELECT relid FROM pg_partition_tree('platform.fact'))
        """
    )
    assert len(kept) > len(await partitions(one))
    assert {row[1] for row in kept} == {b"e"}


async def test_partitions_take_over_from_the_default(
    one: Connection, reader: Connection, facts: Facts, clock: VirtualClock
) -> None:
    """Facts that came before their month's partition are moved into it, with their cursors, so nothing is heard twice
    and the default is empty again."""
    await facts.append(one, [Sold(1), Sold(2)], clock.now())
    await facts.append(one, [Returned(3)], clock.now())
    before = await read(reader, Cursor())
    assert await homes(one) == ["default"] * 2
    async with one.transaction():
        await make_partitions(one, clock.now())
    assert await homes(one) == ["2026_11"] * 2
    assert await read(reader, Cursor()) == before
    await facts.append(one, [Sold(4)], clock.now())
    assert len(await read(reader, before[-1].cursor)) == 1


async def test_appending_goes_on_while_partitions_are_made(
    one: Connection, other: Connection, facts: Facts, clock: VirtualClock
) -> None:
    """Neither does making partitions wait for a transaction that appended, nor one that appends for the making."""
    async with one.transaction():
        await make_partitions(one, clock.now())
    async with one.transaction():
        await facts.append(one, [Sold(1)], clock.now())
        async with asyncio.timeout(60), other.transaction():
            await make_partitions(other, clock.now() + timedelta(days=60))
            await facts.append(one, [Sold(2)], clock.now())
    assert await homes(one) == ["2026_11"] * 2
    assert "2027_04" in await partitions(one)


async def test_partitions_are_made_once_by_many(one: Connection, other: Connection, clock: VirtualClock) -> None:
    """Two processes that make partitions at once both succeed, and each partition is there once."""

    async def make(connection: Connection) -> None:
        async with connection.transaction():
            await make_partitions(connection, clock.now())
            await asyncio.sleep(0.05)

    await asyncio.gather(make(one), make(other))
    assert await partitions(one) == ["2026_11", "2026_12", "2027_01", "2027_02", "default"]


def test_months_meet() -> None:
    """Each month ends where the next begins, and the bounds are the ids of its first millisecond."""
    for year, month in [(2026, 1), (2026, 11), (2026, 12), (2028, 2)]:
        low, high = month_bounds(year, month)
        assert low < high == month_bounds(year + month // 12, month % 12 + 1)[0]
        first = datetime(year, month, 1, tzinfo=UTC)
        assert low == UUID(int=(int(first.timestamp()) * 1000) << 80)


async def test_new_epoch_sorts_behind(one: Connection, reader: Connection, facts: Facts, clock: VirtualClock) -> None:
    """After a restore into a younger cluster, whose transactions count from lower numbers, readers go on in the new
    epoch behind all they have heard, and hear what of the old one they had not."""
    await facts.append(one, [Sold(1)], clock.now())
    await facts.append(one, [Sold(2)], clock.now())
    await one.execute("UPDATE platform.fact SET xid = (xid::text::bigint + 1000000000)::text::xid8")  # an older cluster
    async with one.transaction():
        assert await open_epoch(one) == 2
    await facts.append(one, [Sold(3)], clock.now())
    assert await numbers(reader) == [1, 2, 3]
    first, second, _ = await read(reader, Cursor())
    assert await numbers(reader, first.cursor) == [2, 3]
    assert await numbers(reader, second.cursor) == [3]
    assert (await head(reader)).epoch == 2
    assert await numbers(reader, await head(reader)) == []


async def test_opening_an_epoch_waits_for_writers(
    one: Connection, other: Connection, reader: Connection, facts: Facts, clock: VirtualClock
) -> None:
    """An epoch opens only when no transaction can still bring a fact of the old one, and those that come while it
    opens belong to the new one; so none is skipped."""

    async def opening() -> int:
        async with other.transaction():
            return await open_epoch(other)

    async with one.transaction():
        await facts.append(one, [Sold(1)], clock.now())
        opened = asyncio.create_task(opening())
        done, _ = await asyncio.wait([opened], timeout=0.2)
        assert not done
        await facts.append(one, [Sold(2)], clock.now())
    assert await opened == 2
    transaction = other.transaction()
    await transaction.start()
    assert await open_epoch(other) == 3
    waiting = asyncio.create_task(facts.append(one, [Sold(3)], clock.now()))
    done, _ = await asyncio.wait([waiting], timeout=0.2)
    assert not done
    await transaction.commit()
    await waiting
    assert [fact.cursor.epoch for fact in await read(reader, Cursor())] == [1, 1, 3]
