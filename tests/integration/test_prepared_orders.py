"""Orders that were prepared and orders that are priced anew, side by side in the database."""

from collections.abc import AsyncGenerator
from uuid import UUID

import msgspec
import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.orders.contract import TRANSFER, PaymentInput, SessionKind
from nightmarket.orders.errors import NotReady, PriceChanged
from nightmarket.platform.database import Database
from tests.twins import Shop, listing, wanted

LAMP = listing("LAMP", price=2222)
TEA = listing("TEA", merchant="teas", price=990)
BY_TRANSFER = PaymentInput(TRANSFER)


@pytest.fixture
async def shop(fresh_database: str, clock: VirtualClock, ids: SeededIds) -> AsyncGenerator[Shop]:
    database = await Database.open(fresh_database)
    shop = Shop(database, clock, ids, [LAMP, TEA])
    await shop.stock([(LAMP, 10), (TEA, 10)])
    yield shop
    await database.close()


async def forget(shop: Shop, session: UUID) -> None:
    async with shop.database.transaction() as tx:
        await tx.execute("UPDATE orders.session SET prepared = NULL WHERE id = $1", session)


async def is_prepared(shop: Shop, session: UUID) -> bool:
    async with shop.database.read() as connection:
        query = "SELECT prepared IS NOT NULL FROM orders.session WHERE id = $1"
        return bool(await connection.fetchval(query, session))


async def stored(shop: Shop, order: UUID) -> list[object]:
    """All that is written of an order, its own id and its posting's left out."""

    def plain(value: object) -> object:
        if isinstance(value, bytes):
            return value.replace(order.bytes, b"")
        if isinstance(value, list):
            return [plain(one) for one in value]
        return None if value == order else value

    queries = (
        "SELECT * FROM orders.order WHERE id = $1 ORDER BY merchant",
        "SELECT * FROM tally.claim WHERE id = $1",
        "SELECT about, kind, currency, at, accounts, parties, amounts FROM payments.posting WHERE about = $1",
        "SELECT owner, kind, state, attempt, version, body, expires_at, prepared FROM orders.session WHERE id = $1",
    )
    async with shop.database.read() as connection:
        found = [[plain(value) for value in row] for query in queries for row in await connection.fetch(query, order)]
        facts = await connection.fetch(
            "SELECT kind, amount, payload FROM platform.fact WHERE position($1::bytea IN payload) > 0 ORDER BY kind",
            order.bytes,
        )
    return [*found, *([plain(value) for value in row] for row in facts)]


@pytest.mark.parametrize("mark", [b"", b"m" * 24])
async def test_the_same_to_the_byte(shop: Shop, mark: bytes) -> None:
    """Of a session that was prepared the same rows, claim, posting and fact come as of one that was not."""
    desk, owner = shop.desk(), shop.ids.new()
    first, second = [
        await desk.create(owner, SessionKind.CHECKOUT, key, wanted((LAMP, 2), (TEA, 1))) for key in ("one", "two")
    ]
    await forget(shop, second.id)
    assert [await is_prepared(shop, one.id) for one in (first, second)] == [True, False]
    done = [await desk.complete(owner, one.id, BY_TRANSFER, mark=mark) for one in (first, second)]
    rows = [[msgspec.structs.replace(row, id=owner) for row in one.order.rows] for one in done]
    assert rows[0] == rows[1]
    both = [await stored(shop, one.id) for one in (first, second)]
    assert len(both[0]) == 6, "two rows, a claim, a posting, the session and a fact"
    assert both[0] == both[1]
    assert not await is_prepared(shop, first.id)
    assert await desk.audit() == []


async def test_what_changes_meanwhile(shop: Shop) -> None:
    """A price that changed since is noticed: a cheaper one is given, a dearer one asked about; so is what is not sold
    any more. What is asked about can be completed then."""
    desk, owner = shop.desk(), shop.ids.new()
    made = [await desk.create(owner, SessionKind.CHECKOUT, key, wanted((LAMP, 1))) for key in ("one", "two", "three")]
    assert all([await is_prepared(shop, one.id) for one in made])
    shop.catalog.put(msgspec.structs.replace(LAMP, prices={"EUR": 2000}))
    assert (await desk.complete(owner, made[0].id, BY_TRANSFER)).order.total == 2000 + 490
    shop.catalog.put(msgspec.structs.replace(LAMP, prices={"EUR": 3000}))
    with pytest.raises(PriceChanged):
        await desk.complete(owner, made[1].id, BY_TRANSFER)
    assert (await desk.complete(owner, made[1].id, BY_TRANSFER)).order.total == 3000 + 490
    shop.catalog.put(msgspec.structs.replace(LAMP, for_sale=False))
    with pytest.raises(NotReady):
        await desk.complete(owner, made[2].id, BY_TRANSFER)
    shop.catalog.put(LAMP)
    assert (await desk.complete(owner, made[2].id, BY_TRANSFER)).order.total == 2222 + 490
    assert await desk.audit() == []
