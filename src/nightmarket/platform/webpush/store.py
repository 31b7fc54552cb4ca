"""Push subscriptions, and the browsers that the twin plays."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection, Record

MAX_SUBSCRIPTIONS = 20
"""Browsers of one owner; the oldest goes for a new one."""


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that agreed: where its push service takes messages, and with what they are sealed (RFC 8291)."""

    id: UUID
    owner: UUID
    endpoint: str
    p256dh: bytes
    auth: bytes
    made_at: datetime


def _subscription(row: Record) -> Subscription:
    return Subscription(
        id=row["id"],
        owner=row["owner"],
        endpoint=row["endpoint"],
        p256dh=row["p256dh"],
        auth=row["auth"],
        made_at=row["made_at"],
    )


_COLUMNS = "id, owner, endpoint, p256dh, auth, made_at"


async def insert(tx: Connection, one: Subscription) -> None:
    """Keep it; what the same endpoint said before is replaced."""
    await tx.execute(
        f"INSERT INTO platform.push_subscription ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6) "
        "ON CONFLICT (id) DO UPDATE SET owner = $2, p256dh = $4, auth = $5",
        one.id,
        one.owner,
        one.endpoint,
        one.p256dh,
        one.auth,
        one.made_at,
    )
    await tx.execute(
        "DELETE FROM platform.push_subscription WHERE owner = $1 AND id <> ALL (ARRAY("
        "SELECT id FROM platform.push_subscription WHERE owner = $1 ORDER BY made_at DESC, id LIMIT $2))",
        one.owner,
        MAX_SUBSCRIPTIONS,
    )


async def of_owner(connection: Connection, owner: UUID) -> list[Subscription]:
    """The newest first."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM platform.push_subscription WHERE owner = $1 ORDER BY made_at DESC, id", owner
    )
    return [_subscription(row) for row in rows]


async def read(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Subscription]:
    rows = await connection.fetch(f"SELECT {_COLUMNS} FROM platform.push_subscription WHERE id = ANY($1)", ids)
    return {row["id"]: _subscription(row) for row in rows}


async def delete(tx: Connection, ids: Sequence[UUID]) -> None:
    await tx.execute("DELETE FROM platform.push_subscription WHERE id = ANY($1)", ids)


async def forget_owner(tx: Connection, owner: UUID) -> None:
    """Forget every browser of an owner."""
    await tx.execute("DELETE FROM platform.push_subscription WHERE owner = $1", owner)


async def insert_twin(tx: Connection, id: UUID, private: bytes, auth: bytes, at: datetime) -> None:
    await tx.execute(
        "INSERT INTO platform.push_twin (id, private, auth, made_at) VALUES ($1, $2, $3, $4)", id, private, auth, at
    )


async def read_twin(connection: Connection, id: UUID) -> tuple[bytes, bytes] | None:
    row = await connection.fetchrow("SELECT private, auth FROM platform.push_twin WHERE id = $1", id)
    return (row["private"], row["auth"]) if row else None


async def delete_twin(tx: Connection, id: UUID) -> None:
    await tx.execute("DELETE FROM platform.push_twin WHERE id = $1", id)
