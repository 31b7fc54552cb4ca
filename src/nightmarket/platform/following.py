"""Following facts for ever: one look at the log serves all consumers of a process, and those that are joint work in one
transaction. What goes wrong there, or lies too far back, each consumer does by itself."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

import structlog

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.problems import Unavailable

from .database import CONNECTION_LOST, Connection, Database, Record
from .facts import BEHIND_ALL, READ_LIMIT, Cursor, Fact, head
from .group_commit import RETRYABLE
from .subscriptions import Subscription, ensure, step

IDLE_SECONDS = 0.1
FAILURE_SECONDS = 1.0
LONGEST_SLEEP_SECONDS = 5.0
"""An idle consumer that a watch wakes looks by itself this often, which moves its place on."""

LOOK_LIMIT = 50
"""Rows that one look reads at most, so that a joint transaction stays short; more are read at once afterwards."""

log = structlog.get_logger(__name__)

_LOOK = """
SELECT h.epoch AS head_epoch, h.xid AS head_xid, f.* FROM
    (SELECT platform.current_epoch() AS epoch, pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1 AS xid) AS h
LEFT JOIN LATERAL (
    SELECT id, epoch, xid::text::bigint AS xid, sequence, at, kind, amount,
        CASE WHEN kind = ANY($5::text[]) THEN payload END AS payload
    FROM platform.fact WHERE (epoch, xid, sequence) > ($1::integer, $2::bigint::text::xid8, $3::bigint)
        AND (epoch < (SELECT platform.current_epoch()) OR xid < (SELECT pg_snapshot_xmin(pg_current_snapshot())))
        AND kind = ANY($4::text[])
    ORDER BY platform.fact.epoch, platform.fact.xid, platform.fact.sequence LIMIT $6
) AS f ON true
"""
_LOCK = """
SELECT name, epoch, xid::text::bigint AS xid, sequence, failing_since FROM platform.subscription
WHERE name = ANY($1::text[]) ORDER BY name FOR UPDATE SKIP LOCKED
"""
_MOVE = """
UPDATE platform.subscription AS s SET epoch = $3, xid = $4::bigint::text::xid8, sequence = $5,
    handled = s.handled + moved.handled, moved_at = $6
FROM unnest($1::text[], $2::bigint[]) AS moved (name, handled) WHERE s.name = moved.name
"""
_FAIL = """
UPDATE platform.subscription SET failing_since = coalesce(failing_since, $2), failure = $3 WHERE name = $1
"""


class Watch:
    """One look at the log for all consumers of a process, ten times a second, so that idle ones cost nothing.

    What it reads it hands to the joint ones, all in one transaction. A consumer is left to itself, as one that is not
    joint always is, where it stands before what was read, where another process is at it, where it is failing, and
    where the joint transaction came to nothing.
    """

    def __init__(self, database: Database, subscriptions: Sequence[Subscription], clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._subscriptions = tuple(subscriptions)
        self._kinds = sorted({kind for one in subscriptions for kind in one.kinds})
        self._joint_kinds = sorted({kind for one in subscriptions if one.joint for kind in one.kinds})
        self._cursor: Cursor | None = None
        self._seen: dict[str, Cursor] = {}
        """For each consumer a place behind which no look has found anything that was left to it."""
        self._bells = {one.name: asyncio.Event() for one in subscriptions}

    def begin(self, subscription: Subscription) -> None:
        """Before a consumer looks: what comes from now on rings again."""
        self._bells[subscription.name].clear()

    async def wait(self, subscription: Subscription) -> None:
        """Until there is news for a consumer, or LONGEST_SLEEP_SECONDS are over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_SLEEP_SECONDS):
                await self._bells[subscription.name].wait()

    async def look(self) -> int:
        """See what has come since the last look: hand it to the joint consumers, ring for the others. Returns how many
        facts it were."""
        async with self._database.read() as connection:
            cursor = self._cursor
            if cursor is None:  # they look by themselves at first
                self._cursor = await head(connection)
                self._seen = dict.fromkeys(self._bells, self._cursor)
                return 0
            place = (cursor.epoch, cursor.xid, cursor.sequence)
            rows = await connection.fetch(_LOOK, *place, self._kinds, self._joint_kinds, LOOK_LIMIT)
        facts = [_fact(row) for row in rows if row["id"] is not None]
        end = facts[-1].cursor if len(facts) == LOOK_LIMIT else _end(rows[0])
        self._cursor = end
        kinds = {fact.kind for fact in facts}
        hearing = [one for one in self._subscriptions if not kinds.isdisjoint(one.kinds)]
        left = {one.name for one in hearing if not one.joint}
        self._ring(left)
        left = {one.name for one in hearing if one.joint}
        try:
            if left:
                left -= await self._together([one for one in hearing if one.joint], facts, end)
        except Exception as error:  # noqa: BLE001 (each is told by itself, and notes its own failure)
            log.info("joint_consumers_part", reason=f"{type(error).__name__}: {error}")
        finally:
            self._seen.update((one.name, end) for one in hearing)
            self._ring(left)
        return len(facts)

    async def run(self) -> None:
        """For ever; the database may come and go."""
        while True:
            seen = 0
            try:
                seen = await self.look()
            except (Unavailable, *CONNECTION_LOST) as error:
                log.info("watch_waits", reason=type(error).__name__)
            await asyncio.sleep(0 if seen == LOOK_LIMIT else IDLE_SECONDS)

    async def _together(self, hearing: Sequence[Subscription], facts: Sequence[Fact], end: Cursor) -> set[str]:
        """Let these consumers handle what was read, in one transaction; returns the names of those who did."""
        async with self._database.committing() as connection, connection.transaction():
            rows = await connection.fetch(_LOCK, [one.name for one in hearing])
            places = {row["name"]: _place(row) for row in rows if row["failing_since"] is None}
            able = {name for name, place in places.items() if place >= self._seen[name]}
            behind = [one for one in hearing if one.name in able and places[one.name] < end]
            handled = await self._handle(connection, behind, facts, places)
            if handled:
                moved = [*handled], [*handled.values()]
                await connection.execute(_MOVE, *moved, end.epoch, end.xid, end.sequence, self._clock.now())
        return able

    async def _handle(
        self, tx: Connection, behind: Sequence[Subscription], facts: Sequence[Fact], places: Mapping[str, Cursor]
    ) -> dict[str, int]:
        """Let each consumer handle what comes after its place; returns how many facts it were."""
        handled: dict[str, int] = {}
        for one in behind:
            place = places[one.name]
            news = [fact for fact in facts if fact.kind in one.kinds and fact.cursor > place]
            if news:
                await one.handle(tx, news)
            handled[one.name] = len(news)
        return handled

    def _ring(self, names: set[str]) -> None:
        for name in names:
            self._bells[name].set()


def _fact(row: Record) -> Fact:
    return Fact(
        id=row["id"], cursor=_place(row), at=row["at"], kind=row["kind"], amount=row["amount"], payload=row["payload"]
    )


def _place(row: Record) -> Cursor:
    return Cursor(row["epoch"], row["xid"], row["sequence"])


def _end(row: Record) -> Cursor:
    return Cursor(row["head_epoch"], row["head_xid"], BEHIND_ALL)


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
