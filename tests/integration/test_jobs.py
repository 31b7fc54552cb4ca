"""Jobs on DBOS and the real engine: run once, go on after a crash, tell how far they are."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import psutil
import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.problems import InvalidInput, Unavailable
from nightmarket.platform.database import Database
from nightmarket.platform.jobs import (
    Drain,
    Drains,
    Job,
    JobContext,
    JobDesk,
    JobNotFound,
    JobRequest,
    JobState,
    JobStatus,
    counts,
    page,
    status,
)
from nightmarket.platform.jobs.runner import KEPT, JobRunner

pytestmark = pytest.mark.engine


class Amount(msgspec.Struct):
    """Arguments of the made-up jobs."""

    amount: int


class World:
    """What the made-up jobs do to the world, and the jobs themselves."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.away = 0
        self.gate = asyncio.Event()

    async def count(self, context: JobContext) -> str:
        """Count in steps."""
        amount = context.arguments(Amount).amount
        total = 0
        for number in range(amount):

            async def work(number: int = number) -> int:
                if self.away:
                    self.away -= 1
                    raise Unavailable("The warehouse is away.")
                self.done.append(f"{context.id}:{number}")
                return number

            total += await context.step(f"count-{number}", work)
            await context.progress(number + 1, amount, f"counted {number}")
        return f"sum {total}"

    async def wait(self, context: JobContext) -> None:
        """Take a step, then wait at the gate, telling progress."""

        async def first() -> str:
            self.done.append(f"{context.id}:first")
            return "first"

        await context.step("first", first)
        while not self.gate.is_set():
            await context.progress(1, 2)
            await asyncio.sleep(0.01)
        self.done.append(f"{context.id}:after")

    async def refuse(self, context: JobContext) -> None:
        """Fail as a Problem."""
        raise InvalidInput("Row 3 has no price; add one.", field="price")

    async def crash(self, context: JobContext) -> None:
        """Fail as a bug."""
        raise ZeroDivisionError("by zero")

    def jobs(self) -> list[Job]:
        """All of them."""
        return [Job("count", self.count), Job("wait", self.wait), Job("refuse", self.refuse), Job("crash", self.crash)]


@pytest.fixture(scope="module")
async def pools(database: str) -> AsyncGenerator[Database]:
    """The database of this module."""
    opened = await Database.open(database, committers=4)
    yield opened
    await opened.close()


@pytest.fixture
def world() -> World:
    """A world of its own for each test."""
    return World()


@pytest.fixture
async def emptied(pools: Database) -> None:
    """No jobs from before."""
    async with pools.transaction() as tx:
        await tx.execute("TRUNCATE platform.job")


@pytest.fixture
async def worker(pools: Database, clock: VirtualClock, world: World, emptied: None) -> AsyncGenerator[JobRunner]:
    """A worker that runs what is asked for."""
    runner = JobRunner(pools, clock, world.jobs())
    await runner.start()
    async with Drains([Drain("jobs", runner.step, idle_seconds=0.02)]):
        yield runner
    await runner.stop()


async def ask(pools: Database, clock: VirtualClock, *requests: JobRequest) -> int:
    """Request in a transaction of its own."""
    async with pools.transaction() as tx:
        return await JobDesk(clock).request(tx, requests)


async def until(pools: Database, job_id: str, fits: Callable[[JobStatus], bool]) -> JobStatus:
    """The job's status as soon as it fits."""
    async with asyncio.timeout(60):
        while True:
            async with pools.read() as connection:
                found = await status(connection, job_id)
            if fits(found):
                return found
            await asyncio.sleep(0.02)


def ended(found: JobStatus) -> bool:
    """Whether the job has ended."""
    return found.finished_at is not None


async def test_a_job_runs_once_and_tells_how_far_it_is(
    pools: Database, clock: VirtualClock, world: World, worker: JobRunner
) -> None:
    """Steps run in order, progress and the last message are readable, and the same id is the same job."""
    request = JobRequest("count-1", "count", "ada", Amount(5))
    assert await ask(pools, clock, request, request) == 1
    found = await until(pools, "count-1", ended)
    assert (found.state, found.message, found.failure) == (JobState.DONE, "sum 10", None)
    assert (found.done, found.total, found.requested_by) == (5, 5, "ada")
    assert await ask(pools, clock, request) == 0
    await asyncio.sleep(0.1)
    assert world.done == [f"count-1:{number}" for number in range(5)]
    async with pools.read() as connection:
        assert (await counts(connection))["done"] == 1
        assert [one.id for one in await page(connection, None, 10)] == ["count-1"]
        assert await page(connection, (found.requested_at, found.id), 10) == []


async def test_failures_say_what_went_wrong(pools: Database, clock: VirtualClock, worker: JobRunner) -> None:
    """A problem gives its words, a bug its name, unfit arguments their field, an unknown job its name."""
    await ask(
        pools,
        clock,
        JobRequest("f-1", "refuse", "ada"),
        JobRequest("f-2", "crash", "ada"),
        JobRequest("f-3", "count", "ada", {"amount": "many"}),
        JobRequest("f-4", "unheard-of", "ada"),
    )
    failures = {name: await until(pools, name, ended) for name in ("f-1", "f-2", "f-3", "f-4")}
    assert {found.state for found in failures.values()} == {JobState.FAILED}
    assert failures["f-1"].failure == "Row 3 has no price; add one."
    assert failures["f-2"].failure == "ZeroDivisionError: by zero"
    assert "amount" in (failures["f-3"].failure or "")
    assert "unheard-of" in (failures["f-4"].failure or "")


async def test_a_step_is_tried_again_when_the_world_is_away(
    pools: Database, clock: VirtualClock, world: World, worker: JobRunner
) -> None:
    """Unavailable is no failure at once."""
    world.away = 1
    await ask(pools, clock, JobRequest("retry-1", "count", "ada", Amount(1)))
    assert (await until(pools, "retry-1", ended)).state is JobState.DONE


async def test_a_request_belongs_to_its_transaction(
    pools: Database, clock: VirtualClock, world: World, worker: JobRunner
) -> None:
    """Rolled back with the change that needed it, the job never was."""

    async def change() -> None:
        async with pools.transaction() as tx:
            await JobDesk(clock).request(tx, [JobRequest("undone-1", "count", "ada", Amount(1))])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await change()
    await asyncio.sleep(0.1)
    assert world.done == []
    async with pools.read() as connection:
        with pytest.raises(JobNotFound):
            await status(connection, "undone-1")


async def test_a_job_can_be_stopped(pools: Database, clock: VirtualClock, world: World, worker: JobRunner) -> None:
    """One that runs stops at its next progress, one beyond the room never begins, an unknown one is refused."""
    names = [f"stop-{number}" for number in range(6)]
    await ask(pools, clock, *(JobRequest(name, "wait", "ada") for name in names))
    for name in names[:4]:
        await until(pools, name, lambda found: found.state is JobState.RUNNING)
    desk = JobDesk(clock)
    with pytest.raises(JobNotFound):
        async with pools.transaction() as tx:
            await desk.cancel(tx, [names[0], "nobody"])
    async with pools.transaction() as tx:
        await desk.cancel(tx, names[::-1])
    for name in names:
        assert (await until(pools, name, ended)).state is JobState.CANCELLED
    assert sorted(world.done) == [f"{name}:first" for name in names[:4]]
    async with pools.transaction() as tx:
        await desk.cancel(tx, names)


async def test_a_worker_stopped_in_the_middle_goes_on_later(
    pools: Database, clock: VirtualClock, world: World, emptied: None
) -> None:
    """Stopping is quick and leaves the job running; the next start goes on behind the steps that were done."""
    first = JobRunner(pools, clock, world.jobs())
    await first.start()
    await ask(pools, clock, JobRequest("middle-1", "wait", "ada"))
    assert await first.step() == 1
    await until(pools, "middle-1", lambda found: found.done == 1)
    began = time.monotonic()
    await first.stop()
    assert time.monotonic() - began < 3
    async with pools.read() as connection:
        assert (await status(connection, "middle-1")).state is JobState.RUNNING
    assert await asyncio.to_thread(lambda: 1) == 1
    world.gate.set()
    second = JobRunner(pools, clock, world.jobs())
    await second.start()
    try:
        assert (await until(pools, "middle-1", ended)).state is JobState.DONE
    finally:
        await second.stop()
    assert world.done == ["middle-1:first", "middle-1:after"]


async def test_ended_jobs_are_forgotten_after_a_while(
    pools: Database, clock: VirtualClock, world: World, worker: JobRunner
) -> None:
    """After ninety days a job is gone, also for DBOS, so that its id may be used again; one that waits stays."""
    await ask(pools, clock, JobRequest("old-1", "count", "ada", Amount(1)))
    await until(pools, "old-1", ended)
    clock.advance(KEPT + timedelta(seconds=1))
    assert await worker.sweep() == 1
    assert await worker.sweep() == 0
    assert await ask(pools, clock, JobRequest("old-1", "count", "ada", Amount(1))) == 1
    assert (await until(pools, "old-1", ended)).state is JobState.DONE
    assert world.done == ["old-1:0"] * 2


async def test_an_id_that_dbos_has_ended_does_not_hang(
    pools: Database, clock: VirtualClock, world: World, worker: JobRunner
) -> None:
    """Whoever deletes only our row and asks again is told so; others are not held up."""
    await ask(pools, clock, JobRequest("twice-1", "count", "ada", Amount(1)))
    await until(pools, "twice-1", ended)
    async with pools.transaction() as tx:
        await tx.execute("DELETE FROM platform.job WHERE id = 'twice-1'")
    await ask(pools, clock, JobRequest("twice-1", "count", "ada", Amount(1)))
    found = await until(pools, "twice-1", ended)
    assert found.state is JobState.FAILED
    assert "another id" in (found.failure or "")
    assert world.done == ["twice-1:0"]


async def test_bad_requests_are_refused(pools: Database, clock: VirtualClock, emptied: None) -> None:
    """Ids and arguments have bounds, and nothing of a refused list is kept."""
    for bad in (JobRequest("", "count", "a"), JobRequest("x" * 201, "count", "a"), JobRequest("a\nb", "count", "a")):
        with pytest.raises(InvalidInput):
            await ask(pools, clock, JobRequest("good", "count", "a"), bad)
    with pytest.raises(InvalidInput):
        await ask(pools, clock, JobRequest("big", "count", "a", "x" * 1_000_001))
    async with pools.read() as connection:
        assert sum((await counts(connection)).values()) == 0


def test_two_jobs_of_one_name_are_refused(pools: Database, clock: VirtualClock, world: World) -> None:
    """A worker that cannot tell two jobs apart does not start."""
    with pytest.raises(ValueError):
        JobRunner(pools, clock, [Job("a", world.refuse), Job("a", world.crash)])


async def test_nothing_phones_home(pools: Database, worker: JobRunner) -> None:
    """A running worker has connections to the database and to nobody else."""
    await asyncio.sleep(1.5)
    peers = {one.raddr for one in psutil.Process().net_connections("inet") if one.raddr}
    assert {peer.ip for peer in peers} == {"127.0.0.1"}


PROGRAM = """
import asyncio, sys
from pathlib import Path
from nightmarket.kernel.clock import SystemClock
from nightmarket.platform.database import Database
from nightmarket.platform.jobs import Job
from nightmarket.platform.jobs.runner import JobRunner
from nightmarket.platform.telemetry import configure_logging

async def slow(context):
    for number in range(10):
        async def work():
            with open(sys.argv[2], "a") as file:
                file.write(f"{number}\\n")
        await context.step("write", work)
        await context.progress(number + 1, 10)
        await asyncio.sleep(0.05)

async def main():
    configure_logging(json=True)
    database = await Database.open(sys.argv[1])
    runner = JobRunner(database, SystemClock(), [Job("slow", slow)])
    await runner.start()
    while True:
        await runner.step()
        await asyncio.sleep(0.05)

asyncio.run(main())
"""


async def test_a_killed_worker_goes_on_behind_what_was_done(
    pools: Database, database: str, clock: VirtualClock, emptied: None, tmp_path: Path
) -> None:
    """kill -9 in the middle: the next worker does the rest; at most the step in flight is done twice."""
    file = tmp_path / "steps"
    await ask(pools, clock, JobRequest("killed-1", "slow", "ada"))

    async def run_until(fits: Callable[[JobStatus], bool], ending: Callable[[int], Awaitable[None]]) -> str:
        worker = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, database, str(file)], stderr=subprocess.PIPE, text=True
        )
        try:
            await until(pools, "killed-1", fits)
        finally:
            await ending(worker.pid)
            _, lines = await asyncio.to_thread(worker.communicate)
        return lines

    async def kill(pid: int) -> None:
        os.kill(pid, signal.SIGKILL)

    async def kill_later(pid: int) -> None:
        await asyncio.sleep(0.5)
        await kill(pid)

    log = await run_until(lambda found: found.done >= 3, kill)
    assert len(file.read_text().split()) < 10
    log += await run_until(ended, kill_later)
    async with pools.read() as connection:
        assert (await status(connection, "killed-1")).state is JobState.DONE
    steps = [int(line) for line in file.read_text().split()]
    assert sorted(set(steps)) == list(range(10))
    assert len(steps) <= 11
    assert "job_ended" in [json.loads(line)["event"] for line in log.splitlines()]
