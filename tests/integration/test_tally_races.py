"""Four operating-system processes that claim from the same tallies at once."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import Facts
from nightmarket.tally.contract import Level, NewTally, TallyKind
from nightmarket.tally.handlers import SlicedTallies
from tests.conftest import FESTIVAL_EVE
from tests.integration.programs.claiming_worker import LIMIT_CAPACITY, Command, Report

pytestmark = pytest.mark.engine

PROGRAM = Path(__file__).parent / "programs" / "claiming_worker.py"
PROCESSES = 4
ROUNDS = 200
_numbers = count(1)


class Workers:
    """The processes, and a connection to look at what they did."""

    def __init__(self, processes: list[asyncio.subprocess.Process], connection: Connection) -> None:
        self._processes = processes
        self.connection = connection
        clock = VirtualClock(FESTIVAL_EVE)
        self._clock = clock
        self._ids = SeededIds(clock, 1)
        self.tallies = SlicedTallies(Facts(self._ids), self._ids)

    async def ask(self, commands: dict[int, Command]) -> list[Report]:
        """Tell some workers, by number, what to do, all at once; their reports in the same order."""
        for worker, command in commands.items():
            pipe = self._processes[worker].stdin
            assert pipe
            pipe.write(msgspec.json.encode(command) + b"\n")
        return [await self._answer(worker) for worker in commands]

    async def _answer(self, worker: int) -> Report:
        pipe = self._processes[worker].stdout
        assert pipe
        async with asyncio.timeout(60):
            while line := await pipe.readline():
                if line.startswith(b"{"):
                    return msgspec.json.decode(line, type=Report)
        raise AssertionError(f"worker {worker} died; its last words are above")

    async def open(self, capacity: int, slices: int = 1) -> UUID:
        id = UUID(int=next(_numbers))
        tally = NewTally(id, TallyKind.STOCK if slices == 1 else TallyKind.OFFER_BUDGET, capacity, slices)
        async with self.connection.transaction():
            await self.tallies.open(self.connection, [tally], FESTIVAL_EVE)
        return id

    async def levels(self, tallies: list[UUID]) -> dict[UUID, Level]:
        return dict(await self.tallies.levels(self.connection, tallies))


@asynccontextmanager
async def _running(url: str) -> AsyncGenerator[list[asyncio.subprocess.Process]]:
    pipe = asyncio.subprocess.PIPE
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, str(PROGRAM), url, str(worker), str(worker), stdin=pipe, stdout=pipe, cwd=Path.cwd()
        )
        for worker in range(PROCESSES)
    ]
    try:
        for process in processes:
            assert process.stdout
            assert await process.stdout.readline() == b"ready\n"
        yield processes
    finally:
        for process in processes:
            assert process.stdin
            process.stdin.close()
        for process in processes:
            await asyncio.wait_for(process.wait(), 60)


@pytest.fixture(scope="module")
async def workers(database: str) -> AsyncGenerator[Workers]:
    connection = await asyncpg.connect(database)
    async with _running(database) as processes:
        yield Workers(processes, connection)
    await connection.close()


@pytest.mark.parametrize("slices", [1, PROCESSES + 1])
async def test_two_buyers_one_unit(workers: Workers, slices: int) -> None:
    """Two buyers in two of four processes who claim the last unit at the same moment: one gets it, the other does not,
    in each of 200 rounds, wherever in the tally the unit lies."""
    granted: list[tuple[int, ...]] = []
    opened = [await workers.open(1, slices) for _ in range(ROUNDS)]
    for turn, tally in enumerate(opened):
        first, second = turn % PROCESSES, (turn + 1 + turn // PROCESSES % (PROCESSES - 1)) % PROCESSES
        reports = await workers.ask({worker: Command("claim", [tally]) for worker in (first, second)})
        granted.append(tuple(sorted(report.granted for report in reports)))
    assert granted == [(0, 1)] * ROUNDS
    assert set((await workers.levels(opened)).values()) == {Level(1, 1, 0)}
    assert await workers.tallies.audit(workers.connection) == []


@pytest.mark.parametrize(("capacity", "slices"), [(3_000, 8), (501, 3), (7, 8)])
async def test_budget_is_drained_to_zero(workers: Workers, capacity: int, slices: int) -> None:
    """Four processes drain a sliced budget: every unit is granted, none twice, and nobody is refused while any slice
    has room, also one that no worker calls its own."""
    budget = await workers.open(capacity, slices)
    reports = await workers.ask({worker: Command("drain", [budget]) for worker in range(PROCESSES)})
    assert sum(report.granted for report in reports) == capacity
    assert await workers.levels([budget]) == {budget: Level(capacity, capacity, 0)}
    assert await workers.tallies.audit(workers.connection) == []


async def test_overlapping_batches(workers: Workers) -> None:
    """Four processes claim, settle, release, lapse, adjust and open at random among the same tallies: no error
    reaches a caller, no batch meets a deadlock, what each saw granted adds up to the levels, and the audit is clean.
    """
    stock = [await workers.open(400) for _ in range(6)]
    budgets = [await workers.open(600, slices) for slices in (2, 3, 4, 8)]
    limits = [UUID(int=next(_numbers)) for _ in range(8)]
    command = Command("mingle", stock + budgets, limits, seconds=4.0)
    reports = await workers.ask(dict.fromkeys(range(PROCESSES), command))
    levels = await workers.levels(stock + budgets + limits)
    opened = dict.fromkeys(stock, 400) | dict.fromkeys(budgets, 600) | dict.fromkeys(limits, LIMIT_CAPACITY)
    assert levels == {
        tally: Level(
            capacity + sum(report.capacity.get(str(tally), 0) for report in reports),
            sum(report.held.get(str(tally), 0) for report in reports),
            sum(report.spent.get(str(tally), 0) for report in reports),
        )
        for tally, capacity in opened.items()
    }
    assert all(report.items > report.batches > 10 for report in reports)
    assert await workers.tallies.audit(workers.connection) == []
    assert [report.contended for report in reports] == [0] * PROCESSES
