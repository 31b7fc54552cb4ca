"""Group commit: what arrives while the last batch commits is committed together in the next.

No timer: an idle lane starts at once, so a lone caller waits for its own commit only. The failure contract:

- A full queue refuses at once (`Unavailable`), so overload is cheap.
- Deadlock, serialization failure and lock timeout retry the whole batch.
- A connection lost, also at COMMIT, retries the whole batch: **work must be repeatable by id**, so running it again
  after it was committed finds the stored outcome and returns that. Nothing is guessed.
- A batch that fails otherwise is split in halves until the offender stands alone; only that one gets the error.
- A caller that gives up changes nothing: its work is done or refused as if it still waited.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import asyncpg
import structlog

from nightmarket.kernel.problems import Problem, Unavailable

from .database import CONNECTION_LOST, Connection, Database

BATCH_LIMIT = 500
QUEUE_LIMIT = 8_000
RETRY_LIMIT = 12
RETRY_SECONDS = 10.0
"""How long a batch keeps trying while the database is away, before its callers are told so."""


class Again(Exception):
    """Raised by work that has to run its batch once more, having learnt something (see tally: slices)."""


RETRYABLE = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError, Again)

I = TypeVar("I")  # noqa: E741
O = TypeVar("O")  # noqa: E741

Work = Callable[[Connection, Sequence[I]], Awaitable[Sequence[O | Problem]]]
"""Does a list of items inside a transaction; returns one outcome per item, in order. A Problem refuses its item only."""

log = structlog.get_logger(__name__)


class GroupCommit(Generic[I, O]):
    """A lane into the database. `submit` is called by many; one batch at a time is in flight."""

    def __init__(
        self,
        name: str,
        database: Database,
        work: Work[I, O],
        *,
        batch_limit: int = BATCH_LIMIT,
        queue_limit: int = QUEUE_LIMIT,
    ) -> None:
        self.name = name
        self.batches = 0
        self.items = 0
        self.retries = 0
        self._database = database
        self._work = work
        self._batch_limit = batch_limit
        self._queue_limit = queue_limit
        self._queue: deque[tuple[I, asyncio.Future[O]]] = deque()
        self._running: asyncio.Task[None] | None = None

    def submit(self, item: I) -> "asyncio.Future[O]":
        """Queue one item; the future gives its outcome or raises its Problem, Defect or Unavailable."""
        if len(self._queue) >= self._queue_limit:
            raise Unavailable("Too many requests are waiting; try again in a moment.", retry_after_seconds=1)
        future: asyncio.Future[O] = asyncio.get_running_loop().create_future()
        self._queue.append((item, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name=f"group-commit-{self.name}")
        return future

    async def drain(self) -> None:
        """Wait until nothing is queued or in flight."""
        while self._running is not None:
            await asyncio.shield(self._running)

    async def _run(self) -> None:
        try:
            while self._queue:
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), self._batch_limit))]
                outcomes = await self._settle([item for item, _ in batch])
                for (_, future), outcome in zip(batch, outcomes, strict=True):
                    if future.done():
                        continue
                    if isinstance(outcome, BaseException):
                        future.set_exception(outcome)
                    else:
                        future.set_result(outcome)
        finally:
            self._running = None

    async def _settle(self, items: Sequence[I]) -> Sequence[O | BaseException]:
        """Commit the items, splitting where one of them spoils the rest."""
        try:
            return await self._commit(items)
        except (Unavailable, Problem) as error:
            return [error] * len(items)
        except Exception as error:
            if len(items) == 1:
                log.exception("item_refused", lane=self.name)
                return [error]
            half = len(items) // 2
            return [*await self._settle(items[:half]), *await self._settle(items[half:])]

    async def _commit(self, items: Sequence[I]) -> Sequence[O | Problem]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + RETRY_SECONDS
        pause = 0.005
        for _ in range(RETRY_LIMIT):
            try:
                async with self._database.committing() as connection, connection.transaction():
                    outcomes = await self._work(connection, items)
                self.batches += 1
                self.items += len(items)
                return outcomes
            except RETRYABLE as error:
                log.info("batch_retried", lane=self.name, items=len(items), reason=type(error).__name__)
            except CONNECTION_LOST as error:
                log.warning("connection_lost", lane=self.name, items=len(items), reason=type(error).__name__)
            self.retries += 1
            if loop.time() + pause > deadline:
                break
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)
        raise Unavailable("The database does not answer; repeat the request with the same key in a moment.")
