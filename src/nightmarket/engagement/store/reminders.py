"""Reminders and calendars."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from nightmarket.engagement.contract.reminders import MAX_REMINDERS, REMINDERS_A_STEP, Reminder, Way
from nightmarket.platform.database import Connection, Record

_COLUMNS = "id, owner, phase, channel, target, language, lead_minutes, asked_at, due_at"


def _reminder(row: Record) -> Reminder:
    return Reminder(
        id=row["id"],
        owner=row["owner"],
        phase=row["phase"],
        way=Way(row["channel"]),
        target=row["target"],
        language=row["language"],
        lead_minutes=row["lead_minutes"],
        asked_at=row["asked_at"],
        due_at=row["due_at"],
    )


async def count(tx: Connection, owner: UUID) -> int:
    return await tx.fetchval("SELECT count(*) FROM engagement.reminder WHERE owner = $1 AND told_at IS NULL", owner)


async def insert(tx: Connection, one: Reminder) -> bool:
    """Write it; False where it is there, told or not."""
    done = await tx.execute(
        f"INSERT INTO engagement.reminder ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
        "ON CONFLICT (owner, phase, channel, target) DO NOTHING",
        one.id,
        one.owner,
        one.phase,
        one.way.value,
        one.target,
        one.language,
        one.lead_minutes,
        one.asked_at,
        one.due_at,
    )
    return done == "INSERT 0 1"


async def open_of(connection: Connection, owner: UUID) -> Sequence[Reminder]:
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM engagement.reminder WHERE owner = $1 AND told_at IS NULL ORDER BY due_at, id LIMIT $2",
        owner,
        MAX_REMINDERS,
    )
    return [_reminder(row) for row in rows]


async def delete(tx: Connection, owner: UUID, id: UUID | None) -> None:
    await tx.execute(
        "DELETE FROM engagement.reminder WHERE owner = $1 AND told_at IS NULL AND ($2::uuid IS NULL OR id = $2)",
        owner,
        id,
    )


async def lose(tx: Connection, target: str) -> None:
    await tx.execute("DELETE FROM engagement.reminder WHERE target = $1 AND told_at IS NULL", target)


async def plan(tx: Connection, starts: Mapping[UUID, datetime]) -> int:
    """Move what is open to the new instants; what waits for nothing any more goes."""
    moved = await tx.execute(
        """
        UPDATE engagement.reminder r SET due_at = p.at - make_interval(mins => r.lead_minutes)
        FROM unnest($1::uuid[], $2::timestamptz[]) AS p(phase, at)
        WHERE r.phase = p.phase AND r.told_at IS NULL AND r.due_at <> p.at - make_interval(mins => r.lead_minutes)
        """,
        list(starts),
        list(starts.values()),
    )
    gone = await tx.execute(
        "DELETE FROM engagement.reminder WHERE told_at IS NULL AND phase <> ALL($1::uuid[])", list(starts)
    )
    return int(moved.rpartition(" ")[2]) + int(gone.rpartition(" ")[2])


async def take(tx: Connection, now: datetime) -> Sequence[Reminder]:
    rows = await tx.fetch(
        f"""
        WITH due AS (
            SELECT id FROM engagement.reminder WHERE told_at IS NULL AND due_at <= $1
            ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        UPDATE engagement.reminder SET told_at = $1 WHERE id IN (SELECT id FROM due) RETURNING {_COLUMNS}
        """,
        now,
        REMINDERS_A_STEP,
    )
    return [_reminder(row) for row in rows]


async def sweep(tx: Connection, before: datetime, limit: int) -> int:
    done = await tx.execute(
        """
        DELETE FROM engagement.reminder WHERE id = ANY (ARRAY(
            SELECT id FROM engagement.reminder WHERE told_at <= $1 ORDER BY told_at LIMIT $2 FOR UPDATE SKIP LOCKED))
        """,
        before,
        limit,
    )
    return int(done.rpartition(" ")[2])


async def forget(tx: Connection, owner: UUID, email: str) -> None:
    await tx.execute("DELETE FROM engagement.reminder WHERE owner = $1 OR target = $2", owner, email)
    await tx.execute("DELETE FROM engagement.calendar WHERE owner = $1", owner)


async def calendar(tx: Connection, owner: UUID, token: str, at: datetime, *, anew: bool) -> str:
    return await tx.fetchval(
        """
        INSERT INTO engagement.calendar (owner, token, made_at) VALUES ($1, $2, $3)
        ON CONFLICT (owner) DO UPDATE SET
            token = CASE WHEN $4 THEN excluded.token ELSE calendar.token END,
            made_at = CASE WHEN $4 THEN excluded.made_at ELSE calendar.made_at END
        RETURNING token
        """,
        owner,
        token,
        at,
        anew,
    )


async def calendar_at(connection: Connection, owner: UUID) -> str | None:
    return await connection.fetchval("SELECT token FROM engagement.calendar WHERE owner = $1", owner)


async def calendar_of(connection: Connection, token: str) -> UUID | None:
    return await connection.fetchval("SELECT owner FROM engagement.calendar WHERE token = $1", token)
