"""Jobs on DBOS, in the worker process only: each job is one workflow, its steps are DBOS's.

DBOS keeps what has been done in its own schema `dbos` of the same database and goes on after a crash. It is told
nothing of the outside: no conductor, no telemetry of its own; its lines go through our logging.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar

import msgspec
import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.problems import InvalidInput, Problem, Unavailable
from nightmarket.platform.database import Database

from . import store
from .job import Job, JobCancelled, JobState, JobStatus

RUNNING_LIMIT = 4
"""Jobs side by side in one worker."""

RECOVERIES_LIMIT = 10
"""A job that takes the worker down with it this many times is given up."""

STEP_TRIES = 5
STEP_PAUSE_SECONDS = 1.0
PROGRESS_SECONDS = 0.2
RECONCILE_SECONDS = 30.0
TRY_AGAIN_SECONDS = 5.0
KEPT = timedelta(days=90)
SWEEP_LIMIT = 500
THREADS_LIMIT = 16
VERSION = "1"
"""Jobs begun by an older release go on with the code of this one; raise it when their steps no longer fit."""

MAX_FAILURE_LETTERS = 2_000
_ENDED = frozenset({"SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})

T = TypeVar("T")
log = structlog.get_logger(__name__)


class _Context:
    """The `JobContext` of one run."""

    def __init__(self, database: Database, status: JobStatus) -> None:
        self.id = status.id
        self.requested_by = status.requested_by
        self._database = database
        self._arguments = status.arguments
        self._told_at = float("-inf")

    def arguments(self, shape: type[T]) -> T:
        try:
            return msgspec.msgpack.decode(self._arguments, type=shape)
        except msgspec.ValidationError as error:
            raise InvalidInput(f"The job's arguments do not fit: {error}.", field="arguments") from None

    async def step(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        async def run() -> T:
            return await work()

        return await DBOS.run_step_async(
            {
                "name": name,
                "retries_allowed": True,
                "max_attempts": STEP_TRIES,
                "interval_seconds": STEP_PAUSE_SECONDS,
                "should_retry": lambda error: isinstance(error, Unavailable),
            },
            run,
        )

    async def progress(self, done: int, total: int | None = None, message: str = "") -> None:
        now = asyncio.get_running_loop().time()
        if now - self._told_at < PROGRESS_SECONDS and done != total:
            return
        self._told_at = now
        async with self._database.transaction() as tx:
            stop = await store.progress(tx, self.id, done, total, message)
        if stop:
            raise JobCancelled


class JobRunner:
    """Runs what was asked for. One per process; `executor` names the worker's slot and stays over restarts.

    Give `step` to a drain between `start` and `stop`.
    """

    def __init__(self, database: Database, clock: Clock, jobs: Sequence[Job], *, executor: str = "worker") -> None:
        self._database = database
        self._clock = clock
        self._jobs = {job.name: job for job in jobs}
        if len(self._jobs) != len(jobs):
            raise ValueError("two jobs have one name")
        self._executor = executor
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._tried: dict[str, float] = {}
        self._stopping = False
        self._reconciled_at = float("-inf")
        self._workflow: Callable[[str], Any] | None = None

    async def start(self) -> None:
        """Launch DBOS on this event loop; jobs that a crash interrupted go on by themselves."""
        logging.getLogger("dbos").addHandler(logging.NullHandler())  # with one there, DBOS adds none of its own
        config: DBOSConfig = {
            "name": "nightmarket",
            "system_database_url": self._database.url,
            "dbos_system_schema": "dbos",
            "sys_db_pool_size": RUNNING_LIMIT,
            "use_listen_notify": False,
            "enable_otlp": False,
            "log_level": "WARNING",
            "application_version": VERSION,
            "executor_id": self._executor,
            "max_executor_threads": THREADS_LIMIT,
        }
        DBOS(config=config)

        async def run(job_id: str) -> str:
            return await self._run(job_id)

        self._workflow = DBOS.workflow(name="nightmarket.job", max_recovery_attempts=RECOVERIES_LIMIT)(run)
        DBOS.launch()

    async def stop(self) -> None:
        """Interrupt what runs, which goes on at the next start, and leave DBOS. Takes about a second."""
        self._stopping = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        loop = asyncio.get_running_loop()
        leaving = ThreadPoolExecutor(max_workers=1)
        await loop.run_in_executor(leaving, lambda: DBOS.destroy(destroy_registry=True))
        leaving.shutdown()
        loop.set_default_executor(ThreadPoolExecutor())  # DBOS had put its own there, which is closed now

    async def step(self) -> int:
        """Start jobs that wait, as many as there is room for. Returns how many."""
        await self._reconcile()
        now = asyncio.get_running_loop().time()
        self._tried = {job_id: at for job_id, at in self._tried.items() if now - at < TRY_AGAIN_SECONDS}
        taken = self._tasks.keys() | self._tried.keys()
        room = RUNNING_LIMIT - len(taken)
        if room <= 0:
            return 0
        async with self._database.read() as connection:
            waiting = await store.queued(connection, RUNNING_LIMIT * 2)
        fresh = [job_id for job_id in waiting if job_id not in taken][:room]
        for job_id in fresh:
            self._tried[job_id] = now
            await self._launch(job_id)
        return len(fresh)

    async def _launch(self, job_id: str) -> None:
        """Hand a job to DBOS, which runs an id once, however many workers try."""
        assert self._workflow is not None, "start() comes before step()"
        with SetWorkflowID(job_id):
            handle = await DBOS.start_workflow_async(self._workflow, job_id)
        if (await handle.get_status()).status in _ENDED and job_id not in self._tasks:
            await self._give_up(job_id, "A job with this id has ended before; ask for it with another id.")

    async def _give_up(self, job_id: str, why: str) -> None:
        async with self._database.transaction() as tx:
            if await store.begin(tx, job_id, self._clock.now()) is not None:
                await store.finish(tx, job_id, JobState.FAILED, self._clock.now(), (None, why))

    async def _run(self, job_id: str) -> str:
        """The workflow. Ends with the job's state; only an interrupted process leaves it unfinished."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks[job_id] = task
        self._tried.pop(job_id, None)
        try:
            async with self._database.transaction() as tx:
                status = await store.begin(tx, job_id, self._clock.now())
            if status is None:
                return "ended before"
            with structlog.contextvars.bound_contextvars(job=job_id):
                state, message, failure = await self._work(status)
            async with self._database.transaction() as tx:
                await store.finish(tx, job_id, state, self._clock.now(), (message, failure))
            log.info("job_ended", job=job_id, name=status.name, state=state.value)
            return state.value
        finally:
            self._tasks.pop(job_id, None)

    async def _work(self, status: JobStatus) -> tuple[JobState, str | None, str | None]:
        job = self._jobs.get(status.name)
        if job is None:
            return JobState.FAILED, None, f"This release knows no job called {status.name}."
        try:
            if status.cancel_asked:
                raise JobCancelled
            message = await job.run(_Context(self._database, status))
        except JobCancelled:
            return JobState.CANCELLED, None, None
        except Problem as problem:
            return JobState.FAILED, None, problem.detail[:MAX_FAILURE_LETTERS]
        except Unavailable as error:
            return JobState.FAILED, None, f"{error.what} Ask for the job again when it is back."
        except Exception as error:
            log.exception("job_failed", name=status.name)
            return JobState.FAILED, None, f"{type(error).__name__}: {error}"[:MAX_FAILURE_LETTERS]
        return JobState.DONE, message, None

    async def sweep(self) -> int:
        """Forget jobs that ended 90 days ago, here and in DBOS; for a drain. Returns how many."""
        async with self._database.transaction() as tx:
            forgotten = await store.sweep(tx, self._clock.now() - KEPT, SWEEP_LIMIT)
        if forgotten:
            await DBOS.delete_workflows_async(forgotten)
        return len(forgotten)

    async def _reconcile(self) -> None:
        """Mark as failed what DBOS has given up on, and start what it has lost: nothing seems to run for ever."""
        now = asyncio.get_running_loop().time()
        if now - self._reconciled_at < RECONCILE_SECONDS:
            return
        self._reconciled_at = now
        async with self._database.read() as connection:
            running = await store.running(connection, 1_000)
        lost = [job_id for job_id in running if job_id not in self._tasks]
        if not lost:
            return
        known = await DBOS.list_workflows_async(workflow_ids=lost, load_input=False, load_output=False)
        states = {workflow.workflow_id: workflow.status for workflow in known}
        for job_id in lost:
            state = states.get(job_id)
            if state is None:
                await self._launch(job_id)
            elif state in _ENDED:
                await self._give_up(job_id, f"The job was given up after repeated interruptions ({state.lower()}).")
