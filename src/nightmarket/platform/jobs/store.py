"""All SQL of jobs."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from nightmarket.platform.database import Connection, Record

from .job import JobState, JobStatus

_COLUMNS = """
id, name, arguments, requested_by, requested_at, state, cancel_asked, started_at, finished_at, done, total, message,
failure
"""
_INSERT = """
INSERT INTO platform.job (id, name, arguments, requested_by, requested_at)
SELECT id, name, arguments, requested_by, $5
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[]) AS new (id, name, arguments, requested_by)
ORDER BY id
ON CONFLICT (id) DO NOTHING RETURNING id
"""
_QUEUED = "SELECT id FROM platform.job WHERE state = 'queued' ORDER BY requested_at, id LIMIT $1"
_RUNNING = "SELECT id FROM platform.job WHERE state = 'running' ORDER BY requested_at, id LIMIT $1"
_BEGIN = f"""
UPDATE platform.job SET state = 'running', started_at = coalesce(started_at, $2)
WHERE id = $1 AND state IN ('queued', 'running') RETURNING {_COLUMNS}
"""
_PROGRESS = """
UPDATE platform.job SET done = $2, total = coalesce($3, total), message = $4
WHERE id = $1 AND state = 'running' RETURNING cancel_asked
"""
_FINISH = """
UPDATE platform.job SET state = $2, finished_at = $3, message = coalesce($4, message), failure = $5
WHERE id = $1 AND state = 'running'
"""
_CANCEL = """
WITH mine AS (SELECT id FROM platform.job WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE)
UPDATE platform.job j SET cancel_asked = j.cancel_asked OR j.state IN ('queued', 'running'),
    finished_at = CASE WHEN j.state = 'queued' THEN $2 ELSE j.finished_at END,
    state = CASE WHEN j.state = 'queued' THEN 'cancelled' ELSE j.state END
FROM mine WHERE j.id = mine.id RETURNING j.id
"""
_PAGE = f"""
SELECT {_COLUMNS} FROM platform.job
WHERE $1::timestamptz IS NULL OR (requested_at, id) < ($1, $2)
ORDER BY requested_at DESC, id DESC LIMIT $3
"""
_ONE = f"SELECT {_COLUMNS} FROM platform.job WHERE id = $1"
_COUNTS = "SELECT state, count(*) AS amount FROM platform.job GROUP BY state"
_SWEEP = """
DELETE FROM platform.job WHERE id = ANY (ARRAY(
    SELECT id FROM platform.job WHERE finished_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))
RETURNING id
"""


def _status(row: Record) -> JobStatus:
    return msgspec.convert(dict(row.items()), JobStatus)


async def insert(tx: Connection, jobs: Sequence[tuple[str, str, bytes, str]], now: datetime) -> list[str]:
    """Queue jobs (id, name, arguments, requested by); returns the ids that are new."""
    columns = [list(column) for column in zip(*jobs, strict=True)]
    return [row["id"] for row in await tx.fetch(_INSERT, *columns, now)]


async def queued(connection: Connection, limit: int) -> list[str]:
    """Ids of jobs that wait to be started, longest waiting first."""
    return [row["id"] for row in await connection.fetch(_QUEUED, limit)]


async def running(connection: Connection, limit: int) -> list[str]:
    """Ids of jobs that have begun and not ended."""
    return [row["id"] for row in await connection.fetch(_RUNNING, limit)]


async def begin(tx: Connection, job_id: str, now: datetime) -> JobStatus | None:
    """The job, marked as running; None if it has ended."""
    row = await tx.fetchrow(_BEGIN, job_id, now)
    return _status(row) if row else None


async def progress(tx: Connection, job_id: str, done: int, total: int | None, message: str) -> bool:
    """Note how far it is; whether it shall stop (also when it no longer runs)."""
    asked: bool | None = await tx.fetchval(_PROGRESS, job_id, done, total, message)
    return asked is not False


async def finish(
    tx: Connection, job_id: str, state: JobState, now: datetime, words: tuple[str | None, str | None]
) -> None:
    """Note the end of a running job, with its last message and its failure."""
    await tx.execute(_FINISH, job_id, state, now, *words)


async def cancel(tx: Connection, ids: Sequence[str], now: datetime) -> list[str]:
    """Stop jobs: those that wait at once, those that run at their next progress. Returns those that exist."""
    return [row["id"] for row in await tx.fetch(_CANCEL, list(ids), now)]


async def page(connection: Connection, before: tuple[datetime, str] | None, limit: int) -> list[JobStatus]:
    """Jobs, newest first, requested before the given (requested_at, id)."""
    at, job_id = before or (None, None)
    return [_status(row) for row in await connection.fetch(_PAGE, at, job_id, limit)]


async def one(connection: Connection, job_id: str) -> JobStatus | None:
    row = await connection.fetchrow(_ONE, job_id)
    return _status(row) if row else None


async def counts(connection: Connection) -> dict[str, int]:
    """Jobs by state, each state named."""
    found = {row["state"]: row["amount"] for row in await connection.fetch(_COUNTS)}
    return {state.value: found.get(state.value, 0) for state in JobState}


async def sweep(tx: Connection, before: datetime, limit: int) -> list[str]:
    """Forget jobs that ended before; returns their ids."""
    return [row["id"] for row in await tx.fetch(_SWEEP, before, limit)]
