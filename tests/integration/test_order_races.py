"""Four processes on one database, each with its own desk: one session is one order, nobody is refused for nothing, and
no deadlock ever happens, whatever shoppers, staff and workers do at once."""

import asyncio
import random
import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from nightmarket.kernel.clock import SystemClock, VirtualClock
from nightmarket.kernel.ids import SystemIds
from nightmarket.orders.contract import SessionKind
from nightmarket.payments.jobs import PaymentsDrain
from nightmarket.payments.providers import BankTransfers, TestProvider
from nightmarket.platform.database import Database
from tests.till import no_wait
from tests.twins import Shop, listing, wanted

pytestmark = pytest.mark.engine

PROGRAM = Path(__file__).parent / "programs" / "bustling_desk.py"
ROOT = Path(__file__).parents[2]
PROCESSES = 4
AHEAD_MINUTES = (0, 0, 0, 20)
"""By the clock of the last process every card's hold is over, so that orders lapse while others still pay them."""

BUSTLE_SECONDS = 4.0
Pair = tuple[UUID, UUID]


class Race:
    """Four processes, and a desk here that prepares and counts."""

    def __init__(self, url: str, shop: Shop, bank: Path, processes: list[Process]) -> None:
        self.url = url
        self.shop = shop
        self.desk = shop.desk()
        self.bank = bank
        self._processes = processes

    async def run(self, commands: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Each process does its command, all at once."""
        for process, command in zip(self._processes, commands, strict=True):
            assert process.stdin is not None
            process.stdin.write(msgspec.json.encode(command) + b"\n")
        return await asyncio.gather(*(self._answer(process) for process in self._processes))

    async def _answer(self, process: Process) -> dict[str, Any]:
        assert process.stdout is not None
        line = await process.stdout.readline()
        assert line, "a process ended; its words are above"
        return msgspec.json.decode(line)

    async def stock(self, amounts: dict[str, int]) -> None:
        for sku in amounts:
            self.shop.catalog.put(listing(sku))
        await self.shop.stock([(listing(sku), amount) for sku, amount in amounts.items()])

    async def session(self, *lines: tuple[str, int]) -> Pair:
        """A session that lacks nothing: (owner, session)."""
        owner = self.shop.ids.new()
        goods = [(listing(sku), amount) for sku, amount in lines]
        return owner, (await self.desk.create(owner, SessionKind.CHECKOUT, "key", wanted(*goods))).id

    async def free(self, skus: Sequence[str]) -> dict[str, int]:
        tallies = {listing(sku).stock[0].tally: sku for sku in skus}
        async with self.shop.database.read() as connection:
            levels = await self.shop.tallies.levels(connection, tallies)
        return {sku: levels[tally].available for tally, sku in tallies.items()}

    async def clean(self) -> bool:
        async with self.shop.database.read() as connection:
            findings = [*await self.shop.tallies.audit(connection), *await self.shop.payments.audit(connection)]
        findings += await self.desk.audit()
        assert not findings, findings
        return True

    async def stop(self) -> None:
        for process in self._processes:
            if process.stdin is not None:
                process.stdin.close()
            await process.wait()

    async def deadlocks(self) -> int:
        """Since the database was made. Asked when the processes are gone, as each tells on its way out."""
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute("SELECT pg_stat_force_next_flush()")
            return await connection.fetchval(
                "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
            )
        finally:
            await connection.close()


@pytest.fixture
async def race(fresh_database: str, tmp_path: Path) -> AsyncGenerator[Race]:
    database = await Database.open(fresh_database)
    bank = tmp_path / "bank.sqlite3"
    processes = [
        await create_subprocess_exec(
            *(sys.executable, str(PROGRAM), fresh_database),
            *(str(word) for word in (number, number + 11, bank, AHEAD_MINUTES[number])),
            stdin=PIPE,
            stdout=PIPE,
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            limit=2**20,
        )
        for number in range(PROCESSES)
    ]
    clock = SystemClock()
    race = Race(fresh_database, Shop(database, clock, SystemIds(clock), []), bank, processes)
    yield race
    await race.stop()
    await database.close()


async def test_a_session_completed_everywhere_at_once(race: Race) -> None:
    """Fifty sessions, each completed by all four processes at the same time: fifty orders, each reserved and paid
    once."""
    await race.stock({"SAME": 500})
    pairs = [await race.session(("SAME", 1)) for _ in range(50)]
    reports = await race.run([{"pairs": pairs, "skus": ["SAME"]}] * PROCESSES)
    for outcomes in zip(*(report["outcomes"] for report in reports), strict=True):
        assert set(outcomes) <= {"paid", "pending"}
    for owner, session in pairs:
        order = await race.desk.order(owner, session)
        assert [order.state.name, len(order.rows), len(order.payments)] == ["PAID", 1, 1]
    provider = TestProvider(race.bank, SystemClock(), name="test")
    assert all([await provider.find(str(session)) for _, session in pairs])
    await provider.close()
    assert await race.free(["SAME"]) == {"SAME": 450}
    assert await race.clean()


async def test_nobody_is_refused_for_nothing(race: Race) -> None:
    """Carts that share hot and cold goods: never more is sold than there is, and who was refused lacks something."""
    chance = random.Random(11)
    skus = [f"MIX-{number}" for number in range(10)]
    await race.stock(dict.fromkeys(skus, 30))
    carts: list[list[tuple[str, int]]] = []
    for _ in range(400):
        chosen = [*chance.sample(skus[:2], 1), *chance.sample(skus[2:], 3)]
        chance.shuffle(chosen)
        carts.append([(sku, chance.randint(1, 2)) for sku in chosen])
    pairs = [await race.session(*cart) for cart in carts]
    reports = await race.run([{"pairs": pairs[n::PROCESSES], "skus": skus} for n in range(PROCESSES)])
    outcomes = [""] * len(carts)
    for number, report in enumerate(reports):
        outcomes[number::PROCESSES] = report["outcomes"]
    free = await race.free(skus)
    assert set(outcomes) == {"paid", "out_of_stock"}
    sold: Counter[str] = Counter()
    for cart, outcome in zip(carts, outcomes, strict=True):
        if outcome == "paid":
            sold.update(dict(cart))
        else:
            assert any(free[sku] < quantity for sku, quantity in cart), cart
    assert {sku: 30 - sold[sku] for sku in skus} == free
    assert await race.clean()
    await race.stop()
    assert await race.deadlocks() == 0


async def test_goods_that_vanished_spoil_one_order(race: Race) -> None:
    """Of 500 sessions completed together one has goods that nobody sells any more: only that one is refused."""
    await race.stock({"STAYS": 1_000, "GOES": 5})
    pairs = [await race.session(("GOES" if number == 250 else "STAYS", 1)) for number in range(500)]
    (report, *_) = await race.run([{"pairs": pairs, "skus": ["STAYS"]}, *[{"pairs": [], "skus": []}] * 3])
    assert report["outcomes"].pop(250) == "not_ready"
    assert set(report["outcomes"]) == {"paid"}
    assert await race.free(["STAYS", "GOES"]) == {"STAYS": 501, "GOES": 5}
    assert await race.clean()


EXPECTED = {
    "complete": {"paid", "pending", "lapsed", "out_of_stock", "payment_declined", "price_changed", "session_closed"},
    "update": {"done", "session_closed"},
    "cancel": {"done", "not_found", "not_cancellable", "changed_meanwhile"},
    "transfer": {"done", "not_found", "not_cancellable"},
    "due": {"done"},
    "count": {"done"},
}


async def test_everything_at_once(race: Race) -> None:
    """Shoppers who pay, change and cancel, transfers that come, stock that is counted, orders that lapse, in four
    processes at once: only plain answers, not one deadlock, and at the end the goods and the money add up."""
    skus = [f"HOT-{number}" for number in range(6)]
    await race.stock(dict.fromkeys(skus, 40))
    owners = [race.shop.ids.new() for _ in range(15)]
    reports = await race.run([{"owners": owners, "skus": skus, "seconds": BUSTLE_SECONDS}] * PROCESSES)
    words: Counter[str] = Counter()
    for report in reports:
        words.update(report["words"])
    surprises = {word: n for word, n in words.items() if word.split()[1] not in EXPECTED[word.split()[0]]}
    assert not surprises
    assert words["complete paid"] > 10
    await comes_to_rest(race)
    counted: Counter[str] = Counter(dict.fromkeys(skus, 40))
    for report in reports:
        counted.update(report["counted"])
    async with race.shop.database.read() as connection:
        placed = await connection.fetch("SELECT DISTINCT id FROM orders.order")
    for (session,) in placed:
        order = await race.desk.order(None, session)
        assert order.state.name != "PENDING"
        if order.state.name == "PAID":
            counted.subtract({line.sku: line.quantity for row in order.rows for line in row.body.lines})
    assert {sku: counted[sku] for sku in skus} == await race.free(skus)
    assert await race.clean()
    await race.stop()
    assert await race.deadlocks() == 0


async def comes_to_rest(race: Race) -> None:
    """Every hold is over, and the bank is asked for all that is owed."""
    clock = VirtualClock(datetime.now(UTC) + timedelta(hours=100))
    provider = TestProvider(race.bank, clock, name="test", sleep=no_wait)
    providers = {"test": provider, "transfer": BankTransfers()}
    shop = Shop(race.shop.database, clock, SystemIds(clock), [])
    desk = shop.desk(providers)
    while await desk.due.step():
        pass
    drain = PaymentsDrain(race.shop.database, providers, clock, shop.facts)
    while await drain.step():
        pass
    await desk.close()
    await provider.close()
