"""Queries on `catalog.application`."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from nightmarket.catalog.contract.applications import Application
from nightmarket.platform.database import Connection

COLUMNS = tuple(Application.__struct_fields__)


async def insert(tx: Connection, application: Application) -> None:
    values = [getattr(application, name) for name in COLUMNS]
    places = ", ".join(f"${number}" for number in range(1, len(COLUMNS) + 1))
    await tx.execute(f"INSERT INTO catalog.application ({', '.join(COLUMNS)}) VALUES ({places})", *values)


async def note_decision(tx: Connection, merchants: Sequence[UUID], by: str, at: datetime) -> None:
    await tx.execute(
        "UPDATE catalog.application SET decided_at = $2, decided_by = $3 WHERE merchant = ANY($1::uuid[])",
        merchants,
        at,
        by,
    )


async def of(connection: Connection, merchants: Sequence[UUID]) -> dict[UUID, Application]:
    rows = await connection.fetch(
        f"SELECT {', '.join(COLUMNS)} FROM catalog.application WHERE merchant = ANY($1::uuid[])", merchants
    )
    return {row["merchant"]: Application(**dict(row.items())) for row in rows}
