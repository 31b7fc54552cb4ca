"""Queries on enquiries."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.engagement.contract.enquiries import Enquiry
from nightmarket.platform.database import Connection, Record

_COLUMNS = Enquiry.__struct_fields__


def _enquiry(row: Record) -> Enquiry:
    return Enquiry(**{name: row[name] for name in _COLUMNS})


async def count_open(tx: Connection, owner: UUID, email: str) -> int:
    """Unanswered ones of the visitor or of the address, whichever are more."""
    return await tx.fetchval(
        """
        SELECT greatest((SELECT count(*) FROM engagement.enquiry WHERE owner = $1 AND answered_at IS NULL),
            (SELECT count(*) FROM engagement.enquiry WHERE email = $2 AND answered_at IS NULL))
        """,
        owner,
        email,
    )


async def insert(tx: Connection, enquiry: Enquiry) -> bool:
    """Whether it is new."""
    values = msgspec.structs.astuple(enquiry)
    places = ", ".join(f"${n}" for n in range(1, len(values) + 1))
    written = await tx.fetchval(
        f"""
        INSERT INTO engagement.enquiry ({", ".join(_COLUMNS)}) VALUES ({places}) ON CONFLICT (id) DO NOTHING
        RETURNING id
        """,
        *values,
    )
    return written is not None


async def page(connection: Connection, answered: bool | None, before: UUID | None, limit: int) -> Sequence[Enquiry]:
    rows = await connection.fetch(
        f"""
        SELECT {", ".join(_COLUMNS)} FROM engagement.enquiry
        WHERE ($1::boolean IS NULL OR (answered_at IS NOT NULL) = $1) AND ($2::uuid IS NULL OR id < $2)
        ORDER BY id DESC LIMIT $3
        """,
        answered,
        before,
        limit,
    )
    return [_enquiry(row) for row in rows]


async def of_owner(connection: Connection, owner: UUID, limit: int) -> Sequence[Enquiry]:
    rows = await connection.fetch(
        f"SELECT {', '.join(_COLUMNS)} FROM engagement.enquiry WHERE owner = $1 ORDER BY id DESC LIMIT $2", owner, limit
    )
    return [_enquiry(row) for row in rows]


async def one(connection: Connection, id: UUID) -> Enquiry | None:
    row = await connection.fetchrow(f"SELECT {', '.join(_COLUMNS)} FROM engagement.enquiry WHERE id = $1", id)
    return _enquiry(row) if row else None


async def set_answered(tx: Connection, id: UUID, at: datetime | None, by: str) -> bool:
    """Whether there is such an enquiry."""
    changed = await tx.fetchval(
        "UPDATE engagement.enquiry SET answered_at = $2, answered_by = $3 WHERE id = $1 RETURNING id", id, at, by
    )
    return changed is not None


async def forget(tx: Connection, account: UUID, email: str) -> Sequence[UUID]:
    """Returns those that were deleted."""
    rows = await tx.fetch("DELETE FROM engagement.enquiry WHERE owner = $1 OR email = $2 RETURNING id", account, email)
    return [row["id"] for row in rows]
