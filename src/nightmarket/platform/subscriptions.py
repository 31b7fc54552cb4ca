"""Consumers of facts: each records what it has handled in the transaction of its effect, so each fact works once."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from nightmarket.kernel.clock import Clock

from .database import Connection, Record
from .facts import BEHIND_ALL, READ_LIMIT, Cursor, Fact, read

SKIP_TRANSACTIONS = 1_000
"""A consumer that hears nothing for so many transactions moves on, so that it does not search the same facts again."""

Handler = Callable[[Connection, Sequence[Fact]], Awaitable[None]]


class Subscription(msgspec.Struct, frozen=True):
    """A consumer: its name (its place in the log), the kinds it hears, and what it does with a list of facts.

    `handle` runs inside the transaction that moves the cursor; when it raises, neither happened. It is `joint` if it
    works in that transaction alone and is soon done: then it may share the transaction with others (`following.Watch`).
    """

    name: str
    kinds: tuple[str, ...]
    handle: Handler
    joint: bool = False


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
        last = facts[-1].cursor
        end = last if len(facts) == limit else max(last, end)  # what lies before that end was seen by the reading
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
