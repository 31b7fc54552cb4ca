"""Consumers of facts: each records what it has handled in the transaction of its effect, so each fact works once."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import structlog

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.problems import Unavailable

from .database import CONNECTION_LOST, Connection, Database, Record
from .facts import BEHIND_ALL, READ_LIMIT, Cursor, Fact, head, read
from .group_commit import RETRYABLE

IDLE_SECONDS = 0.1
FAILURE_SECONDS = 1.0
SKIP_TRANSACTIONS = 1_000
"""A consumer that hears nothing for so many transactions moves on, so that it does not search the same facts again."""

LONGEST_SLEEP_SECONDS = 5.0
"""An idle consumer that a watch wakes looks by itself this often, which moves its place on."""

Handler = Callable[[Connection, Sequence[Fact]], Awaitable[None]]

log = structlog.get_logger(__name__)


class Subscription(msgspec.Struct, frozen=True):
    """A consumer: its name (its place in the log), the kinds it hears, and what it does with a list of facts.

    `handle` runs inside the transaction that moves the cursor; when it raises, neither happened.
    """

    name: str
    kinds: tuple[str, ...]
    handle: Handler


_ENSURE = "INSERT INTO platform.subscription (name) VALUES ($1) ON CONFLICT DO NOTHING"
_STANDS = """
SELECT epoch, xid::text::bigint AS xid, sequence, failing_since, platform.current_epoch() AS head_epoch,
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1 AS head_xid
FROM platform.subscription WHERE name = $1
"""
_LOCK = """
SELECT epoch, xid::text::bigint AS xid, sequence FROM platform.subscription WHERE name = $1 FOR UPDATE SKIP LOCKED
"""
_MOVE = """
UPDATE platform.subscription SET epoch = $2, xid = $3::bigint::text::xid8, sequence = $4, handled = handled + $5,
    moved_at = $6, failing_since = NULL, failure = NULL WHERE name = $1
"""
_FAIL = """
UPDATE platform.subscription SET failing_since = coalesce(failing_since, $2), failure = $3 WHERE name = $1
"""
_LAGS = """
SELECT s.name, s.handled, s.moved_at, s.failing_since, s.failure,
    (SELECT min(f.at) FROM platform.fact f WHERE (f.epoch, f.xid, f.sequence) > (s.epoch, s.xid, s.sequence)
        AND f.kind = ANY($1::text[])) AS waiting_since
FROM platform.subscription s WHERE s.name = $2
"""


class Lag(msgspec.Struct, frozen=True):
    """How far behind a consumer is; `seconds` is the age of the oldest fact it has not handled."""

    name: str
    handled: int
    seconds: float
    failure: str | None


_NEWS = """
SELECT platform.current_epoch() AS epoch, pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1 AS xid,
    ARRAY(SELECT DISTINCT kind FROM platform.fact
        WHERE (epoch, xid, sequence) > ($1::integer, $2::bigint::text::xid8, $3::bigint)
          AND (epoch < platform.current_epoch() OR xid < pg_snapshot_xmin(pg_current_snapshot()))) AS kinds
"""


class Watch:
    """One look at the log for all consumers of a process, ten times a second, so that idle ones cost nothing."""

    def __init__(self, database: Database, subscriptions: Sequence[Subscription]) -> None:
        self._database = database
        self._cursor: Cursor | None = None
        self._bells = {one.name: asyncio.Event() for one in subscriptions}
        self._hearing: dict[str, list[asyncio.Event]] = {}
        for one in subscriptions:
            for kind in one.kinds:
                self._hearing.setdefault(kind, []).append(self._bells[one.name])

    def begin(self, subscription: Subscription) -> None:
        """Before a consumer looks: what comes from now on rings again."""
        self._bells[subscription.name].clear()

    async def wait(self, subscription: Subscription) -> None:
        """Until there is news for a consumer, or LONGEST_SLEEP_SECONDS are over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_SLEEP_SECONDS):
                await self._bells[subscription.name].wait()

    async def look(self) -> None:
        """Ring for the kinds that have come since the last look."""
        async with self._database.read() as connection:
            cursor = self._cursor
            if cursor is None:  # they look by themselves at first
                self._cursor = await head(connection)
                return
            row = await connection.fetchrow(_NEWS, cursor.epoch, cursor.xid, cursor.sequence)
        assert row is not None
        self._cursor = Cursor(row["epoch"], row["xid"], BEHIND_ALL)
        for kind in row["kinds"]:
            for bell in self._hearing.get(kind, ()):
                bell.set()

    async def run(self) -> None:
        """For ever; the database may come and go."""
        while True:
            try:
                await self.look()
            except (Unavailable, *CONNECTION_LOST) as error:
                log.info("watch_waits", reason=type(error).__name__)
            await asyncio.sleep(IDLE_SECONDS)


async def ensure(tx: Connection, subscription: Subscription) -> None:
    """Give the consumer its row, before everything, where it has none."""
    await tx.execute(_ENSURE, subscription.name)


async def step(tx: Connection, subscription: Subscription, clock: Clock, limit: int = READ_LIMIT) -> int:
    """Handle the next facts inside the given transaction. Returns the rows handled; 0 when none or another is at it.

    Reads before it locks: an idle consumer writes nothing, and its own transaction does not hold facts back. Only a
    failure that has passed is taken back, also where nothing is left to do.
    """
    row = await tx.fetchrow(_STANDS, subscription.name)
    if row is None:
        return 0
    cursor = _cursor(row)
    end = Cursor(row["head_epoch"], row["head_xid"], BEHIND_ALL)
    facts = await read(tx, cursor, subscription.kinds, limit)
    quiet = end.epoch == cursor.epoch and end.xid - cursor.xid < SKIP_TRANSACTIONS
    if not facts and quiet and row["failing_since"] is None:
        return 0
    row = await tx.fetchrow(_LOCK, subscription.name)
    if row is None or _cursor(row) != cursor:
        return 0
    if facts:
        await subscription.handle(tx, facts)
        end = facts[-1].cursor
    await tx.execute(_MOVE, subscription.name, end.epoch, end.xid, end.sequence, len(facts), clock.now())
    return len(facts)


def _cursor(row: Record) -> Cursor:
    return Cursor(row["epoch"], row["xid"], row["sequence"])


async def lag(connection: Connection, subscription: Subscription, clock: Clock) -> Lag:
    """How far behind the consumer is now."""
    row = await connection.fetchrow(_LAGS, list(subscription.kinds), subscription.name)
    if row is None:
        return Lag(subscription.name, 0, 0.0, "it has never run")
    since = row["waiting_since"]
    seconds = max(0.0, (clock.now() - since).total_seconds()) if since else 0.0
    return Lag(subscription.name, row["handled"], seconds, row["failure"])


async def follow(
    database: Database,
    subscription: Subscription,
    clock: Clock,
    *,
    watch: Watch | None = None,
    failure_seconds: float = FAILURE_SECONDS,
) -> None:
    """Run a consumer for ever: at once while it is behind, else when a watch rings (without one ten times a second); a
    failure is kept and retried.

    After a failure it takes half as many facts, so that what lasts too long gets through, and what comes before a fact
    that cannot be handled is done.
    """
    known = False
    limit = READ_LIMIT
    while True:
        asked = limit
        if watch is not None:
            watch.begin(subscription)
        try:
            async with database.committing() as connection, connection.transaction():
                if not known:
                    await ensure(connection, subscription)
                handled = await step(connection, subscription, clock, asked)
            known = True
            limit = min(READ_LIMIT, asked * 2)
            if handled == asked:
                await asyncio.sleep(0)
            elif watch is None:
                await asyncio.sleep(0 if handled else IDLE_SECONDS)
            else:  # what came meanwhile rings, and facts of a tenth of a second are handled together
                await watch.wait(subscription)
        except RETRYABLE as error:
            log.info("subscription_retried", subscription=subscription.name, reason=type(error).__name__)
            await asyncio.sleep(IDLE_SECONDS)
        except Exception as error:
            log.warning("subscription_failed", subscription=subscription.name, exc_info=error)
            limit = max(1, asked // 2)
            await _note_failure(database, subscription, clock, error)
            await asyncio.sleep(failure_seconds)


async def _note_failure(database: Database, subscription: Subscription, clock: Clock, error: Exception) -> None:
    try:
        async with database.committing() as connection:
            await connection.execute(_FAIL, subscription.name, clock.now(), f"{type(error).__name__}: {error}"[:500])
    except CONNECTION_LOST:
        log.warning("failure_not_noted", subscription=subscription.name)
