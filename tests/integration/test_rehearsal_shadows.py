"""A rehearsal's orders are marked: they stand in no list, figure or ranking, and reach nobody outside."""

import dataclasses
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import msgspec
import pytest

from nightmarket.bootstrap import chores, consumers
from nightmarket.bootstrap import rehearsed as house_of
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds, decode
from nightmarket.orders.contract import BoardFilter, OrderBooks, OrderRow, OrderState, PaymentInput
from nightmarket.orders.errors import RealOutlet, SessionNotFound
from nightmarket.platform.access import SYSTEM, IssuedKey, NewKey, Scope, is_shadow, shadow_owner
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.subscriptions import ensure, step
from nightmarket.rehearsal.errors import NotRehearsed
from nightmarket.rehearsal.handlers.aftermath import close_run, take_back
from nightmarket.rehearsal.handlers.house import check_apart
from nightmarket.rehearsal.policies import KEPT_APART
from tests import placing, twins
from tests.open_shop import Opened, opened

pytestmark = pytest.mark.engine


@dataclass
class Rehearsed:
    """A shop in which a shadow and a real order were placed, and every consumer has heard of both."""

    opened: Opened
    key: IssuedKey
    real: UUID
    shadow: UUID

    async def count(self, query: str) -> int:
        async with self.opened.shop.database.read() as connection:
            return int(await connection.fetchval(query) or 0)


@pytest.fixture
async def rehearsed(fresh_database: str, tmp_path: Path) -> AsyncGenerator[Rehearsed]:
    async with opened(fresh_database, tmp_path) as house:
        wanted = NewKey("a rehearsal", frozenset({Scope.CHECKOUT, Scope.REHEARSAL}))
        (key,) = await house.shop.access.keys.issue(SYSTEM, [wanted])
        headers = {"Authorization": f"Bearer {key.token}", "X-Rehearsal-Shopper": "12"}
        shadow = await buy(house.client, house.items["LAMP"], headers)
        real = await buy(house.client, house.items["LAMP"], {})
        await hear(house)
        yield Rehearsed(house, key, real, shadow)


async def buy(client: httpx.AsyncClient, item: str, more: Mapping[str, str]) -> UUID:
    """One of the item, paid by the test card."""
    headers = {**placing.headers(), **more}
    wanted = placing.basket([item])
    made = await client.post(placing.SESSIONS, json=wanted, headers=headers)
    assert made.status_code == 201, made.text
    path = f"{placing.SESSIONS}/{made.json()['id']}"
    await client.put(path, json=placing.delivered(wanted, made.json()), headers=headers)
    done = await client.post(f"{path}/complete", json=placing.payment(), headers=headers)
    assert done.json()["status"] == "completed", done.text
    return decode("ord", done.json()["order"]["id"])


async def hear(house: Opened) -> None:
    """Let every consumer hear all facts there are."""
    for consumer in consumers(house.shop):
        while True:
            async with house.shop.database.transaction() as tx:
                await ensure(tx, consumer)
                if not await step(tx, consumer, house.shop.clock):
                    break
    for chore in chores(house.shop):
        while await house.shop.aside.step(chore):
            """Until nothing is left that was set aside."""


async def test_the_mark_is_the_owner(rehearsed: Rehearsed) -> None:
    """What a rehearsal's key orders belongs to a shadow, whatever else is sent; what others order never does."""
    shop = rehearsed.opened.shop
    assert is_shadow((await shop.orders.order(None, rehearsed.shadow)).rows[0].owner)
    assert not is_shadow((await shop.orders.order(None, rehearsed.real)).rows[0].owner)


async def test_a_shadow_stands_in_no_list_and_no_figure(rehearsed: Rehearsed) -> None:
    """Boards, figures, courses and merchants' parts count the real order alone; one board shows shadows apart."""
    shop, books = rehearsed.opened.shop, rehearsed.opened.shop.order_books
    since = shop.clock.now() - timedelta(hours=1)
    async with shop.database.transaction() as tx:
        board = await books.board(tx, BoardFilter())
        shadows = await books.board(tx, BoardFilter(shadows=True))
        figures = await books.figures(tx, since)
        course = await books.course(tx, since, 60)
        merchants = await books.by_merchant(tx, since, 10)
        parts = await books.parts(tx, merchants[0].merchant, since, 10)
    assert [one.id for one in board] == [rehearsed.real]
    assert [one.id for one in shadows] == [rehearsed.shadow]
    assert [(one.state, one.orders) for one in figures] == [(OrderState.PAID, 1)]
    assert sum(point.orders for point in course) == 1
    assert [one.orders for one in merchants] == [1]
    assert [row.id for row in parts] == [rehearsed.real]


async def test_a_shadow_reaches_nobody_and_is_not_popular(rehearsed: Rehearsed) -> None:
    """One mail and one unit sold, those of the real order; no webhook of a shadow."""
    assert await rehearsed.count("SELECT count(*) FROM platform.message WHERE key LIKE 'order-%'") == 1
    assert await rehearsed.count("SELECT sum(units) FROM discovery.sale") == 1
    shadow = rehearsed.shadow.hex
    assert await rehearsed.count(f"SELECT count(*) FROM platform.webhook_delivery WHERE about = '{shadow}'::uuid") == 0


async def test_a_shadow_is_never_paid_with_real_money(fresh_database: str, clock: VirtualClock) -> None:
    """Where a handler is not known to be a test's, the order is refused before anything is looked up or claimed."""
    database = await Database.open(fresh_database)
    desk = twins.Shop(database, clock, SeededIds(clock, 1), []).desk()
    with pytest.raises(RealOutlet):
        await desk.complete(shadow_owner(UUID(int=7), "12"), UUID(int=1), PaymentInput("test", "success_token"))
    with pytest.raises(SessionNotFound):
        await desk.complete(UUID(int=7), UUID(int=1), PaymentInput("test", "success_token"))
    await desk.close()
    await database.close()


async def test_every_consumer_is_known_to_keep_shadows_inside(rehearsed: Rehearsed) -> None:
    """Whoever adds one looks at it, names it in policies.py, and here; else no rehearsal is played."""
    assert {one.name for one in consumers(rehearsed.opened.shop)} == set(KEPT_APART)
    house = house_of(rehearsed.opened.shop)
    await check_apart(house)
    async with house.database.transaction() as tx:
        await tx.execute("INSERT INTO platform.subscription (name) VALUES ('a-warehouse')")
    with pytest.raises(NotRehearsed, match="a-warehouse"):
        await check_apart(house)
    with pytest.raises(NotRehearsed, match="test provider"):
        await check_apart(dataclasses.replace(house, handlers=frozenset({"a-bank"})))


@dataclass
class Behind:
    """Books that say of every order that it waits for its money, as they stood a moment ago."""

    books: OrderBooks

    async def rehearsed(
        self, connection: Connection, client: UUID, since: datetime, after: UUID, limit: int
    ) -> list[OrderRow]:
        rows = await self.books.rehearsed(connection, client, since, after, limit)
        return [msgspec.structs.replace(row, state=OrderState.PENDING) for row in rows]


async def test_an_order_that_ends_by_itself_is_no_obstacle(rehearsed: Rehearsed) -> None:
    """Where an order was declined between the look and its turn to be taken back, the others still are."""
    shop, house = rehearsed.opened.shop, house_of(rehearsed.opened.shop)
    headers = {"Authorization": f"Bearer {rehearsed.key.token}", "X-Rehearsal-Shopper": "13", **placing.headers()}
    wanted = placing.basket([rehearsed.opened.items["LAMP"]])
    made = await rehearsed.opened.client.post(placing.SESSIONS, json=wanted, headers=headers)
    path = f"{placing.SESSIONS}/{made.json()['id']}"
    await rehearsed.opened.client.put(path, json=placing.delivered(wanted, made.json()), headers=headers)
    await rehearsed.opened.client.post(f"{path}/complete", json=placing.payment("fail_token"), headers=headers)
    declined = decode("chk", made.json()["id"])
    assert (await shop.orders.order(None, declined)).state is OrderState.DECLINED
    behind = dataclasses.replace(house, books=Behind(house.books))  # pyright: ignore[reportArgumentType]
    await take_back(behind, rehearsed.key.key.id, shop.clock.now() - timedelta(hours=1))
    assert (await shop.orders.order(None, rehearsed.shadow)).state is OrderState.CANCELLED
    assert (await shop.orders.order(None, declined)).state is OrderState.DECLINED


async def test_what_was_ordered_is_taken_back(rehearsed: Rehearsed) -> None:
    """Shadows alone are cancelled, once however often; their units are free again, the key is gone, the audit clean."""
    shop, house = rehearsed.opened.shop, house_of(rehearsed.opened.shop)
    since = shop.clock.now() - timedelta(hours=1)
    assert await take_back(house, rehearsed.key.key.id, since) == 1
    assert await take_back(house, rehearsed.key.key.id, since) == 0
    assert (await shop.orders.order(None, rehearsed.shadow)).state is OrderState.CANCELLED
    assert (await shop.orders.order(None, rehearsed.real)).state is OrderState.PAID
    variant = decode("var", rehearsed.opened.items["LAMP"])
    listing = (await shop.catalog.listings([variant]))[variant]
    async with shop.database.read() as connection:
        level = (await shop.tallies.levels(connection, [listing.stock[0].tally]))[listing.stock[0].tally]
    assert level.available == 9
    await close_run(house, UUID(int=1), rehearsed.key.key.id, "go")
    again = await rehearsed.opened.client.get(
        f"{placing.SESSIONS}/chk_{'0' * 26}", headers={"Authorization": f"Bearer {rehearsed.key.token}"}
    )
    assert again.status_code == 401
    assert [finding async for check in shop.audit.run() for finding in check.findings] == []
