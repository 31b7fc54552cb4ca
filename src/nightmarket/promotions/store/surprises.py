"""Surprise prices and who booked them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection, Record
from nightmarket.promotions.contract.surprises import Surprise, SurpriseBooking, SurpriseState, SurpriseTerms

MAX_SURPRISES = 500
DUE_AT_ONCE = 50

_SURPRISE = """
id, merchant, product, variants, currency, price, mask, salt, commitment, early_at, reveal_at, ends_at, state, made_at,
made_by
"""


class Told(msgspec.Struct, frozen=True):
    """Somebody who booked and is to be told."""

    person: UUID
    account: UUID
    language: str


def _surprise(row: Record) -> Surprise:
    terms = SurpriseTerms(
        merchant=row["merchant"],
        product=row["product"],
        variants=tuple(row["variants"]),
        currency=row["currency"],
        price=row["price"],
        mask=row["mask"],
        early_at=row["early_at"],
        reveal_at=row["reveal_at"],
        ends_at=row["ends_at"],
    )
    state = SurpriseState(row["state"])
    return Surprise(row["id"], terms, row["salt"], row["commitment"], state, row["made_at"], row["made_by"])


async def insert(tx: Connection, new: Surprise) -> bool:
    """Write one; False where it is there already."""
    terms = new.terms
    done = await tx.fetchval(
        f"""
        INSERT INTO promotions.surprise ({_SURPRISE})
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
        ON CONFLICT DO NOTHING RETURNING true
        """,
        new.id,
        terms.merchant,
        terms.product,
        list(terms.variants),
        terms.currency,
        terms.price,
        terms.mask,
        new.salt,
        new.commitment,
        terms.early_at,
        terms.reveal_at,
        terms.ends_at,
        new.state.value,
        new.made_at,
        new.made_by,
    )
    return bool(done)


async def one(connection: Connection, id: UUID, *, lock: bool = False) -> Surprise | None:
    row = await connection.fetchrow(
        f"SELECT {_SURPRISE} FROM promotions.surprise WHERE id = $1{' FOR NO KEY UPDATE' if lock else ''}", id
    )
    return _surprise(row) if row else None


async def newest(connection: Connection, merchant: UUID | None, limit: int) -> list[Surprise]:
    rows = await connection.fetch(
        f"SELECT {_SURPRISE} FROM promotions.surprise WHERE $1::uuid IS NULL OR merchant = $1 "
        "ORDER BY reveal_at DESC, id LIMIT $2",
        merchant,
        min(limit, MAX_SURPRISES),
    )
    return [_surprise(row) for row in rows]


async def after(connection: Connection, id: UUID) -> list[Surprise]:
    """The next ones in order of id."""
    rows = await connection.fetch(
        f"SELECT {_SURPRISE} FROM promotions.surprise WHERE id > $1 ORDER BY id LIMIT $2", id, MAX_SURPRISES
    )
    return [_surprise(row) for row in rows]


async def of_product(connection: Connection, product: UUID, now: datetime) -> Surprise | None:
    row = await connection.fetchrow(
        f"SELECT {_SURPRISE} FROM promotions.surprise WHERE product = $1 AND state <> 'withdrawn' AND ends_at > $2 "
        "ORDER BY reveal_at, id LIMIT 1",
        product,
        now,
    )
    return _surprise(row) if row else None


async def count_overlapping(tx: Connection, terms: SurpriseTerms) -> int:
    """Others of these variants that are not over when this one is told."""
    return await tx.fetchval(
        "SELECT count(*) FROM promotions.surprise WHERE variants && $1::uuid[] AND state <> 'withdrawn' "
        "AND ends_at > $2 AND reveal_at < $3",
        list(terms.variants),
        terms.reveal_at,
        terms.ends_at,
    )


async def lock_product(tx: Connection, product: UUID) -> None:
    """Whoever fixes another price for these goods waits until the transaction ends."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('promotions.surprise ' || $1, 0))", str(product))


async def due(connection: Connection, now: datetime) -> list[UUID]:
    """Those that are to be told, to some or to all."""
    rows = await connection.fetch(
        "SELECT id FROM promotions.surprise WHERE (state = 'sealed' AND (reveal_at <= $1 OR early_at <= $1)) "
        "OR (state = 'early' AND reveal_at <= $1) ORDER BY reveal_at, id LIMIT $2",
        now,
        DUE_AT_ONCE,
    )
    return [row[0] for row in rows]


async def set_state(tx: Connection, id: UUID, state: SurpriseState) -> None:
    await tx.execute("UPDATE promotions.surprise SET state = $2 WHERE id = $1", id, state.value)


async def book(tx: Connection, booking: SurpriseBooking, now: datetime) -> None:
    await tx.execute(
        """
        INSERT INTO promotions.surprise_booking (surprise, person, account, language, booked_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
        """,
        booking.surprise,
        booking.person,
        booking.account,
        booking.language,
        now,
    )


async def booked(connection: Connection, surprises: Sequence[UUID], person: UUID) -> set[UUID]:
    rows = await connection.fetch(
        "SELECT surprise FROM promotions.surprise_booking WHERE person = $1 AND surprise = ANY($2)", person, surprises
    )
    return {row[0] for row in rows}


async def early(connection: Connection, person: UUID) -> list[UUID]:
    """Those that somebody booked and that are told to those who booked alone."""
    rows = await connection.fetch(
        "SELECT b.surprise FROM promotions.surprise_booking b JOIN promotions.surprise s ON s.id = b.surprise "
        "WHERE b.person = $1 AND s.state = 'early' LIMIT $2",
        person,
        MAX_SURPRISES,
    )
    return [row["surprise"] for row in rows]


async def bookings(connection: Connection, surprises: Sequence[UUID]) -> Mapping[UUID, int]:
    rows = await connection.fetch(
        "SELECT surprise, count(*) FROM promotions.surprise_booking WHERE surprise = ANY($1) GROUP BY surprise",
        surprises,
    )
    return {row[0]: row[1] for row in rows}


async def telling(connection: Connection) -> list[UUID]:
    """Surprises that are told, with people who booked and have had no mail."""
    rows = await connection.fetch(
        "SELECT DISTINCT s.id FROM promotions.surprise s JOIN promotions.surprise_booking b ON b.surprise = s.id "
        "WHERE s.state IN ('early', 'revealed') AND b.told_at IS NULL AND b.account IS NOT NULL LIMIT $1",
        DUE_AT_ONCE,
    )
    return [row[0] for row in rows]


async def take_untold(tx: Connection, surprise: UUID, limit: int, now: datetime) -> list[Told]:
    """Some who are to be told, marked as told."""
    rows = await tx.fetch(
        """
        WITH w AS MATERIALIZED (
            SELECT person FROM promotions.surprise_booking
            WHERE surprise = $1 AND told_at IS NULL AND account IS NOT NULL
            ORDER BY person LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
        )
        UPDATE promotions.surprise_booking b SET told_at = $3 FROM w
        WHERE b.surprise = $1 AND b.person = w.person RETURNING b.person, b.account, b.language
        """,
        surprise,
        limit,
        now,
    )
    return [Told(*row) for row in rows]


async def forget(tx: Connection, account: UUID, person: UUID, nobody: UUID) -> None:
    """What somebody had is an unknown person's from now on. Reads the whole table: people leave seldom."""
    await tx.execute(
        "UPDATE promotions.surprise_booking SET person = $3, account = NULL WHERE person = $2 OR account = $1",
        account,
        person,
        nobody,
    )
