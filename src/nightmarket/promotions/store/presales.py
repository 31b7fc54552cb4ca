"""Presales and their bookings."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection, Record
from nightmarket.promotions.contract.presales import (
    Booking,
    BookingState,
    NewBooking,
    Presale,
    PresaleState,
    PresaleTerms,
    UnpaidRule,
)

MAX_PRESALES = 500
FINDINGS_LIMIT = 100

_TERMS = """
merchant, product, variant, currency, price, deposit, counts_for, units, rule, part_back, opens_at, closes_at,
balance_from, balance_until, ends_at
"""
_PRESALE = f"id, {_TERMS}, state, lots, lot_units, placed, returned, lowest, made_at, made_by, reason"
_BOOKING = """
id, presale, account, language, handler, state, place, booked_at, due_at, order_id, order_total, given_back, kept
"""
_NAMES = tuple(name.strip() for name in _TERMS.split(","))


def _presale(row: Record) -> Presale:
    words: dict[str, Any] = {name: row[name] for name in _NAMES}
    words["rule"] = UnpaidRule(row["rule"])
    return Presale(
        row["id"],
        PresaleTerms(**words),
        PresaleState(row["state"]),
        tuple(zip(row["lots"], row["lot_units"], strict=True)),
        row["placed"],
        row["returned"],
        row["lowest"],
        row["made_at"],
        row["made_by"],
        row["reason"],
    )


def _booking(row: Record) -> Booking:
    return Booking(
        row["id"],
        row["presale"],
        row["account"],
        row["language"],
        row["handler"],
        BookingState(row["state"]),
        row["place"],
        row["booked_at"],
        row["due_at"],
        row["order_id"],
        row["order_total"],
        row["given_back"],
        row["kept"],
    )


async def insert(tx: Connection, new: Presale) -> bool:
    """Write one; False where it is there already."""
    columns = ("id", *_NAMES, "state", "made_at", "made_by")
    terms = msgspec.structs.asdict(new.terms) | {"rule": new.terms.rule.value}
    values = [new.id, *(terms[name] for name in _NAMES), new.state.value, new.made_at, new.made_by]
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    said = await tx.execute(
        f"INSERT INTO promotions.presale ({', '.join(columns)}) VALUES ({places}) ON CONFLICT DO NOTHING", *values
    )
    return said == "INSERT 0 1"


async def some(connection: Connection, ids: Sequence[UUID], *, lock: bool = False) -> dict[UUID, Presale]:
    rows = await connection.fetch(
        f"SELECT {_PRESALE} FROM promotions.presale WHERE id = ANY($1) ORDER BY id"
        f"{' FOR NO KEY UPDATE' if lock else ''}",
        ids,
    )
    return {row["id"]: _presale(row) for row in rows}


async def decide(tx: Connection, one: Presale, by: str) -> None:
    await tx.execute(
        "UPDATE promotions.presale SET state = $2, lots = $3, lot_units = $4, decided_by = $5, reason = $6 "
        "WHERE id = $1",
        one.id,
        one.state.value,
        [tally for tally, _ in one.lots],
        [units for _, units in one.lots],
        by,
        one.reason,
    )


async def newest(connection: Connection, merchant: UUID | None, limit: int) -> list[Presale]:
    rows = await connection.fetch(
        f"SELECT {_PRESALE} FROM promotions.presale WHERE $1::uuid IS NULL OR merchant = $1 "
        "ORDER BY made_at DESC, id LIMIT $2",
        merchant,
        min(limit, MAX_PRESALES),
    )
    return [_presale(row) for row in rows]


async def of_product(connection: Connection, product: UUID, now: datetime) -> list[Presale]:
    rows = await connection.fetch(
        f"SELECT {_PRESALE} FROM promotions.presale WHERE product = $1 AND state = 'approved' AND closes_at > $2 "
        "ORDER BY opens_at, id LIMIT 5",
        product,
        now,
    )
    return [_presale(row) for row in rows]


async def running(connection: Connection, now: datetime, limit: int) -> list[Presale]:
    rows = await connection.fetch(
        f"SELECT {_PRESALE} FROM promotions.presale WHERE state = 'approved' AND closes_at > $1 "
        "ORDER BY opens_at, id LIMIT $2",
        now,
        min(limit, MAX_PRESALES),
    )
    return [_presale(row) for row in rows]


async def approved(connection: Connection) -> list[Presale]:
    """Those that are not over, whose festival ends first in front."""
    rows = await connection.fetch(
        f"SELECT {_PRESALE} FROM promotions.presale WHERE state = 'approved' ORDER BY ends_at, id LIMIT $1",
        MAX_PRESALES,
    )
    return [_presale(row) for row in rows]


async def count_approved(connection: Connection) -> int:
    return await connection.fetchval("SELECT count(*) FROM promotions.presale WHERE state = 'approved'")


async def note_lowest(tx: Connection, id: UUID, lowest: int) -> None:
    await tx.execute(
        "UPDATE promotions.presale SET lowest = least(lowest, $2) WHERE id = $1 AND (lowest IS NULL OR lowest > $2)",
        id,
        lowest,
    )


async def note_returned(tx: Connection, id: UUID, units: int) -> None:
    await tx.execute("UPDATE promotions.presale SET returned = returned + $2 WHERE id = $1", id, units)


async def move_ends(tx: Connection, before: datetime, now: datetime) -> int:
    """Presales whose guarantee ended with a festival that ends at another time now: a later end holds for all of them,
    an earlier one only where nobody has booked yet. Never before the balance is due."""
    said = await tx.execute(
        """
        UPDATE promotions.presale SET ends_at = greatest($2, balance_until)
        WHERE ends_at = $1 AND state IN ('proposed', 'approved') AND ($2 > $1 OR placed = 0)
        """,
        before,
        now,
    )
    return int(said.rpartition(" ")[2])


async def move_windows(tx: Connection, id: UUID, closes_at: datetime, balance_from: datetime) -> None:
    query = "UPDATE promotions.presale SET closes_at = $2, balance_from = $3 WHERE id = $1"
    await tx.execute(query, id, closes_at, balance_from)


async def end(tx: Connection, id: UUID) -> None:
    await tx.execute("UPDATE promotions.presale SET state = 'over' WHERE id = $1", id)


# bookings


async def insert_bookings(tx: Connection, items: Sequence[NewBooking], at: datetime, due_at: datetime) -> set[UUID]:
    """Write bookings in order of id; those whose account has one already are left out."""
    rows = await tx.fetch(
        """
        INSERT INTO promotions.presale_booking (id, presale, account, language, handler, state, booked_at, due_at)
        SELECT id, presale, account, language, handler, 'claimed', $6, $7
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[])
            AS new(id, presale, account, language, handler) ORDER BY id
        ON CONFLICT DO NOTHING RETURNING id
        """,
        [one.id for one in items],
        [one.presale for one in items],
        [one.account for one in items],
        [one.language for one in items],
        [one.handler for one in items],
        at,
        due_at,
    )
    return {row[0] for row in rows}


async def delete_bookings(tx: Connection, ids: Sequence[UUID]) -> None:
    """Forget bookings that were written in this transaction and got no place."""
    await tx.execute("DELETE FROM promotions.presale_booking WHERE id = ANY($1)", ids)


async def bookings(connection: Connection, ids: Sequence[UUID], *, lock: bool = False) -> dict[UUID, Booking]:
    rows = await connection.fetch(
        f"SELECT {_BOOKING} FROM promotions.presale_booking WHERE id = ANY($1) ORDER BY id"
        f"{' FOR NO KEY UPDATE' if lock else ''}",
        ids,
    )
    return {row["id"]: _booking(row) for row in rows}


async def standing(connection: Connection, wanted: Sequence[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], Booking]:
    """The bookings that count, by presale and account."""
    rows = await connection.fetch(
        f"""
        SELECT {_BOOKING} FROM promotions.presale_booking b
        JOIN unnest($1::uuid[], $2::uuid[]) AS w(of_presale, of_account)
            ON b.presale = w.of_presale AND b.account = w.of_account
        WHERE b.state IN ('claimed', 'held', 'paid')
        """,
        [presale for presale, _ in wanted],
        [account for _, account in wanted],
    )
    return {(row["presale"], row["account"]): _booking(row) for row in rows}


async def bookings_of(connection: Connection, account: UUID, limit: int) -> list[Booking]:
    rows = await connection.fetch(
        f"SELECT {_BOOKING} FROM promotions.presale_booking WHERE account = $1 AND state <> 'refused' "
        "ORDER BY booked_at DESC, id LIMIT $2",
        account,
        limit,
    )
    return [_booking(row) for row in rows]


async def write_bookings(tx: Connection, changed: Sequence[Booking]) -> None:
    """Bookings as they are from now on; each is locked."""
    await tx.execute(
        """
        UPDATE promotions.presale_booking b SET state = w.state, place = w.place, due_at = w.due_at,
            order_id = w.order_id, order_total = w.order_total, given_back = w.given_back, kept = w.kept
        FROM unnest($1::uuid[], $2::text[], $3::int[], $4::timestamptz[], $5::uuid[], $6::bigint[], $7::bigint[],
            $8::bigint[]) AS w(id, state, place, due_at, order_id, order_total, given_back, kept)
        WHERE b.id = w.id
        """,
        [one.id for one in changed],
        [one.state.value for one in changed],
        [one.place for one in changed],
        [one.due_at for one in changed],
        [one.order for one in changed],
        [one.order_total for one in changed],
        [one.given_back for one in changed],
        [one.kept for one in changed],
    )


async def next_places(tx: Connection, presale: UUID, amount: int) -> int:
    """The first of that many numbers in the line."""
    last: int = await tx.fetchval(
        "UPDATE promotions.presale SET placed = placed + $2 WHERE id = $1 RETURNING placed", presale, amount
    )
    return last - amount + 1


async def due(connection: Connection, state: BookingState, now: datetime, limit: int) -> list[Booking]:
    rows = await connection.fetch(
        f"SELECT {_BOOKING} FROM promotions.presale_booking WHERE due_at <= $2 AND state = $1 "
        "ORDER BY due_at, id LIMIT $3",
        state.value,
        now,
        limit,
    )
    return [_booking(row) for row in rows]


async def postpone(tx: Connection, ids: Sequence[UUID], until: datetime) -> None:
    await tx.execute("UPDATE promotions.presale_booking SET due_at = $2 WHERE id = ANY($1)", sorted(ids), until)


async def any_held(connection: Connection) -> bool:
    return await connection.fetchval(
        "SELECT EXISTS (SELECT FROM promotions.presale_booking WHERE due_at IS NOT NULL AND state = 'held')"
    )


async def held_of(connection: Connection, account: UUID, presales: Sequence[UUID]) -> list[UUID]:
    """The presales among these in which an account's balance is due."""
    rows = await connection.fetch(
        "SELECT presale FROM promotions.presale_booking WHERE account = $1 AND presale = ANY($2) AND state = 'held'",
        account,
        presales,
    )
    return [row[0] for row in rows]


async def of_orders(tx: Connection, orders: Sequence[UUID]) -> list[UUID]:
    rows = await tx.fetch(
        "SELECT id FROM promotions.presale_booking WHERE order_id = ANY($1) AND state = 'paid'", orders
    )
    return [row[0] for row in rows]


async def owed_more(connection: Connection) -> list[UUID]:
    """Presales in which somebody paid more than the lowest public price."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT p.id FROM promotions.presale p JOIN promotions.presale_booking b ON b.presale = p.id
        WHERE b.state = 'paid' AND p.lowest IS NOT NULL AND p.deposit + b.order_total - b.given_back > p.lowest
        LIMIT $1
        """,
        MAX_PRESALES,
    )
    return [row[0] for row in rows]


async def owed_of(tx: Connection, presale: UUID, lowest: int, limit: int) -> list[Booking]:
    """Bookings of a presale in which more was paid; those to whom less was given back come first."""
    rows = await tx.fetch(
        f"""
        SELECT {_BOOKING} FROM promotions.presale_booking b WHERE b.presale = $1 AND b.state = 'paid'
            AND (SELECT deposit FROM promotions.presale WHERE id = $1) + b.order_total - b.given_back > $2
        ORDER BY b.given_back, b.id LIMIT $3 FOR NO KEY UPDATE OF b
        """,
        presale,
        lowest,
        limit,
    )
    return [_booking(row) for row in rows]


async def counts(connection: Connection, presales: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    rows = await connection.fetch(
        "SELECT presale, state, count(*) AS number FROM promotions.presale_booking WHERE presale = ANY($1) "
        "GROUP BY presale, state",
        presales,
    )
    found: dict[UUID, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row["presale"], {})[row["state"]] = row["number"]
    return found


async def take_unreminded(tx: Connection, presale: UUID, stage: int, limit: int) -> list[Booking]:
    """Some whose balance is due and who were not written to at this stage; they are marked."""
    rows = await tx.fetch(
        f"""
        WITH w AS MATERIALIZED (
            SELECT id AS chosen FROM promotions.presale_booking
            WHERE presale = $1 AND state = 'held' AND reminded < $2
            ORDER BY id LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
        )
        UPDATE promotions.presale_booking b SET reminded = $2 FROM w WHERE b.id = w.chosen RETURNING {_BOOKING}
        """,
        presale,
        stage,
        limit,
    )
    return [_booking(row) for row in rows]


async def audit(connection: Connection) -> list[Record]:
    """Presales whose places are not 1, 2, 3 and so on, or whose bookings are more than the units."""
    return await connection.fetch(
        """
        SELECT p.id, p.units, p.placed, count(b.place) AS places, coalesce(max(b.place), 0) AS last,
            count(*) FILTER (WHERE b.state IN ('held', 'paid')) AS standing, p.returned
        FROM promotions.presale p LEFT JOIN promotions.presale_booking b ON b.presale = p.id
        GROUP BY p.id
        HAVING count(b.place) <> p.placed OR coalesce(max(b.place), 0) <> p.placed
            OR count(*) FILTER (WHERE b.state IN ('claimed', 'held', 'paid')) > p.units
            OR count(*) FILTER (WHERE b.state IN ('held', 'paid')) + p.returned > p.units
        LIMIT $1
        """,
        FINDINGS_LIMIT,
    )


async def page(connection: Connection, after: UUID, limit: int) -> list[Booking]:
    """Bookings with a place, in order of id."""
    rows = await connection.fetch(
        f"SELECT {_BOOKING} FROM promotions.presale_booking WHERE id > $1 AND place IS NOT NULL ORDER BY id LIMIT $2",
        after,
        limit,
    )
    return [_booking(row) for row in rows]
