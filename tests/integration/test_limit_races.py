"""3,000 buyers at once in four processes for what is scarce: units, a buyer's share, a budget. Never one too many,
never one too few, no deadlock, and every refusal says what it is for."""

import asyncio
import random
import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from nightmarket.kernel.clock import SystemClock
from nightmarket.kernel.ids import SystemIds
from nightmarket.kernel.problems import Unavailable
from nightmarket.orders.contract import OrderRow, OrderState, SessionKind, SessionView
from nightmarket.platform.database import Database
from nightmarket.promotions.contract import (
    AmountOff,
    BuyerCap,
    Condition,
    Offer,
    PercentOff,
    PurchaseLimit,
    budget_tally,
    buyer_tally,
)
from nightmarket.promotions.handlers import StoredOffers
from tests.twins import Shop, listing, wanted

pytestmark = pytest.mark.engine

PROGRAM = Path(__file__).parent / "programs" / "limited_desk.py"
ROOT = Path(__file__).parents[2]
PROCESSES = 4
BUYERS = 3_000
PREPARED_AT_ONCE = 20
"""Carts are filled in the days before; the rush is what all do at once."""

Pair = tuple[UUID, UUID]


class Crowd:
    """Four processes that sell, and a desk here that prepares and counts."""

    def __init__(self, shop: Shop, processes: list[Process]) -> None:
        self.shop = shop
        self.desk = shop.desk()
        self._processes = processes
        self._skus: dict[str, int] = {}

    async def stock(self, amounts: Mapping[str, int], price: int = 1000) -> None:
        for sku in amounts:
            self._skus[sku] = price
            self.shop.catalog.put(listing(sku, price=price))
        await self.shop.stock([(listing(sku), amount) for sku, amount in amounts.items()])

    async def publish(self, **words: Any) -> Offer:
        now = self.shop.clock.now()
        offer = Offer(
            id=self.shop.ids.new(),
            revision=1,
            name={"en": "Scarce"},
            starts_at=now - timedelta(hours=1),
            ends_at=now + timedelta(hours=1),
            **words,
        )
        async with self.shop.database.transaction() as tx:
            await StoredOffers(self.shop.facts, self.shop.tallies).publish(tx, [offer], now)
        await self.shop.books.refresh()
        return offer

    async def sessions(self, carts: Iterable[Sequence[tuple[str, int]]], buyers: Sequence[UUID] = ()) -> list[Pair]:
        """A session of a guest of its own for each cart, with these proven addresses behind them in turn."""

        calm = asyncio.Semaphore(PREPARED_AT_ONCE)

        async def session(cart: Sequence[tuple[str, int]]) -> Pair:
            owner = self.shop.ids.new()
            goods = [(listing(sku), amount) for sku, amount in cart]
            async with calm:
                while True:
                    try:
                        return owner, (await self.desk.create(owner, SessionKind.CHECKOUT, "key", wanted(*goods))).id
                    except Unavailable:  # a busy machine keeps them waiting: asked again, as clients are told to
                        await asyncio.sleep(0.2)

        pairs = await asyncio.gather(*(session(cart) for cart in carts))
        if buyers:
            rows = [(pair[1], buyers[number % len(buyers)]) for number, pair in enumerate(pairs)]
            async with self.shop.database.transaction() as tx:
                await tx.copy_records_to_table(
                    "buyer", schema_name="orders", columns=("session", "identity"), records=rows
                )
        return pairs

    async def rush(self, pairs: Sequence[Pair], *, again: bool = False) -> list[str]:
        """All of them at once, dealt out to the processes."""
        parts = [pairs[number::PROCESSES] for number in range(PROCESSES)]
        answers = await asyncio.gather(
            *(self._do(process, part, again=again) for process, part in zip(self._processes, parts, strict=True))
        )
        said = [""] * len(pairs)
        for number, answer in enumerate(answers):
            said[number::PROCESSES] = answer
        return said

    async def _do(self, process: Process, pairs: Sequence[Pair], *, again: bool) -> list[str]:
        assert process.stdin is not None
        assert process.stdout is not None
        command = {"skus": list(self._skus.items()), "pairs": pairs, "again": again}
        process.stdin.write(msgspec.json.encode(command) + b"\n")
        line = await process.stdout.readline()
        assert line, "a process ended; its words are above"
        return msgspec.json.decode(line)

    async def free(self, tallies: Sequence[UUID]) -> list[int]:
        async with self.shop.database.read() as connection:
            levels = await self.shop.tallies.levels(connection, tallies)
        return [levels[tally].available for tally in tallies]

    async def left(self, *skus: str) -> list[int]:
        return await self.free([listing(sku).stock[0].tally for sku in skus])

    async def rows(self, pairs: Sequence[Pair]) -> dict[UUID, OrderRow]:
        """The paid orders among these sessions, of one merchant each."""
        async with self.shop.database.read() as connection:
            found = await self.desk.rows(connection, [session for _, session in pairs])
        return {id: rows[0] for id, rows in found.items() if rows[0].state is OrderState.PAID}

    async def clean(self) -> bool:
        async with self.shop.database.read() as connection:
            findings = [*await self.shop.tallies.audit(connection), *await self.shop.payments.audit(connection)]
        findings += await self.desk.audit()
        assert not findings, findings
        return True


@pytest.fixture
async def crowd(fresh_database: str) -> AsyncGenerator[Crowd]:
    database = await Database.open(fresh_database)
    await database.fill()
    processes = [
        await create_subprocess_exec(
            *(sys.executable, str(PROGRAM), fresh_database, str(number)),
            stdin=PIPE,
            stdout=PIPE,
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            limit=2**22,
        )
        for number in range(PROCESSES)
    ]
    clock = SystemClock()
    yield Crowd(Shop(database, clock, SystemIds(clock), []), processes)
    for process in processes:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()
    async with database.read() as connection:
        query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert await connection.fetchval(query) == 0
    await database.close()


async def test_three_thousand_for_fifty(crowd: Crowd) -> None:
    """50 orders, 2,950 clear refusals, no error, stock 0."""
    await crowd.stock({"HOT": 50})
    said = Counter(await crowd.rush(await crowd.sessions([[("HOT", 1)]] * BUYERS)))
    assert said == {"paid": 50, "out_of_stock": BUYERS - 50}
    assert await crowd.left("HOT") == [0]
    assert await crowd.clean()


async def test_carts_that_mix_hot_and_cold(crowd: Crowd) -> None:
    """What is plenty goes only with orders that got what is scarce; nobody holds up whoever wants only plenty."""
    chance = random.Random(11)
    cold = [f"COLD-{number}" for number in range(20)]
    await crowd.stock({"HOT": 50, **dict.fromkeys(cold, BUYERS)})
    carts = [[(sku, 1) for sku in chance.sample(cold, 2)] for _ in range(BUYERS)]
    for number, cart in enumerate(carts):
        if number % 10:
            cart.insert(number % 3, ("HOT", 1))
    said = await crowd.rush(await crowd.sessions(carts))
    outcomes = Counter((word, ("HOT", 1) in cart) for word, cart in zip(said, carts, strict=True))
    assert outcomes == {("paid", True): 50, ("out_of_stock", True): 2_650, ("paid", False): 300}
    sold = Counter(sku for word, cart in zip(said, carts, strict=True) if word == "paid" for sku, _ in cart)
    assert await crowd.left("HOT", *cold) == [0, *(BUYERS - sold[sku] for sku in cold)]
    assert await crowd.clean()


async def test_no_buyer_gets_more_than_the_limit(crowd: Crowd) -> None:
    """300 people with ten guest sessions each, all at once: each gets two units, whatever the process; whoever cancels
    may buy again, and nobody else's share grows by it."""
    await crowd.stock({"LIMITED": 2_000})
    variant = listing("LIMITED").variant
    limit = await crowd.publish(effect=PurchaseLimit(2), condition=Condition(variants=frozenset({variant})))
    people = [crowd.shop.ids.new() for _ in range(300)]
    pairs = await crowd.sessions([[("LIMITED", 1)]] * BUYERS, people)
    assert Counter(await crowd.rush(pairs)) == {"paid": 600, "limit_reached": BUYERS - 600}
    bought = await crowd.rows(pairs)
    mine = Counter(people[number % 300] for number, pair in enumerate(pairs) if pair[1] in bought)
    assert set(mine.values()) == {2}
    assert await crowd.left("LIMITED") == [1_400]
    for owner, session in [pair for pair in pairs if pair[1] in bought][:50]:
        await crowd.desk.cancel_order(owner, session, "changed my mind")
    more = await crowd.sessions([[("LIMITED", 1)]] * 600, people)
    assert Counter(await crowd.rush(more)) == {"paid": 50, "limit_reached": 550}
    assert set(await crowd.free([buyer_tally(limit.id, "units", one) for one in people])) == {0}
    assert await crowd.clean()


async def test_a_limit_and_too_little_stock(crowd: Crowd) -> None:
    """Where both are short every unit is sold, and no buyer has more than two."""
    await crowd.stock({"BOTH": 50})
    await crowd.publish(effect=PurchaseLimit(2))
    people = [crowd.shop.ids.new() for _ in range(1_000)]
    pairs = await crowd.sessions([[("BOTH", 1)]] * BUYERS, people)
    said = Counter(await crowd.rush(pairs))
    assert said["paid"] == 50
    assert said["out_of_stock"] + said["limit_reached"] == BUYERS - 50
    bought = await crowd.rows(pairs)
    mine = Counter(people[number % 1_000] for number, pair in enumerate(pairs) if pair[1] in bought)
    assert max(mine.values()) <= 2
    assert await crowd.left("BOTH") == [0]
    assert await crowd.clean()


async def test_a_budget_that_every_order_touches(crowd: Crowd) -> None:
    """600.00 in slices, 3.00 for each order: 200 orders have it; the others hear of the price without it, and may buy
    at that."""
    await crowd.stock({"CHEAPER": BUYERS})
    offer = await crowd.publish(effect=AmountOff({"EUR": 300}), budget={"EUR": 60_000})
    pairs = await crowd.sessions([[("CHEAPER", 1)]] * BUYERS)
    assert Counter(await crowd.rush(pairs, again=True)) == {"paid": 200, "second paid": BUYERS - 200}
    rows = await crowd.rows(pairs)
    given = [applied.amount for row in rows.values() for applied in row.body.applied]
    assert (len(given), sum(given)) == (200, 60_000)
    assert {row.body.refused for row in rows.values() if not row.body.applied} == {((offer.id, "budget_used_up"),)}
    assert await crowd.free([budget_tally(offer.id, "EUR")]) == [0]
    assert await crowd.left("CHEAPER") == [0]
    assert await crowd.clean()


async def test_a_budget_of_uneven_shares(crowd: Crowd) -> None:
    """A percentage takes another amount off each order: to the cent, the budget is what orders have of it and what is
    left, and whoever was refused needed more than is left. One buyer has the offer once."""
    chance = random.Random(7)
    skus = [f"ODD-{number}" for number in range(12)]
    for number, sku in enumerate(skus):
        await crowd.stock({sku: BUYERS}, price=777 + 191 * number)
    offer = await crowd.publish(effect=PercentOff(1_250), budget={"EUR": 100_000}, per_buyer=BuyerCap(uses=1))
    people = [crowd.shop.ids.new() for _ in range(1_500)]
    carts = [[(sku, chance.randint(1, 2)) for sku in chance.sample(skus, 2)] for _ in range(BUYERS)]
    pairs = await crowd.sessions(carts, people)
    said = await crowd.rush(pairs)
    assert set(said) == {"paid", "price_changed"}
    rows = await crowd.rows(pairs)
    given = {id: row.body.applied[0].amount for id, row in rows.items()}
    [left] = await crowd.free([budget_tally(offer.id, "EUR")])
    assert sum(given.values()) == 100_000 - left
    buyers = {pair[1]: people[number % 1_500] for number, pair in enumerate(pairs)}
    mine = Counter(buyers[id] for id in given)
    assert set(mine.values()) == {1}
    lacking = [pair for pair in pairs if pair[1] not in given and buyers[pair[1]] not in mine]
    assert lacking
    views = [await crowd.desk.get(owner, SessionKind.CHECKOUT, session) for owner, session in lacking]
    needs = [_an_eighth(view) for view in views]
    assert all(need > left for need in needs)
    assert await crowd.clean()


def _an_eighth(view: SessionView) -> int:
    """What an eighth off each line would come to, rounded half up."""
    return sum((line.quantity * line.unit_price * 1_250 + 5_000) // 10_000 for line in view.assessment.cart.lines)
