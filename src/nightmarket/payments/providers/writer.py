"""One SQLite connection in one thread: what is asked while a transaction runs goes into the next, together."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

from nightmarket.kernel.problems import Problem, Unavailable
from nightmarket.payments.store import testpay as store

BATCH_LIMIT = 500
QUEUE_LIMIT = 20_000

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741
Operation = Callable[[sqlite3.Connection], Any]
Together = Callable[[sqlite3.Connection, Sequence[Any]], Sequence[Any]]
"""Does a list of things at once; one outcome each, a Problem among them refuses only its own."""


class Writer:
    """Runs operations inside transactions; an operation that raises a Problem must have changed nothing before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="testpay")
        self._connection: sqlite3.Connection | None = None
        self._queue: deque[tuple[Operation | Together, Any, asyncio.Future[Any]]] = deque()
        self._running: asyncio.Task[None] | None = None

    def submit(self, operation: Callable[[sqlite3.Connection], T]) -> "asyncio.Future[T]":
        """Queue an operation; the future gives its result, committed."""
        return self._put(operation, _ALONE)

    def submit_item(
        self, work: Callable[[sqlite3.Connection, Sequence[I]], Sequence[T | Problem]], item: I
    ) -> "asyncio.Future[T]":
        """Queue an item; those of one work that follow one another are done together."""
        return self._put(work, item)

    def _put(self, work: Operation | Together, item: object) -> "asyncio.Future[Any]":
        if len(self._queue) >= QUEUE_LIMIT:
            raise Unavailable("The test provider has too many requests waiting.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._queue.append((work, item, future))
        if self._running is None:
            self._running = loop.create_task(self._run(), name="testpay-writer")
        return future

    async def close(self) -> None:
        """Finish what is queued and let the file go."""
        if self._running is not None:
            await self._running
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0)  # who asks in the same round of the loop shares the transaction
        try:
            while self._queue:
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), BATCH_LIMIT))]
                try:
                    outcomes = await loop.run_in_executor(self._thread, self._transact, [entry[:2] for entry in batch])
                except BaseException as error:
                    for _, _, future in batch:
                        if not future.done():
                            future.set_exception(Unavailable(f"The test provider broke down: {error!r}"))
                    raise
                for (_, _, future), outcome in zip(batch, outcomes, strict=True):
                    if future.done():
                        continue
                    if isinstance(outcome, Exception):
                        future.set_exception(outcome)
                    else:
                        future.set_result(outcome)
        finally:
            self._running = None

    def _transact(self, entries: "list[tuple[Operation | Together, Any]]") -> list[Any]:
        try:
            if self._connection is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._connection = store.connect(self._path)
            with store.transaction(self._connection) as connection:
                outcomes: list[Any] = []
                for work, group in groupby(entries, key=itemgetter(0)):
                    outcomes += _attempt(work, [item for _, item in group], connection)
                return outcomes
        except sqlite3.Error as error:
            return [Unavailable(f"The test provider does not answer: {error}")] * len(entries)


_ALONE = object()
"""In the place of an item: the work is an operation of its own."""


def _attempt(work: Any, items: Sequence[Any], connection: sqlite3.Connection) -> Sequence[Any]:
    if items[0] is not _ALONE:
        return work(connection, items)
    outcomes: list[Any] = []
    for _ in items:
        try:
            outcomes.append(work(connection))
        except Problem as problem:
            outcomes.append(problem)
    return outcomes
