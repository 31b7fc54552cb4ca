"""Coupons, their codes, and who has them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection, Record
from nightmarket.promotions.model.coupons import Coupon, CouponTerms

MAX_COUPONS = 500
CODES_PAGE = 5_000
AUDIT_LIMIT = 1_000

_COUPON = "id, terms, made_at, made_by, ended_at"
_INSERT = """
INSERT INTO promotions.coupon (id, merchant, way, word, collect_until, use_until, terms, made_at, made_by)
VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9) ON CONFLICT DO NOTHING RETURNING id
"""
_NEWEST = f"""
SELECT {_COUPON} FROM promotions.coupon WHERE $1::uuid IS NULL OR merchant = $1 ORDER BY made_at DESC, id LIMIT $2
"""
_ON_SHOW = f"""
SELECT {_COUPON} FROM promotions.coupon c
WHERE ended_at IS NULL AND collect_until > $1 AND (merchant IS NULL OR merchant = ANY($4::uuid[]))
    AND (way = 'open' OR (way = 'sent' AND EXISTS (
    SELECT FROM promotions.coupon_addressed a WHERE a.coupon = c.id AND a.person = $2)))
ORDER BY collect_until, id LIMIT $3
"""
_LOCK_CODES = """
SELECT code, coupon, person FROM promotions.coupon_code WHERE code = ANY($1::text[]) ORDER BY code FOR NO KEY UPDATE
"""
_TAKE_CODES = """
UPDATE promotions.coupon_code c SET person = new.person, taken_at = $3
FROM unnest($1::text[], $2::uuid[]) AS new (code, person) WHERE c.code = new.code AND c.person IS NULL
"""
_HELD_PAIRS = """
SELECT h.coupon, h.person, h.how, h.held_at FROM promotions.coupon_held h
JOIN unnest($1::uuid[], $2::uuid[]) AS asked (coupon, person) USING (coupon, person)
"""
_HOLD = """
INSERT INTO promotions.coupon_held (coupon, person, how, held_at)
SELECT coupon, person, how, $4 FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS new (coupon, person, how)
ORDER BY coupon, person ON CONFLICT DO NOTHING RETURNING coupon, person
"""
_DROP = """
DELETE FROM promotions.coupon_held h USING unnest($1::uuid[], $2::uuid[]) AS gone (coupon, person)
WHERE h.coupon = gone.coupon AND h.person = gone.person
"""
_KNOW = """
INSERT INTO promotions.coupon_holder (owner, person)
SELECT DISTINCT owner, person FROM unnest($1::uuid[], $2::uuid[]) AS new (owner, person)
ORDER BY owner, person ON CONFLICT DO NOTHING
"""
_OF_PERSON = f"""
SELECT {", ".join(f"c.{name}" for name in _COUPON.split(", "))}, h.person, h.how, h.held_at, EXISTS (
    SELECT FROM promotions.coupon_holder o WHERE o.owner = $2 AND o.person = h.person) AS here
FROM promotions.coupon_held h JOIN promotions.coupon c ON c.id = h.coupon
WHERE h.person = $1 ORDER BY h.held_at DESC, c.id LIMIT $3
"""
_OF_OWNER = """
SELECT DISTINCT h.coupon FROM promotions.coupon_held h JOIN promotions.coupon c ON c.id = h.coupon
WHERE h.person IN (SELECT $2::uuid UNION ALL SELECT person FROM promotions.coupon_holder WHERE owner = $1)
    AND c.ended_at IS NULL AND c.use_until > $3
LIMIT $4
"""
_COUNTED = """
SELECT c.id, (SELECT count(*) FROM promotions.coupon_held h WHERE h.coupon = c.id) AS held,
    (c.terms ->> 'quota')::int AS quota
FROM promotions.coupon c WHERE c.id = ANY($1::uuid[])
"""
_STRAY_CODES = """
SELECT k.code, k.coupon FROM promotions.coupon_code k WHERE k.person IS NOT NULL AND NOT EXISTS (
    SELECT FROM promotions.coupon_held h WHERE h.coupon = k.coupon AND h.person = k.person) LIMIT $1
"""

Pair = tuple[UUID, UUID]
"""Coupon and person."""


class Row(msgspec.Struct, frozen=True):
    """A coupon that somebody has, and whether it applies in the carts of the owner who asked."""

    coupon: Coupon
    person: UUID
    how: str
    held_at: datetime
    here: bool


def _coupon(row: Record) -> Coupon:
    terms = msgspec.json.decode(row["terms"], type=CouponTerms)
    return Coupon(row["id"], terms, row["made_at"], row["made_by"], row["ended_at"])


async def insert(tx: Connection, new: Coupon) -> bool:
    """Write one; False where its id or its word is there already."""
    terms = new.terms
    body = msgspec.json.encode(terms).decode()
    row = (new.id, terms.merchant, terms.way.value, terms.word, terms.collect_until, terms.use_until, body)
    return await tx.fetchval(_INSERT, *row, new.made_at, new.made_by) is not None


async def address(tx: Connection, coupon: UUID, persons: Iterable[UUID]) -> None:
    """Note whom alone it is for."""
    rows = [(coupon, person) for person in sorted(set(persons))]
    await tx.copy_records_to_table(
        "coupon_addressed", schema_name="promotions", columns=["coupon", "person"], records=rows
    )


async def write_codes(tx: Connection, coupon: UUID, codes: Sequence[str]) -> None:
    """Its codes, numbered from one."""
    rows = [(code, coupon, number) for number, code in enumerate(codes, start=1)]
    await tx.copy_records_to_table(
        "coupon_code", schema_name="promotions", columns=["code", "coupon", "number"], records=rows
    )


async def one(connection: Connection, id: UUID, *, lock: bool = False) -> Coupon | None:
    row = await connection.fetchrow(
        f"SELECT {_COUPON} FROM promotions.coupon WHERE id = $1{' FOR NO KEY UPDATE' if lock else ''}", id
    )
    return _coupon(row) if row else None


async def some(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Coupon]:
    rows = await connection.fetch(f"SELECT {_COUPON} FROM promotions.coupon WHERE id = ANY($1::uuid[])", list(ids))
    return {row["id"]: _coupon(row) for row in rows}


async def by_words(connection: Connection, words: Sequence[str]) -> dict[str, Coupon]:
    """Shared coupons by their words."""
    rows = await connection.fetch(
        f"SELECT {_COUPON} FROM promotions.coupon WHERE word = ANY($1::text[]) AND word <> ''", words
    )
    return {coupon.terms.word: coupon for coupon in map(_coupon, rows)}


async def newest(connection: Connection, merchant: UUID | None, limit: int) -> list[Coupon]:
    return [_coupon(row) for row in await connection.fetch(_NEWEST, merchant, min(limit, MAX_COUPONS))]


async def on_show(
    connection: Connection, person: UUID | None, now: datetime, merchants: Collection[UUID]
) -> list[Coupon]:
    """Of the market and of these merchants."""
    rows = await connection.fetch(_ON_SHOW, now, person, MAX_COUPONS, list(merchants))
    return [_coupon(row) for row in rows]


async def end(tx: Connection, id: UUID, at: datetime) -> None:
    await tx.execute("UPDATE promotions.coupon SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", id, at)


async def lock_codes(tx: Connection, codes: Sequence[str]) -> dict[str, tuple[UUID, UUID | None]]:
    """The coupon and the taker of each code that exists; locked in order."""
    rows = await tx.fetch(_LOCK_CODES, codes)
    return {row["code"]: (row["coupon"], row["person"]) for row in rows}


async def take_codes(tx: Connection, taken: Mapping[str, UUID], at: datetime) -> None:
    await tx.execute(_TAKE_CODES, list(taken), list(taken.values()), at)


async def addressed(connection: Connection, pairs: Sequence[Pair]) -> set[Pair]:
    """Which of these people these coupons are addressed to."""
    rows = await connection.fetch(
        "SELECT a.coupon, a.person FROM promotions.coupon_addressed a "
        "JOIN unnest($1::uuid[], $2::uuid[]) AS asked (coupon, person) USING (coupon, person)",
        [coupon for coupon, _ in pairs],
        [person for _, person in pairs],
    )
    return {(row["coupon"], row["person"]) for row in rows}


async def have(connection: Connection, pairs: Sequence[Pair]) -> dict[Pair, tuple[str, datetime]]:
    """How and since when these people have these coupons, as far as they do."""
    rows = await connection.fetch(_HELD_PAIRS, [coupon for coupon, _ in pairs], [person for _, person in pairs])
    return {(row["coupon"], row["person"]): (row["how"], row["held_at"]) for row in rows}


async def hold(tx: Connection, new: Mapping[Pair, str], at: datetime) -> set[Pair]:
    """Write who has what and how; returns the pairs that were new. Waits for others who write the same."""
    pairs = sorted(new)
    rows = await tx.fetch(
        _HOLD, [coupon for coupon, _ in pairs], [person for _, person in pairs], [new[pair] for pair in pairs], at
    )
    return {(row["coupon"], row["person"]) for row in rows}


async def drop(tx: Connection, pairs: Sequence[Pair]) -> None:
    """Take back rows of this very transaction."""
    await tx.execute(_DROP, [coupon for coupon, _ in pairs], [person for _, person in pairs])


async def know(tx: Connection, owners: Sequence[Pair]) -> None:
    """Note that these owners of carts are these people."""
    await tx.execute(_KNOW, [owner for owner, _ in owners], [person for _, person in owners])


async def forget(tx: Connection, owner: UUID, person: UUID, nobody: UUID) -> None:
    """What somebody had is an unknown person's from now on, so that what is counted stays counted."""
    await tx.execute("DELETE FROM promotions.coupon_holder WHERE owner = $1 OR person = $2", owner, person)
    await tx.execute("DELETE FROM promotions.coupon_addressed WHERE person = $1", person)
    await tx.execute("UPDATE promotions.coupon_code SET person = $2 WHERE person = $1", person, nobody)
    await tx.execute("UPDATE promotions.coupon_held SET person = $2 WHERE person = $1", person, nobody)
    await tx.execute("UPDATE promotions.booklet_stamp SET person = $2, occasion = '' WHERE person = $1", person, nobody)


async def of_person(connection: Connection, person: UUID, owner: UUID) -> list[Row]:
    rows = await connection.fetch(_OF_PERSON, person, owner, MAX_COUPONS)
    return [Row(_coupon(row), row["person"], row["how"], row["held_at"], row["here"]) for row in rows]


async def of_owner(connection: Connection, owner: UUID, person: UUID | None, now: datetime) -> list[UUID]:
    """Coupons that are not over of the owner of a cart."""
    rows = await connection.fetch(_OF_OWNER, owner, person, now, MAX_COUPONS)
    return [row["coupon"] for row in rows]


async def counted(connection: Connection, ids: Sequence[UUID]) -> list[tuple[UUID, int, int]]:
    """Coupon, how many rows say that somebody has it, its quota. Counts them all: for the audit."""
    rows = await connection.fetch(_COUNTED, ids)
    return [(row["id"], row["held"], row["quota"]) for row in rows]


async def codes(connection: Connection, id: UUID, after: int) -> list[tuple[int, str, bool]]:
    rows = await connection.fetch(
        "SELECT number, code, person IS NOT NULL AS taken FROM promotions.coupon_code "
        "WHERE coupon = $1 AND number > $2 ORDER BY number LIMIT $3",
        id,
        after,
        CODES_PAGE,
    )
    return [(row["number"], row["code"], row["taken"]) for row in rows]


async def stray_codes(connection: Connection) -> list[tuple[str, UUID]]:
    """Codes that are taken by people who do not have their coupon."""
    return [(row["code"], row["coupon"]) for row in await connection.fetch(_STRAY_CODES, AUDIT_LIMIT)]


async def after(connection: Connection, id: UUID) -> list[UUID]:
    """The next coupons in order of id."""
    rows = await connection.fetch(
        "SELECT id FROM promotions.coupon WHERE id > $1 ORDER BY id LIMIT $2", id, MAX_COUPONS
    )
    return [row["id"] for row in rows]
