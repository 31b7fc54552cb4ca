"""Revisions of offers, one row per book number."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection, Record
from nightmarket.promotions.model.offers import Offer, plain_code
from nightmarket.promotions.model.packing import told

PAGE = 1_000
"""Offers of a whole book that one reading returns at most."""

CHANGES_PAGE = 100
"""Changes that one reading returns at most: so many are taken in without keeping requests waiting."""

_LOCK_COUNTER = "SELECT book FROM promotions.counter FOR UPDATE"
_COUNTER = "SELECT book FROM promotions.counter"
_MOVE_COUNTER = "UPDATE promotions.counter SET book = $1"
_LATEST = """
SELECT DISTINCT ON (offer) offer, revision, state FROM promotions.revision
WHERE offer = ANY($1::uuid[]) ORDER BY offer, book DESC
"""
_WITH_CODES = """
SELECT body FROM promotions.revision r WHERE code = ANY($1::text[]) AND state = 'published'
  AND NOT EXISTS (SELECT FROM promotions.revision later WHERE later.offer = r.offer AND later.book > r.book)
"""
_EXCLUDING = """
SELECT body FROM promotions.revision r
WHERE offer = ANY($1::uuid[]) AND state = 'published' AND jsonb_array_length(body -> 'not_with') > 0
  AND NOT EXISTS (SELECT FROM promotions.revision later WHERE later.offer = r.offer AND later.book > r.book)
"""
_LAST_BODIES = """
SELECT DISTINCT ON (offer) body FROM promotions.revision
WHERE offer = ANY($1::uuid[]) AND body IS NOT NULL ORDER BY offer, book DESC
"""
_COUNT = """
SELECT count(*) FROM promotions.revision r WHERE state = 'published'
  AND NOT EXISTS (SELECT FROM promotions.revision later WHERE later.offer = r.offer AND later.book > r.book)
"""
_COUNT_FUNDED = """
SELECT body ->> 'funder' AS funder, count(*) FROM promotions.revision r
WHERE body ->> 'funder' = ANY($1::text[]) AND state = 'published'
  AND NOT EXISTS (SELECT FROM promotions.revision later WHERE later.offer = r.offer AND later.book > r.book)
GROUP BY 1
"""
_COUNT_ADDED = """
SELECT coalesce(sum(is_live::integer - was_live::integer), 0)::integer FROM (
    SELECT
        (SELECT state = 'published' FROM promotions.revision last WHERE last.offer = changed.offer
         ORDER BY book DESC LIMIT 1) AS is_live,
        coalesce((SELECT state = 'published' FROM promotions.revision before
                  WHERE before.offer = changed.offer AND book <= $1 ORDER BY book DESC LIMIT 1), false) AS was_live
    FROM (SELECT DISTINCT offer FROM promotions.revision WHERE book > $1) changed
) AS counted
"""
_APPEND = """
INSERT INTO promotions.revision (book, offer, revision, state, code, body, at)
SELECT book, offer, revision, CASE WHEN body IS NULL THEN 'retired' ELSE 'published' END, code, body::jsonb, $6
FROM unnest($1::bigint[], $2::uuid[], $3::integer[], $4::text[], $5::text[]) AS new (book, offer, revision, code, body)
"""
_SINCE = """
SELECT book, offer, body FROM promotions.revision WHERE book > $1 AND ($3::bigint IS NULL OR book <= $3)
ORDER BY book LIMIT $2
"""
_AT = """
SELECT offer, body FROM (
    SELECT DISTINCT ON (offer) offer, body FROM promotions.revision WHERE book <= $1 AND offer > $2
    ORDER BY offer, book DESC
) latest WHERE body IS NOT NULL ORDER BY offer LIMIT $3
"""

_STAMP = "SELECT offer::text || ' ' || revision || ' ' || at::text FROM promotions.revision WHERE book = $1"


class Standing(msgspec.Struct, frozen=True):
    """The newest row of an offer."""

    offer: UUID
    revision: int
    live: bool


class Change(msgspec.Struct, frozen=True):
    """A row to be written or read: the offer as published, or None when it was retired."""

    book: int
    id: UUID
    revision: int
    offer: Offer | None


def _offer(row: Record) -> Offer:
    return msgspec.json.decode(row["body"], type=Offer)


async def lock_counter(tx: Connection) -> int:
    """The newest book's number; nobody else publishes until this transaction ends."""
    return await tx.fetchval(_LOCK_COUNTER)


async def newest(connection: Connection) -> int:
    """The newest book's number."""
    return await connection.fetchval(_COUNTER)


async def standings(tx: Connection, offers: Sequence[UUID]) -> dict[UUID, Standing]:
    """How the offers stand; those never published are absent."""
    rows = await tx.fetch(_LATEST, offers)
    return {row["offer"]: Standing(row["offer"], row["revision"], row["state"] == "published") for row in rows}


async def live_with_codes(tx: Connection, codes: Sequence[str]) -> list[Offer]:
    """Published offers that have one of the codes."""
    return [_offer(row) for row in await tx.fetch(_WITH_CODES, [plain_code(code) for code in codes])]


async def live_excluding(tx: Connection, offers: Sequence[UUID]) -> list[Offer]:
    """Those of the offers that are published and name others with which they do not go together."""
    return [_offer(row) for row in await tx.fetch(_EXCLUDING, offers)]


async def last_bodies(tx: Connection, offers: Sequence[UUID]) -> dict[UUID, Offer]:
    """The offers as they were last published, also those that have been retired since."""
    found = [_offer(row) for row in await tx.fetch(_LAST_BODIES, offers)]
    return {offer.id: offer for offer in found}


async def count_live(tx: Connection) -> int:
    """How many offers the newest book has."""
    return await tx.fetchval(_COUNT)


async def count_funded(tx: Connection, merchants: Sequence[UUID]) -> dict[UUID, int]:
    """How many offers each of these merchants has in the newest book; absent are those that have none."""
    rows = await tx.fetch(_COUNT_FUNDED, [str(merchant) for merchant in merchants])
    return {UUID(row["funder"]): row["count"] for row in rows}


async def count_added(tx: Connection, book: int) -> int:
    """How many offers more the newest book has than that one."""
    return await tx.fetchval(_COUNT_ADDED, book)


async def append(tx: Connection, changes: Sequence[Change], at: datetime) -> None:
    """Write rows and move the counter to the last one's number."""
    bodies = [None if change.offer is None else msgspec.json.encode(told(change.offer)).decode() for change in changes]
    codes = [change.offer and change.offer.code and plain_code(change.offer.code) for change in changes]
    await tx.execute(
        _APPEND,
        [change.book for change in changes],
        [change.id for change in changes],
        [change.revision for change in changes],
        codes,
        bodies,
        at,
    )
    await tx.execute(_MOVE_COUNTER, changes[-1].book)


async def since(connection: Connection, book: int, *, until: int | None = None) -> list[tuple[int, UUID, Offer | None]]:
    """Up to CHANGES_PAGE rows after a book, and up to another: the number, the offer's id, and the offer unless it was
    retired."""
    rows = await connection.fetch(_SINCE, book, CHANGES_PAGE, until)
    return [(row["book"], row["offer"], None if row["body"] is None else _offer(row)) for row in rows]


async def stamp(connection: Connection, book: int) -> str | None:
    """What tells the book with that number from one of the same number in another database."""
    return await connection.fetchval(_STAMP, book)


async def pages_at(connection: Connection, book: int) -> AsyncGenerator[list[bytes]]:
    """The bodies of all offers of a book in order of id, as JSON, a page at a time. Revisions never change, so that
    no transaction need last that long."""
    after = UUID(int=0)
    while page := await connection.fetch(_AT, book, after, PAGE):
        yield [row["body"].encode() for row in page]
        after = page[-1]["offer"]


async def offers_at(connection: Connection, book: int) -> list[Offer]:
    """All offers of a book, in order of id."""
    return [msgspec.json.decode(one, type=Offer) async for page in pages_at(connection, book) for one in page]
