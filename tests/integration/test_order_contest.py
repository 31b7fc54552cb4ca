"""Four processes, each with its own desk, contend for the same goods: no oversell, no undersell, no deadlock."""

import asyncio
import random
import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from nightmarket.kernel.clock import SystemClock
from nightmarket.kernel.ids import SystemIds
from nightmarket.orders import store
from nightmarket.orders.contract import SessionKind
from nightmarket.orders.handlers import OrderDesk
from nightmarket.platform.database import Database
from tests.twins import Shop, listing, wanted

pytestmark = pytest.mark.engine

PROGRAM = Path(__file__).parent / "programs" / "ordering_worker.py"
ROOT = Path(__file__).parents[2]
ROUNDS = 200
Pair = tuple[UUID, UUID]


class Contest:
    """Four processes and the desk of this one, which prepares what they fight over."""

    def __init__(self, shop: Shop, processes: list[Process]) -> None:
        self.shop = shop
        self.desk: OrderDesk = shop.desk()
        self._processes = processes

    async def fight(self, pairs: list[list[Pair]], skus: list[str]) -> list[list[str]]:
        """Each process completes its pairs, all at once; returns the outcomes of each."""
        for process, some in zip(self._processes, pairs, strict=True):
            assert process.stdin is not None
            process.stdin.write(msgspec.json.encode({"pairs": some, "skus": skus}) + b"\n")
        answers = await asyncio.gather(*(self._answer(process) for process in self._processes))
        return [answer["outcomes"] for answer in answers]

    async def _answer(self, process: Process) -> dict[str, list[str]]:
        assert process.stdout is not None
        return msgspec.json.decode(await process.stdout.readline())

    async def buyer(self, lines: list[tuple[str, int]]) -> Pair:
        """A session that lacks nothing; returns (owner, session)."""
        owner = self.shop.ids.new()
        goods = [(listing(sku), amount) for sku, amount in lines]
        view = await self.desk.create(owner, SessionKind.CHECKOUT, "key", wanted(*goods))
        return owner, view.id

    async def put(self, amounts: dict[str, int]) -> None:
        for sku in amounts:
            self.shop.catalog.put(listing(sku))
        await self.shop.stock([(listing(sku), amount) for sku, amount in amounts.items()])

    async def spent(self, sku: str) -> int:
        """Units sold; nothing may be left held."""
        tally = listing(sku).stock[0].tally
        async with self.shop.database.read() as connection:
            level = (await self.shop.tallies.levels(connection, [tally]))[tally]
        assert level.held == 0
        return level.spent

    async def is_in_order(self) -> bool:
        async with self.shop.database.read() as connection:
            tallies = await self.shop.tallies.audit(connection)
        return not tallies and not await self.desk.audit()


@pytest.fixture
async def contest(fresh_database: str) -> AsyncGenerator[Contest]:
    clock = SystemClock()
    database = await Database.open(fresh_database)
    processes = [
        await create_subprocess_exec(
            sys.executable, str(PROGRAM), fresh_database, str(number), stdin=PIPE, stdout=PIPE, cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        )
        for number in range(4)
    ]  # fmt: skip
    yield Contest(Shop(database, clock, SystemIds(clock), []), processes)
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
    await database.close()


async def test_two_buyers_one_unit(contest: Contest) -> None:
    """Two buyers want the last unit through four processes, each buyer through two: one order, 200 times over."""
    await contest.put({f"LAST-{n}": 1 for n in range(ROUNDS)})
    for number in range(ROUNDS):
        sku = f"LAST-{number}"
        one, two = await contest.buyer([(sku, 1)]), await contest.buyer([(sku, 1)])
        outcomes = await contest.fight([[one], [two], [one], [two]], [sku])
        first, second, first_again, second_again = (outcome for (outcome,) in outcomes)
        winner = {first, first_again} if "paid" in (first, first_again) else {second, second_again}
        loser = {second, second_again} if "paid" in (first, first_again) else {first, first_again}
        assert winner <= {"paid", "pending"}, outcomes
        assert loser == {"out_of_stock"}, outcomes
    for number in range(ROUNDS):
        assert await contest.spent(f"LAST-{number}") == 1
    assert await contest.is_in_order()


async def test_300_buyers_50_units(contest: Contest) -> None:
    """300 buyers want 50 units: 50 orders, 250 clear refusals, nothing else."""
    await contest.put({"RUSH": 50})
    buyers = [await contest.buyer([("RUSH", 1)]) for _ in range(300)]
    outcomes = await contest.fight([buyers[n::4] for n in range(4)], ["RUSH"])
    assert Counter(outcome for some in outcomes for outcome in some) == {"paid": 50, "out_of_stock": 250}
    assert await contest.spent("RUSH") == 50
    assert await contest.is_in_order()


async def test_overlapping_carts(contest: Contest) -> None:
    """Carts of hot and cold goods in any order through four processes: no deadlock reaches a caller, no oversell."""
    chance = random.Random(11)
    skus = [f"MIX-{n}" for n in range(12)]
    await contest.put(dict.fromkeys(skus, 40))
    carts = [chance.sample(skus[:3], 1) + chance.sample(skus[3:], 3) for _ in range(400)]
    for cart in carts:
        chance.shuffle(cart)
    buyers = [await contest.buyer([(sku, chance.randint(1, 2)) for sku in cart]) for cart in carts]
    outcomes = await contest.fight([buyers[n::4] for n in range(4)], skus)
    counted = Counter(outcome for some in outcomes for outcome in some)
    assert set(counted) <= {"paid", "out_of_stock"}, counted
    assert counted["paid"] > 0
    for sku in skus:
        assert await contest.spent(sku) <= 40
    assert await contest.is_in_order()


async def test_one_poisoned_order_among_500(contest: Contest) -> None:
    """Of 500 sessions completed together one cannot be read: only that one is refused."""
    await contest.put({"PLENTY": 1_000})
    buyers = await asyncio.gather(*(contest.buyer([("PLENTY", 1)]) for _ in range(500)))
    async with contest.shop.database.transaction() as tx:
        row = await store.read_session(tx, buyers[250][1])
        assert row is not None
        await store.write_bodies(tx, [(buyers[250][1], row["state"], b"\xc1 no msgpack", row["expires_at"], None)])
    (outcomes, *_) = await contest.fight([list(buyers), [], [], []], ["PLENTY"])
    assert outcomes[250] not in ("paid", "pending")
    assert Counter(outcomes)["paid"] == 499
    assert await contest.spent("PLENTY") == 499
