"""What is turned off, which offers that took out of the book, and prepared sets."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from nightmarket.platform.database import Connection, Record
from nightmarket.promotions.contract.switches import MAX_SWITCHED, PlanB, Switch

_PLAN = "id, name, keys, made_at, made_by, applied_at, applied_by"


async def lock(tx: Connection) -> None:
    """Nobody else turns anything until this transaction ends."""
    await tx.execute("LOCK TABLE promotions.switch IN SHARE ROW EXCLUSIVE MODE")


async def read(connection: Connection) -> list[Switch]:
    rows = await connection.fetch("SELECT key, at, by, plan FROM promotions.switch ORDER BY key")
    return [Switch(row["key"], row["at"], row["by"], row["plan"]) for row in rows]


async def turn_off(tx: Connection, switches: Sequence[Switch]) -> None:
    await tx.execute(
        """
        INSERT INTO promotions.switch (key, at, by, plan)
        SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::uuid[]) ON CONFLICT DO NOTHING
        """,
        [one.key for one in switches],
        [one.at for one in switches],
        [one.by for one in switches],
        [one.plan for one in switches],
    )


async def turn_on(tx: Connection, keys: Sequence[str]) -> None:
    await tx.execute("DELETE FROM promotions.switch WHERE key = ANY($1)", keys)


async def taken_out(connection: Connection) -> list[UUID]:
    """Offers that switches hold out of the book, at most MAX_SWITCHED and one."""
    rows = await connection.fetch(
        "SELECT offer FROM promotions.switched_offer ORDER BY offer LIMIT $1", MAX_SWITCHED + 1
    )
    return [row[0] for row in rows]


async def take_out(tx: Connection, offers: Sequence[UUID], at: datetime) -> None:
    await tx.execute(
        "INSERT INTO promotions.switched_offer (offer, at) SELECT o, $2 FROM unnest($1::uuid[]) AS o "
        "ON CONFLICT DO NOTHING",
        offers,
        at,
    )


async def put_back(tx: Connection, offers: Sequence[UUID]) -> None:
    await tx.execute("DELETE FROM promotions.switched_offer WHERE offer = ANY($1)", offers)


async def plans(connection: Connection) -> list[PlanB]:
    return [_plan(row) for row in await connection.fetch(f"SELECT {_PLAN} FROM promotions.plan_b ORDER BY id")]


async def plan(tx: Connection, id: UUID) -> PlanB | None:
    row = await tx.fetchrow(f"SELECT {_PLAN} FROM promotions.plan_b WHERE id = $1", id)
    return _plan(row) if row else None


async def keep_plan(tx: Connection, plan: PlanB) -> None:
    await tx.execute(
        "INSERT INTO promotions.plan_b (id, name, keys, made_at, made_by) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT DO NOTHING",
        plan.id,
        plan.name,
        list(plan.keys),
        plan.made_at,
        plan.made_by,
    )


async def mark_plan(tx: Connection, id: UUID, at: datetime | None, by: str) -> None:
    await tx.execute("UPDATE promotions.plan_b SET applied_at = $2, applied_by = $3 WHERE id = $1", id, at, by)


async def drop_plan(tx: Connection, id: UUID) -> None:
    await tx.execute("DELETE FROM promotions.plan_b WHERE id = $1", id)


def _plan(row: Record) -> PlanB:
    return PlanB(
        row["id"],
        row["name"],
        tuple(row["keys"]),
        row["made_at"],
        row["made_by"],
        row["applied_at"],
        row["applied_by"],
    )
