"""Group commit: what arrives while the last batch commits is committed together in the next.

No timer: an idle lane starts at once, so a lone caller waits for its own commit only. A large crowd goes in halves:
whoever was answered asks again soon, and while PostgreSQL works for one half, this process reads and answers the
other's requests. In one batch for all, each would stand idle while the other works. The failure contract:

- A full queue refuses at once (`Unavailable`), so overload is cheap. Whoever has waited longer than RETRY_SECONDS when
  a batch begins is refused instead of done late.
- Deadlock, serialization failure and lock timeout retry the whole batch.
- A connection lost, also at COMMIT, retries the whole batch: **work must be repeatable by id**, so running it again
  after it was committed finds the stored outcome and returns that. Nothing is guessed. While the database stays away
  past RETRY_SECONDS, the batch and all who wait behind it are told so (`Unavailable`).
- A batch that fails otherwise, be it by a Problem raised instead of returned, is split in halves until the offender
  stands alone; only that one gets the error.
- A caller that gives up changes nothing: its work is done or refused as if it still waited.

Lanes that change the same rows may share a `Turn`: each batch begins when no other lane's is in flight, and takes all
that came meanwhile, so the same work goes in fewer batches. One that fails gives its turn up: what is wrong in one lane
holds up no other.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Generic, TypeVar

import asyncpg
import structlog

from nightmarket.kernel.problems import Defect, Problem, Unavailable

from .database import CONNECTION_LOST, Connection, Database
from .pipeline import pipelined

BATCH_LIMIT = 500
UNDIVIDED = 256
"""A crowd of up to that many goes at once: a batch's statements cost much the same however many are in it, so halves of
it cost a tenth more an order in process, and on two cores two processes overlap anyway (docs/benchmarks)."""

QUEUE_LIMIT = 8_000
RETRY_LIMIT = 12
RETRY_SECONDS = 10.0
"""How long a batch keeps trying while the database is away, before its callers and all who wait behind are told so; and
how long anybody waits for a batch to begin: a client that still waits then repeats with the same key."""

FIRST_PAUSE_SECONDS = 0.005
LONGEST_PAUSE_SECONDS = 2.0
NO_ANSWER = "The database does not answer; repeat the request with the same key in a moment."


class Again(Exception):
    """Raised by work that has to run its batch once more, having learnt something (see tally: slices)."""


RETRYABLE = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError)
ONCE_MORE = (asyncpg.UniqueViolationError, asyncpg.TransactionTimeoutError)
"""Retried once, then the batch is split: a twin of an item, or this batch before its connection was lost, may have been
committing when the item was looked up, and is found now; a batch that lasts too long gets through in halves."""

I = TypeVar("I")  # noqa: E741
O = TypeVar("O")  # noqa: E741

Work = Callable[[Connection, Sequence[I]], Awaitable[Sequence[O | Problem]]]
"""Does a list of items in a transaction; returns one outcome per item, in order. A Problem refuses its item only."""

log = structlog.get_logger(__name__)


@asynccontextmanager
async def _ordinary(connection: Connection) -> AsyncGenerator[None]:
    async with connection.transaction():
        yield


class Turn:
    """What lanes share that take turns. Each of them holds it while the first try of a batch is in flight."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._holder: object = None
        self._waiting = 0

    async def take(self, lane: object) -> bool:
        """Wait until no other lane has it; says whether one had."""
        waits = self._holder is not None or self._waiting > 0
        self._waiting += 1
        try:
            await self._lock.acquire()
        finally:
            self._waiting -= 1
        self._holder = lane
        return waits

    def end(self, lane: object) -> None:
        """Give it to the next, if this lane has it."""
        if self._holder is lane:
            self._holder = None
            self._lock.release()


class GroupCommit(Generic[I, O]):
    """A lane into the database. `submit` is called by many; one batch at a time is in flight."""

    _transaction: Callable[[Connection], AbstractAsyncContextManager[None]] = staticmethod(_ordinary)

    def __init__(
        self,
        name: str,
        database: Database,
        work: Work[I, O],
        *,
        batch_limit: int = BATCH_LIMIT,
        queue_limit: int = QUEUE_LIMIT,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self.name = name
        self.batches = 0
        self.items = 0
        self.retries = 0
        self._database = database
        self._work = work
        self._batch_limit = batch_limit
        self._queue_limit = queue_limit
        self._retry_seconds = retry_seconds
        self.turn = Turn()
        """To be replaced, before anything is submitted, by one that is shared."""
        self.overdue = 0
        self._queue: deque[tuple[I, asyncio.Future[O], float]] = deque()
        self._running: asyncio.Task[None] | None = None
        self._away = False

    def submit(self, item: I, since: float | None = None) -> "asyncio.Future[O]":
        """Queue one item; the future gives its outcome or raises its Problem, Defect or Unavailable. Its caller waits
        `since` then, on the loop's clock: now, if not said."""
        if len(self._queue) >= self._queue_limit:
            raise Unavailable("Too many requests are waiting; try again in a moment.", retry_after_seconds=1)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[O] = loop.create_future()
        self._queue.append((item, future, loop.time() if since is None else since))
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name=f"group-commit-{self.name}")
        return future

    async def drain(self) -> None:
        """Wait until nothing is queued or in flight."""
        while self._running is not None:
            await asyncio.shield(self._running)

    async def _run(self) -> None:
        batch: list[tuple[I, asyncio.Future[O], float]] = []
        try:
            while self._queue:
                gathered = await self.turn.take(self)
                self._drop_overdue()
                half = (len(batch) + len(self._queue) + 1) // 2
                most = min(len(self._queue), self._batch_limit)
                if not gathered:
                    most = min(most, max(half, UNDIVIDED))
                batch = [self._queue.popleft() for _ in range(most)]
                if not batch:
                    break
                outcomes = await self._settle([item for item, _, _ in batch])
                self.turn.end(self)
                for (_, future, _), outcome in zip(batch, outcomes, strict=True):
                    if future.done():
                        continue
                    if isinstance(outcome, BaseException):
                        future.set_exception(outcome)
                    else:
                        future.set_result(outcome)
                if self._away:
                    self._refuse(self._queue)
                    self._queue.clear()
        finally:  # also when this task is cancelled: nobody waits for ever
            self.turn.end(self)
            self._refuse([*batch, *self._queue])
            self._queue.clear()
            self._running = None

    def _drop_overdue(self) -> None:
        """Refuse those who have waited too long: done late is not done well."""
        oldest = asyncio.get_running_loop().time() - self._retry_seconds
        while self._queue and self._queue[0][2] < oldest:
            self.overdue += 1
            self._refuse([self._queue.popleft()])

    def _refuse(self, waiting: Iterable[tuple[I, asyncio.Future[O], float]]) -> None:
        for _, future, _ in waiting:
            if not future.done():
                future.set_exception(Unavailable(NO_ANSWER))

    async def _settle(self, items: Sequence[I]) -> Sequence[O | BaseException]:
        """Commit the items, splitting where one of them spoils the rest."""
        try:
            return await self._commit(items)
        except Unavailable:
            return [Unavailable(NO_ANSWER) for _ in items]
        except Exception as error:  # noqa: BLE001 (one offender must not fail its batch)
            spoilt = error
        if len(items) > 1:
            half = len(items) // 2
            return [*await self._settle(items[:half]), *await self._settle(items[half:])]
        if isinstance(spoilt, CONNECTION_LOST):  # it outlasts every transaction
            return [Unavailable(NO_ANSWER)]
        if not isinstance(spoilt, Problem):
            log.error("item_refused", lane=self.name, exc_info=spoilt)
        return [spoilt]

    async def _commit(self, items: Sequence[I]) -> Sequence[O | Problem]:
        """Run the batch until it is committed. Raises Unavailable when tries or time are up, else what spoils it."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._retry_seconds
        pause = FIRST_PAUSE_SECONDS
        repeated: set[type[Exception]] = set()
        away = False
        for _ in range(RETRY_LIMIT):
            try:
                return await self._once(items)
            except Again:
                self._note("batch_repeated", items, "Again")
                continue
            except ONCE_MORE as error:
                if type(error) in repeated:
                    raise
                repeated.add(type(error))
                self._note("batch_retried", items, type(error).__name__)
            except RETRYABLE as error:
                away = False
                self._note("batch_retried", items, type(error).__name__)
            except CONNECTION_LOST as error:
                away = True
                self._note("connection_lost", items, type(error).__name__)
            if loop.time() + pause > deadline:
                break
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        self._away = away
        raise Unavailable(NO_ANSWER)

    async def _once(self, items: Sequence[I]) -> Sequence[O | Problem]:
        try:
            async with self._database.committing() as connection, self._transaction(connection):
                outcomes = await self._work(connection, items)
                if len(outcomes) != len(items):
                    raise Defect(f"lane {self.name} gave {len(outcomes)} outcomes for {len(items)} items")
        except BaseException:
            self.turn.end(self)
            raise
        self._away = False
        self.batches += 1
        self.items += len(items)
        return outcomes

    def _note(self, event: str, items: Sequence[I], reason: str) -> None:
        self.retries += 1
        log.info(event, lane=self.name, items=len(items), reason=reason)


class PipelinedCommit(GroupCommit[I, O]):
    """A lane whose work writes with `later`: its statements travel together with COMMIT (pipeline.py)."""

    _transaction = staticmethod(pipelined)


class OneTry(PipelinedCommit[I, O | None]):
    """A lane that tries once. Whatever goes wrong, all of the batch get None, to go another way: by a lane that keeps
    the contract above. `missed` is called before they do."""

    missed: Callable[[], None] = staticmethod(lambda: None)

    async def _settle(self, items: Sequence[I]) -> Sequence[O | None | BaseException]:
        try:
            return await self._once(items)
        except Exception as error:  # noqa: BLE001 (the other way finds out who is to blame)
            self._note("batch_missed", items, type(error).__name__)
            self.missed()
            return [None] * len(items)
