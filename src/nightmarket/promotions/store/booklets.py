"""Booklets and their stamps."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection, Record
from nightmarket.promotions.model.booklets import Booklet, BookletTerms

MAX_BOOKLETS = 200
AUDIT_LIMIT = 1_000
PLACES = 2**61
"""Of locks; two people who fall on the same one only wait for each other."""

_BOOKLET = "id, terms, made_at, made_by"
_INSERT = """
INSERT INTO promotions.booklet (id, opens_at, closes_at, terms, made_at, made_by)
VALUES ($1, $2, $3, $4::jsonb, $5, $6) ON CONFLICT DO NOTHING RETURNING id
"""
_LOCK_PEOPLE = """
SELECT pg_advisory_xact_lock(place) FROM unnest($1::bigint[]) AS place
"""
_STAMP = """
INSERT INTO promotions.booklet_stamp (booklet, person, stamp, occasion, stamped_at)
SELECT booklet, person, stamp, occasion, $5
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS new (booklet, person, stamp, occasion)
ORDER BY booklet, person, stamp ON CONFLICT DO NOTHING RETURNING booklet, stamp
"""
_COUNT = """
SELECT s.booklet, s.person, count(*) AS stamps FROM promotions.booklet_stamp s
JOIN (SELECT DISTINCT * FROM unnest($1::uuid[], $2::uuid[]) AS one (booklet, person)) asked USING (booklet, person)
GROUP BY s.booklet, s.person
"""
_PEOPLE = """
SELECT person, count(*) AS stamps, array_agg(stamp) AS keys FROM promotions.booklet_stamp
WHERE booklet = $1 AND person > $2 GROUP BY person ORDER BY person LIMIT $3
"""

Pair = tuple[UUID, UUID]
"""Booklet and person."""


def _booklet(row: Record) -> Booklet:
    terms = msgspec.json.decode(row["terms"], type=BookletTerms)
    return Booklet(row["id"], terms, row["made_at"], row["made_by"])


async def insert(tx: Connection, new: Booklet) -> bool:
    terms = new.terms
    body = msgspec.json.encode(terms).decode()
    row = (new.id, terms.opens_at, terms.closes_at, body, new.made_at, new.made_by)
    return await tx.fetchval(_INSERT, *row) is not None


async def some(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Booklet]:
    rows = await connection.fetch(f"SELECT {_BOOKLET} FROM promotions.booklet WHERE id = ANY($1::uuid[])", ids)
    return {row["id"]: _booklet(row) for row in rows}


async def newest(connection: Connection, limit: int) -> list[Booklet]:
    rows = await connection.fetch(
        f"SELECT {_BOOKLET} FROM promotions.booklet ORDER BY made_at DESC, id LIMIT $1", min(limit, MAX_BOOKLETS)
    )
    return [_booklet(row) for row in rows]


async def lock_people(tx: Connection, pairs: Sequence[Pair]) -> None:
    """Nobody else stamps these people's booklets until the transaction ends, so that no stamp is overlooked in the
    count. Locked in one order."""
    places = {
        int.from_bytes(bytes(a ^ b for a, b in zip(one.bytes, two.bytes, strict=True))[-7:]) for one, two in pairs
    }
    await tx.execute(_LOCK_PEOPLE, sorted(places))


async def stamp(tx: Connection, new: Sequence[tuple[UUID, UUID, str, str]], at: datetime) -> list[tuple[UUID, str]]:
    """Write stamps (booklet, person, key, occasion); returns booklet and key of those that were new."""
    booklets, persons, keys, occasions = (list(column) for column in zip(*new, strict=True))
    rows = await tx.fetch(_STAMP, booklets, persons, keys, occasions, at)
    return [(row["booklet"], row["stamp"]) for row in rows]


async def count(connection: Connection, pairs: Sequence[Pair]) -> dict[Pair, int]:
    """How many stamps these people have in these booklets."""
    rows = await connection.fetch(_COUNT, [booklet for booklet, _ in pairs], [person for _, person in pairs])
    return {(row["booklet"], row["person"]): row["stamps"] for row in rows}


async def keys(connection: Connection, id: UUID, person: UUID) -> frozenset[str]:
    rows = await connection.fetch(
        "SELECT stamp FROM promotions.booklet_stamp WHERE booklet = $1 AND person = $2", id, person
    )
    return frozenset(row["stamp"] for row in rows)


async def counts(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
    """How many people have stamps of each, and how many stamps; absent where nobody has."""
    rows = await connection.fetch(
        "SELECT booklet, count(DISTINCT person) AS people, count(*) AS stamps FROM promotions.booklet_stamp "
        "WHERE booklet = ANY($1::uuid[]) GROUP BY booklet",
        ids,
    )
    return {row["booklet"]: (row["people"], row["stamps"]) for row in rows}


async def people(connection: Connection, id: UUID, after: UUID) -> list[tuple[UUID, int, frozenset[str]]]:
    """Who has stamps of a booklet, how many and which; the next ones in order."""
    rows = await connection.fetch(_PEOPLE, id, after, AUDIT_LIMIT)
    return [(row["person"], row["stamps"], frozenset(row["keys"])) for row in rows]
