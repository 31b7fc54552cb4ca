"""Samples, their slots and who has a seat."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection, Record
from nightmarket.promotions.contract.samples import Booking, BookingState, Sample, SampleTerms, Slot

MAX_SAMPLES = 200
MAX_SLOTS_SHOWN = 1_000
DUE_AT_ONCE = 100
AUDITED_AT_ONCE = 500
_SAMPLE = "id, merchant, place, name, made_at, made_by"
_SLOT = "id, sample, starts_at, ends_at, seats"
_BOOKING = "id, sample, merchant, slot, person, account, email, first_name, language, code, state, booked_at"
_B_BOOKING = ", ".join(f"b.{name}" for name in _BOOKING.split(", "))


def _sample(row: Record) -> Sample:
    terms = SampleTerms(row["merchant"], row["place"], msgspec.json.decode(row["name"], type=dict[str, str]))
    return Sample(row["id"], terms, row["made_at"], row["made_by"])


def _slot(row: Record) -> Slot:
    return Slot(*(row[name] for name in _SLOT.split(", ")))


def _booking(row: Record) -> Booking:
    return msgspec.convert({name: row[name] for name in _BOOKING.split(", ")}, Booking)


async def insert(tx: Connection, sample: Sample, slots: Sequence[Slot]) -> bool:
    """Write a sample with its slots; False where it is there already."""
    terms = sample.terms
    done = await tx.fetchval(
        f"""
        INSERT INTO promotions.sample ({_SAMPLE}) VALUES ($1, $2, $3, $4::jsonb, $5, $6)
        ON CONFLICT DO NOTHING RETURNING true
        """,
        sample.id,
        terms.merchant,
        terms.place,
        msgspec.json.encode(terms.name).decode(),
        sample.made_at,
        sample.made_by,
    )
    if done:
        await add_slots(tx, sample.id, slots)
    return bool(done)


async def add_slots(tx: Connection, sample: UUID, slots: Sequence[Slot]) -> set[UUID]:
    """Write slots; returns those that were not there."""
    rows = await tx.fetch(
        f"""
        INSERT INTO promotions.sample_slot ({_SLOT})
        SELECT u.id, $1, u.starts_at, u.ends_at, u.seats
        FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::int[]) AS u (id, starts_at, ends_at, seats)
        ON CONFLICT DO NOTHING RETURNING id
        """,
        sample,
        [one.id for one in slots],
        [one.starts_at for one in slots],
        [one.ends_at for one in slots],
        [one.seats for one in slots],
    )
    return {row["id"] for row in rows}


async def count_slots(tx: Connection, sample: UUID) -> int:
    return int(await tx.fetchval("SELECT count(*) FROM promotions.sample_slot WHERE sample = $1", sample))


async def one(connection: Connection, id: UUID) -> Sample | None:
    row = await connection.fetchrow(f"SELECT {_SAMPLE} FROM promotions.sample WHERE id = $1", id)
    return _sample(row) if row else None


async def newest(connection: Connection, merchant: UUID | None) -> list[Sample]:
    rows = await connection.fetch(
        f"SELECT {_SAMPLE} FROM promotions.sample WHERE $1::uuid IS NULL OR merchant = $1 "
        "ORDER BY made_at DESC, id DESC LIMIT $2",
        merchant,
        MAX_SAMPLES,
    )
    return [_sample(row) for row in rows]


async def bookable(
    connection: Connection, merchants: Collection[UUID], now: datetime, place: UUID | None
) -> list[Sample]:
    """Those of these merchants that have a slot ahead at a place that is open by then, the newest first."""
    columns = ", ".join(f"s.{name}" for name in _SAMPLE.split(", "))
    rows = await connection.fetch(
        f"""
        SELECT {columns} FROM promotions.sample s JOIN promotions.place p ON p.id = s.place
        WHERE s.merchant = ANY($1::uuid[]) AND p.closed_at IS NULL AND ($2::uuid IS NULL OR s.place = $2) AND EXISTS (
            SELECT FROM promotions.sample_slot t
            WHERE t.sample = s.id AND t.starts_at > $3 AND t.ends_at <= p.ends_at)
        ORDER BY s.made_at DESC, s.id DESC LIMIT $4
        """,
        list(merchants),
        place,
        now,
        MAX_SAMPLES,
    )
    return [_sample(row) for row in rows]


async def slot(connection: Connection, id: UUID) -> Slot | None:
    row = await connection.fetchrow(f"SELECT {_SLOT} FROM promotions.sample_slot WHERE id = $1", id)
    return _slot(row) if row else None


async def slots(connection: Connection, samples: Sequence[UUID], since: datetime) -> list[Slot]:
    rows = await connection.fetch(
        f"SELECT {_SLOT} FROM promotions.sample_slot WHERE sample = ANY($1::uuid[]) AND ends_at > $2 "
        "ORDER BY starts_at, id LIMIT $3",
        list(samples),
        since,
        MAX_SLOTS_SHOWN,
    )
    return [_slot(row) for row in rows]


async def book(tx: Connection, booking: Booking) -> bool:
    """Write one; False where the person has a seat of this sample already, or the code is another booking's."""
    done = await tx.fetchval(
        f"""
        INSERT INTO promotions.sample_booking ({_BOOKING}, changed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
        ON CONFLICT DO NOTHING RETURNING true
        """,
        booking.id,
        booking.sample,
        booking.merchant,
        booking.slot,
        booking.person,
        booking.account,
        booking.email,
        booking.first_name,
        booking.language,
        booking.code,
        booking.state.value,
        booking.booked_at,
    )
    return bool(done)


async def booking(connection: Connection, id: UUID, *, lock: bool = False) -> Booking | None:
    row = await connection.fetchrow(
        f"SELECT {_BOOKING} FROM promotions.sample_booking WHERE id = $1{' FOR NO KEY UPDATE' if lock else ''}", id
    )
    return _booking(row) if row else None


async def by_code(tx: Connection, merchant: UUID | None, code: str) -> Booking | None:
    """The booking with that code at a merchant's counters, locked."""
    row = await tx.fetchrow(
        f"SELECT {_BOOKING} FROM promotions.sample_booking WHERE code = $2 AND ($1::uuid IS NULL OR merchant = $1) "
        "ORDER BY id LIMIT 1 FOR NO KEY UPDATE",
        merchant,
        code,
    )
    return _booking(row) if row else None


async def of_person(connection: Connection, sample: UUID, person: UUID) -> Booking | None:
    row = await connection.fetchrow(
        f"SELECT {_BOOKING} FROM promotions.sample_booking WHERE sample = $1 AND person = $2 AND state <> 'cancelled'",
        sample,
        person,
    )
    return _booking(row) if row else None


async def bookings(connection: Connection, slots: Sequence[UUID]) -> Mapping[UUID, list[Booking]]:
    rows = await connection.fetch(
        f"SELECT {_BOOKING} FROM promotions.sample_booking WHERE slot = ANY($1::uuid[]) AND state <> 'cancelled' "
        "ORDER BY slot, first_name, id",
        list(slots),
    )
    found: dict[UUID, list[Booking]] = {}
    for row in rows:
        found.setdefault(row["slot"], []).append(_booking(row))
    return found


async def end(tx: Connection, bookings: Sequence[UUID], state: BookingState, now: datetime) -> None:
    await tx.execute(
        "UPDATE promotions.sample_booking SET state = $2, changed_at = $3 WHERE id = ANY($1::uuid[])",
        list(bookings),
        state.value,
        now,
    )


async def take_missed(tx: Connection, ended: datetime) -> list[Booking]:
    """Some whose slot was over at that instant and who did not come, locked."""
    rows = await tx.fetch(
        f"""
        SELECT {_B_BOOKING}
        FROM promotions.sample_booking b JOIN promotions.sample_slot s ON s.id = b.slot
        WHERE b.state = 'booked' AND s.ends_at <= $1
        ORDER BY b.id LIMIT $2 FOR NO KEY UPDATE OF b SKIP LOCKED
        """,
        ended,
        DUE_AT_ONCE,
    )
    return [_booking(row) for row in rows]


async def take_shut_out(tx: Connection, now: datetime) -> list[tuple[Booking, Slot]]:
    """Some whose slot lies ahead at a place that will not be open then, locked."""
    rows = await tx.fetch(
        f"""
        SELECT {_B_BOOKING}, s.starts_at, s.ends_at, s.seats
        FROM promotions.sample_booking b JOIN promotions.sample_slot s ON s.id = b.slot
        JOIN promotions.sample m ON m.id = b.sample JOIN promotions.place p ON p.id = m.place
        WHERE b.state = 'booked' AND s.starts_at > $1 AND (p.closed_at IS NOT NULL OR p.ends_at < s.ends_at)
        ORDER BY b.id LIMIT $2 FOR NO KEY UPDATE OF b SKIP LOCKED
        """,
        now,
        DUE_AT_ONCE,
    )
    return [_with_slot(row) for row in rows]


async def take_unreminded(tx: Connection, now: datetime, until: datetime) -> list[tuple[Booking, Slot]]:
    """Some whose slot begins soon, marked as reminded."""
    rows = await tx.fetch(
        f"""
        WITH w AS MATERIALIZED (
            SELECT b.id, s.starts_at, s.ends_at, s.seats
            FROM promotions.sample_booking b JOIN promotions.sample_slot s ON s.id = b.slot
            WHERE b.state = 'booked' AND b.reminded_at IS NULL AND s.starts_at > $1 AND s.starts_at <= $2
            ORDER BY b.id LIMIT $3 FOR NO KEY UPDATE OF b SKIP LOCKED
        )
        UPDATE promotions.sample_booking b SET reminded_at = $1 FROM w WHERE b.id = w.id
        RETURNING {_B_BOOKING}, w.starts_at, w.ends_at, w.seats
        """,
        now,
        until,
        DUE_AT_ONCE,
    )
    return [_with_slot(row) for row in rows]


def _with_slot(row: Record) -> tuple[Booking, Slot]:
    return _booking(row), Slot(row["slot"], row["sample"], row["starts_at"], row["ends_at"], row["seats"])


async def forget_old(tx: Connection, ended: datetime) -> int:
    """Forget name and address of some whose slot was over at that instant."""
    done = await tx.fetchval(
        """
        WITH w AS MATERIALIZED (
            SELECT b.id FROM promotions.sample_booking b JOIN promotions.sample_slot s ON s.id = b.slot
            WHERE (b.email <> '' OR b.first_name <> '') AND s.ends_at <= $1
            ORDER BY b.id LIMIT $2 FOR NO KEY UPDATE OF b SKIP LOCKED
        ), d AS (
            UPDATE promotions.sample_booking b SET email = '', first_name = '', account = NULL FROM w
            WHERE b.id = w.id RETURNING 1
        )
        SELECT count(*) FROM d
        """,
        ended,
        DUE_AT_ONCE,
    )
    return int(done)


async def of_account(tx: Connection, account: UUID) -> list[Booking]:
    """All that an account has booked, locked."""
    rows = await tx.fetch(
        f"SELECT {_BOOKING} FROM promotions.sample_booking WHERE account = $1 ORDER BY id FOR NO KEY UPDATE", account
    )
    return [_booking(row) for row in rows]


async def forget(tx: Connection, account: UUID) -> None:
    await tx.execute(
        "UPDATE promotions.sample_booking SET email = '', first_name = '', account = NULL WHERE account = $1", account
    )


async def slots_after(connection: Connection, last: UUID) -> list[Slot]:
    """The next slots in order of id, for the audit."""
    rows = await connection.fetch(
        f"SELECT {_SLOT} FROM promotions.sample_slot WHERE id > $1 ORDER BY id LIMIT $2", last, AUDITED_AT_ONCE
    )
    return [_slot(row) for row in rows]


async def counted(connection: Connection, slots: Sequence[UUID]) -> Mapping[UUID, Mapping[str, int]]:
    """How many bookings each slot has in each state."""
    rows = await connection.fetch(
        "SELECT slot, state, count(*) FROM promotions.sample_booking WHERE slot = ANY($1::uuid[]) GROUP BY slot, state",
        list(slots),
    )
    found: dict[UUID, dict[str, int]] = {}
    for slot, state, number in rows:
        found.setdefault(slot, {})[state] = number
    return found
