"""Places and visits."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection, Record
from nightmarket.promotions.contract.places import Place, PlaceTerms

MAX_PLACES = 500
SWEPT_AT_ONCE = 1_000
_PLACE = "id, terms, made_at, made_by, code, closed_at"


def _place(row: Record) -> Place:
    terms = msgspec.json.decode(row["terms"], type=PlaceTerms)
    return Place(row["id"], terms, row["made_at"], row["made_by"], row["code"], row["closed_at"])


async def insert(tx: Connection, place: Place) -> bool:
    """Write one; False where the id or the short name is taken."""
    terms = place.terms
    done = await tx.fetchval(
        """
        INSERT INTO promotions.place (id, slug, merchant, terms, starts_at, ends_at, made_at, made_by)
        VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING true
        """,
        place.id,
        terms.slug,
        terms.merchant,
        msgspec.json.encode(terms).decode(),
        terms.starts_at,
        terms.ends_at,
        place.made_at,
        place.made_by,
    )
    return bool(done)


async def some(connection: Connection, ids: Sequence[UUID], *, lock: bool = False) -> list[Place]:
    query = f"SELECT {_PLACE} FROM promotions.place WHERE id = ANY($1::uuid[]){' FOR NO KEY UPDATE' if lock else ''}"
    return [_place(row) for row in await connection.fetch(query, list(ids))]


async def change(tx: Connection, id: UUID, terms: PlaceTerms) -> None:
    await tx.execute(
        "UPDATE promotions.place SET terms = $2::jsonb, starts_at = $3, ends_at = $4 WHERE id = $1",
        id,
        msgspec.json.encode(terms).decode(),
        terms.starts_at,
        terms.ends_at,
    )


async def close(tx: Connection, id: UUID, at: datetime) -> None:
    await tx.execute("UPDATE promotions.place SET closed_at = $2 WHERE id = $1", id, at)


async def renew(tx: Connection, id: UUID) -> None:
    """The next code is the good one."""
    await tx.execute("UPDATE promotions.place SET code = code + 1 WHERE id = $1", id)


async def end_visits(tx: Connection, place: UUID) -> None:
    await tx.execute("DELETE FROM promotions.place_visit WHERE place = $1", place)


async def move(tx: Connection, guest: UUID, account: UUID) -> None:
    """Give an owner's visits to another; of two of one place the later end counts."""
    await tx.execute(
        """
        INSERT INTO promotions.place_visit AS v (owner, place, slug, visited_at, until_at)
        SELECT $2, place, slug, visited_at, until_at FROM promotions.place_visit WHERE owner = $1 ORDER BY place
        ON CONFLICT (owner, place) DO UPDATE SET
            visited_at = greatest(v.visited_at, excluded.visited_at), until_at = greatest(v.until_at, excluded.until_at)
        """,
        guest,
        account,
    )
    await tx.execute("DELETE FROM promotions.place_visit WHERE owner = $1", guest)


async def newest(connection: Connection, merchant: UUID | None) -> list[Place]:
    """The newest first; for a merchant its own and the malls."""
    rows = await connection.fetch(
        f"SELECT {_PLACE} FROM promotions.place WHERE $1::uuid IS NULL OR merchant = $1 OR merchant IS NULL "
        "ORDER BY made_at DESC, id DESC LIMIT $2",
        merchant,
        MAX_PLACES,
    )
    return [_place(row) for row in rows]


async def visit(tx: Connection, owner: UUID, place: Place, now: datetime, until: datetime) -> None:
    """Note a visit; of a second one the later end counts."""
    await tx.execute(
        """
        INSERT INTO promotions.place_visit (owner, place, slug, visited_at, until_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (owner, place) DO UPDATE SET visited_at = excluded.visited_at, until_at = excluded.until_at
        """,
        owner,
        place.id,
        place.terms.slug,
        now,
        until,
    )


async def keep_newest(tx: Connection, owner: UUID, most: int) -> None:
    """Forget all but an owner's newest visits."""
    await tx.execute(
        """
        DELETE FROM promotions.place_visit WHERE owner = $1 AND place IN (
            SELECT place FROM promotions.place_visit WHERE owner = $1 ORDER BY visited_at DESC, place OFFSET $2
        )
        """,
        owner,
        most,
    )


async def where(connection: Connection, owner: UUID, now: datetime) -> list[str]:
    rows = await connection.fetch(
        "SELECT slug FROM promotions.place_visit WHERE owner = $1 AND until_at > $2 ORDER BY slug", owner, now
    )
    return [row[0] for row in rows]


async def visits(connection: Connection, owner: UUID, now: datetime) -> dict[UUID, datetime]:
    """The places at which an owner is, and until when that counts."""
    rows = await connection.fetch(
        "SELECT place, until_at FROM promotions.place_visit WHERE owner = $1 AND until_at > $2", owner, now
    )
    return {row[0]: row[1] for row in rows}


async def sweep(tx: Connection, now: datetime) -> int:
    """Forget some visits that are over."""
    done = await tx.fetchval(
        """
        WITH w AS (
            SELECT owner, place FROM promotions.place_visit WHERE until_at <= $1
            ORDER BY until_at LIMIT $2 FOR UPDATE SKIP LOCKED
        ), d AS (
            DELETE FROM promotions.place_visit v USING w WHERE v.owner = w.owner AND v.place = w.place RETURNING 1
        )
        SELECT count(*) FROM d
        """,
        now,
        SWEPT_AT_ONCE,
    )
    return int(done)
