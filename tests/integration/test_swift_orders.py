"""Orders that lock nothing until they are written, and what becomes of those that cannot go that way."""

import asyncio
import re
from collections.abc import AsyncGenerator
from uuid import UUID

import psycopg
import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.orders.contract import TRANSFER, Completion, PaymentInput, SessionKind, SessionState
from nightmarket.orders.errors import OutOfStock, SessionClosed, SessionNotFound
from nightmarket.orders.handlers import OrderDesk
from nightmarket.orders.points import Point
from nightmarket.orders.store.sessions import PLACE_SEEN
from nightmarket.platform.database import Database
from nightmarket.platform.pipeline import in_order
from nightmarket.tally.contract import Adjustment
from nightmarket.tally.handlers import SlicedTallies
from nightmarket.tally.store import TAKE
from tests.twins import Shop, listing, wanted

LAMP = listing("LAMP", price=2222)
TEA = listing("TEA", merchant="teas", price=990)
BY_TRANSFER = PaymentInput(TRANSFER)


@pytest.fixture
async def shop(fresh_database: str, clock: VirtualClock, ids: SeededIds) -> AsyncGenerator[Shop]:
    database = await Database.open(fresh_database)
    shop = Shop(database, clock, ids, [LAMP, TEA])
    await shop.stock([(LAMP, 1_000), (TEA, 1_000)])
    yield shop
    await database.close()


async def made(shop: Shop, desk: OrderDesk, owner: UUID, *wishes: object) -> UUID:
    view = await desk.create(owner, SessionKind.CHECKOUT, str(shop.ids.new()), wanted(*(wishes or ((LAMP, 1),))))  # pyright: ignore[reportArgumentType]
    return view.id


def ways(desk: OrderDesk) -> tuple[int, int]:
    """How many orders were asked for swiftly, and how many by locks."""
    return desk.completions.swift.lane.items, desk.claims.lane.items


async def left(shop: Shop) -> int:
    async with shop.database.read() as connection:
        levels = await shop.tallies.levels(connection, [stock.tally for stock in LAMP.stock])
    return sum(level.available for level in levels.values())


async def take_away(shop: Shop, units: int) -> None:
    """Elsewhere, so that nobody here has seen it."""
    elsewhere = SlicedTallies(shop.facts, shop.ids)
    async with shop.database.transaction() as tx:
        adjustment = Adjustment(shop.ids.new(), LAMP.stock[0].tally, -units, "lost")
        assert all((await elsewhere.adjust(tx, [adjustment], shop.clock.now())).values())


async def facts(shop: Shop, kind: str) -> int:
    async with shop.database.read() as connection:
        return await connection.fetchval("SELECT count(*) FROM platform.fact WHERE kind = $1", kind)


async def test_plenty_is_taken_without_a_lock(shop: Shop) -> None:
    """Orders of goods of which there is plenty go swiftly, all of them; a repeat is answered by the order."""
    desk, owner = shop.desk(), shop.ids.new()
    sessions = [await made(shop, desk, owner, (LAMP, 2), (TEA, 1)) for _ in range(12)]
    done = await asyncio.gather(*(desk.complete(owner, id, BY_TRANSFER, mark=b"m" * 24) for id in sessions))
    assert ways(desk) == (12, 0)
    assert await left(shop) == 1_000 - 24
    again = await desk.complete(owner, sessions[0], BY_TRANSFER, mark=b"m" * 24)
    assert again.order == done[0].order
    assert ways(desk) == (13, 1)
    assert await desk.audit() == []


async def test_twins_and_strangers_in_one_batch(shop: Shop) -> None:
    """One order comes of a session, whoever asks beside its owner, and in whichever order."""
    desk, owner, other = shop.desk(), shop.ids.new(), shop.ids.new()
    session = await made(shop, desk, owner)
    asked = [other, owner, owner, other]
    done = await asyncio.gather(
        *(desk.complete(who, session, BY_TRANSFER, mark=b"m" * 24) for who in asked), return_exceptions=True
    )
    assert [type(one) for one in done] == [SessionNotFound, Completion, Completion, SessionNotFound]
    placed = [one for one in done if isinstance(one, Completion)]
    assert placed[0].order == placed[1].order
    assert await left(shop) == 999
    assert await desk.audit() == []


async def test_the_last_is_never_taken_swiftly(shop: Shop) -> None:
    """Who believes in goods that are gone meanwhile asks again with locks: the last unit is sold and told of, and of
    what is not there nothing is."""
    desk, owner = shop.desk(), shop.ids.new()
    await desk.complete(owner, await made(shop, desk, owner), BY_TRANSFER)
    await take_away(shop, 998)
    assert await left(shop) == 1
    last, none = [await made(shop, desk, owner) for _ in range(2)]
    await desk.complete(owner, last, BY_TRANSFER)
    assert await facts(shop, "tally.emptied") == 1
    with pytest.raises(OutOfStock):
        await desk.complete(owner, none, BY_TRANSFER)
    assert await left(shop) == 0
    assert desk.completions.swift.lane.retries == 1, "after the first miss it looks before it believes"
    assert await desk.audit() == []


async def test_a_share_is_not_the_whole(shop: Shop) -> None:
    """However many ask at once, what is sold is what was there; beyond a process's share they ask with locks."""
    await take_away(shop, 960)
    desk, owner = shop.desk(), shop.ids.new()
    sessions = [await made(shop, desk, owner) for _ in range(60)]
    done = await asyncio.gather(*(desk.complete(owner, id, BY_TRANSFER) for id in sessions), return_exceptions=True)
    assert sum(isinstance(one, Completion) for one in done) == 40
    assert sum(isinstance(one, OutOfStock) for one in done) == 20
    assert [isinstance(one, Completion) for one in done] == [True] * 40 + [False] * 20
    assert await left(shop) == 0
    assert await desk.audit() == []


@pytest.mark.parametrize("query", [TAKE, PLACE_SEEN])
async def test_rows_are_locked_in_the_order_that_is_asked_for(shop: Shop, query: str) -> None:
    """By the index or where they lie, also where the planner would rather read the whole table, in whichever order that
    is."""
    ids, tables = [shop.ids.new() for _ in range(200)], ("tally.slice", "orders.session")
    seen = (ids, 4, shop.clock.now(), [3] * 200, [(0, 1)] * 200)
    values = {TAKE: (ids, [0] * 200, [1] * 200, 200), PLACE_SEEN: seen}[query]
    async with shop.database.transaction() as tx:
        for table in tables:
            await tx.execute(f"ANALYZE {table}")
        chosen = "\n".join(row[0] for row in await tx.fetch(f"EXPLAIN {query}", *values))
        await in_order(tx)
        plan = "\n".join(row[0] for row in await tx.fetch(f"EXPLAIN {query}", *values))
    assert "Seq Scan" in chosen, "else this proves nothing"
    assert re.search(r"Nested Loop(.*\n)*.*(Index Scan using \w+_pkey|Tid Scan)", plan), plan
    assert "Seq Scan" not in plan


class Meddler:
    """Changes a session by another connection between the moment it is read and the moment it is written."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.sql = ""

    def reach(self, point: Point) -> None:
        if point is Point.CLAIM_WRITTEN and self.sql:
            sql, self.sql = self.sql, ""
            with psycopg.connect(self._url, autocommit=True) as connection:
                connection.execute(sql)  # pyright: ignore[reportArgumentType, reportCallIssue]


async def test_a_session_that_changes_meanwhile(shop: Shop, fresh_database: str) -> None:
    """An order is only made of the session that was read: one that was closed meanwhile stays closed, one that was
    changed is ordered as it is now, and the others of the batch are placed."""
    meddler, owner = Meddler(fresh_database), shop.ids.new()
    desk = shop.desk(faults=meddler)
    closed, changed, beside = [await made(shop, desk, owner) for _ in range(3)]
    meddler.sql = f"""
        UPDATE orders.session SET state = {int(SessionState.CANCELLED)} WHERE id = '{closed}';
        UPDATE orders.session SET version = version + 1 WHERE id = '{changed}'
    """
    done = await asyncio.gather(
        *(desk.complete(owner, id, BY_TRANSFER) for id in (closed, changed, beside)), return_exceptions=True
    )
    assert isinstance(done[0], SessionClosed)
    assert [isinstance(one, Completion) for one in done[1:]] == [True, True]
    assert await left(shop) == 998
    assert ways(desk) == (0, 3)
    assert await desk.audit() == []


async def test_two_processes_do_not_wait_for_ever(shop: Shop) -> None:
    """Two processes that take the same goods in opposite order of arrival meet in the same order of locks: none is
    given up, none tried again."""
    owner = shop.ids.new()
    goods = [listing(f"THING-{number}") for number in range(40)]
    shops = [Shop(shop.database, shop.clock, shop.ids, goods) for _ in range(2)]
    await shop.stock([(one, 100_000) for one in goods])
    desks = [one.desk() for one in shops]
    for _ in range(4):
        sessions: list[list[UUID]] = []
        for desk, order in zip(desks, (goods, goods[::-1]), strict=True):
            sessions.append([await made(shop, desk, owner, (one, 1)) for one in order])
        await asyncio.gather(
            *(desk.complete(owner, id, BY_TRANSFER) for desk, ids in zip(desks, sessions, strict=True) for id in ids)
        )
    assert [desk.completions.swift.lane.retries for desk in desks] == [0, 0]
    assert [ways(desk) for desk in desks] == [(160, 0), (160, 0)]
    assert await desks[0].audit() == []
