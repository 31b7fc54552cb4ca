"""The rows of rehearsals: which key a run has, so that what one left behind that was cut off can be found and ended."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection

from .records import Plan

UNENDED_LIMIT = 100


class OpenRun(msgspec.Struct, frozen=True):
    """A run that has not ended, or was cut off."""

    id: UUID
    key: UUID
    asked_at: datetime
    keeps: bool


async def insert_run(tx: Connection, id: UUID, key: UUID, plan: Plan, at: datetime) -> None:
    await tx.execute(
        "INSERT INTO rehearsal.run (id, key, asked_at, asked_by, plan) VALUES ($1, $2, $3, $4, $5::text::jsonb)",
        id,
        key,
        at,
        plan.asked_by,
        msgspec.json.encode(plan).decode(),
    )


async def end_run(tx: Connection, id: UUID, outcome: str, at: datetime) -> None:
    """Once: the first outcome stays."""
    await tx.execute(
        "UPDATE rehearsal.run SET ended_at = $3, outcome = $2 WHERE id = $1 AND ended_at IS NULL", id, outcome, at
    )


async def unended(connection: Connection) -> Sequence[OpenRun]:
    """The oldest first."""
    rows = await connection.fetch(
        """
        SELECT id, key, asked_at, coalesce((plan->>'keep')::boolean, false) AS keeps FROM rehearsal.run
        WHERE ended_at IS NULL ORDER BY id LIMIT $1
        """,
        UNENDED_LIMIT,
    )
    return [OpenRun(row["id"], row["key"], row["asked_at"], row["keeps"]) for row in rows]
