"""Queries on `payments.posting`."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from itertools import pairwise
from struct import Struct
from uuid import UUID

from nightmarket.payments.model import Account, Leg, Posting
from nightmarket.platform.copying import ID, INT2, INT8, UUID_, array_head, copy_rows, fields, microseconds
from nightmarket.platform.database import Connection, Record

COLUMNS = ("id", "about", "kind", "currency", "at", "accounts", "parties", "amounts")


async def copy(tx: Connection, postings: Sequence[Posting]) -> None:
    """Write postings with COPY; one that is there already fails the transaction."""
    await copy_rows(tx, "payments", "posting", COLUMNS, packed(postings))


_FIRST = fields(len(COLUMNS)) + ID


@cache
def _row(legs: int, words: int) -> tuple[Callable[..., bytes], bytes, bytes, bytes]:
    """A row with arrays of that length, and so many bytes between its ids and them; and what its arrays begin with."""
    row = Struct(f"!6s16s4s16s{words}s24s{'ih' * legs}24s{'4s16s' * legs}24s{'iq' * legs}")
    return row.pack, array_head(INT2, legs), array_head(UUID_, legs), array_head(INT8, legs)


def _words(posting: Posting) -> bytes:
    """Kind, currency and instant of a posting, as they stand in its row."""
    kind, currency = posting.kind.encode(), posting.currency.encode()
    form = Struct(f"!i{len(kind)}si{len(currency)}siq")
    return form.pack(len(kind), kind, len(currency), currency, 8, microseconds(posting.at))


def packed(postings: Sequence[Posting]) -> list[bytes]:
    """Rows of postings for COPY."""
    rows: list[bytes] = []
    known: dict[tuple[str, str, datetime], bytes] = {}
    for posting in postings:
        said = (posting.kind, posting.currency, posting.at)
        words = known.get(said)
        if words is None:
            words = known[said] = _words(posting)
        legs = posting.legs
        pack, accounts, parties, amounts = _row(len(legs), len(words))
        row: list[int | bytes] = [_FIRST, posting.id.bytes, ID, posting.about.bytes, words, accounts]
        for leg in legs:
            row += (2, leg.account)
        row.append(parties)
        for leg in legs:
            row += (ID, leg.party.bytes)
        row.append(amounts)
        for leg in legs:
            row += (8, leg.amount)
        rows.append(pack(*row))
    return rows


_INSERT = """
INSERT INTO payments.posting (id, about, kind, currency, at, accounts, parties, amounts)
SELECT id, about, kind, currency, at, accounts::smallint[], parties::uuid[], amounts::bigint[]
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[], $8::text[])
    AS new(id, about, kind, currency, at, accounts, parties, amounts)
ORDER BY about, id
ON CONFLICT (about, id) DO NOTHING RETURNING id
"""


async def insert_missing(tx: Connection, postings: Sequence[Posting]) -> list[UUID]:
    """Write those that are not there yet; returns their ids."""

    def array(values: Sequence[object]) -> str:
        return "{" + ",".join(map(str, values)) + "}"

    rows = await tx.fetch(
        _INSERT,
        [posting.id for posting in postings],
        [posting.about for posting in postings],
        [posting.kind for posting in postings],
        [posting.currency for posting in postings],
        [posting.at for posting in postings],
        [array([leg.account for leg in posting.legs]) for posting in postings],
        [array([leg.party for leg in posting.legs]) for posting in postings],
        [array([leg.amount for leg in posting.legs]) for posting in postings],
    )
    return [row["id"] for row in rows]


_BALANCES = """
SELECT account, party, sum(amount)::bigint AS amount
FROM payments.posting, unnest(accounts, parties, amounts) AS leg(account, party, amount)
WHERE about = $1 GROUP BY account, party HAVING sum(amount) <> 0 ORDER BY account, party
"""


async def balances(connection: Connection, about: UUID) -> list[Leg]:
    """Sums per account and party of what was posted about one order; zeros are left out."""
    rows = await connection.fetch(_BALANCES, about)
    return [Leg(row["account"], row["party"], row["amount"]) for row in rows]


_POSTINGS = """
SELECT id, about, kind, currency, at, accounts, parties, amounts FROM payments.posting
WHERE about = $1 ORDER BY at, id LIMIT $2
"""


async def postings(connection: Connection, about: UUID, limit: int = 200) -> list[Posting]:
    """What was posted about one order, oldest first."""
    return [
        Posting(
            id=row["id"],
            about=row["about"],
            kind=row["kind"],
            currency=row["currency"],
            at=row["at"],
            legs=tuple(map(Leg, row["accounts"], row["parties"], row["amounts"])),
        )
        for row in await connection.fetch(_POSTINGS, about, limit)
    ]


_BETWEEN = """
SELECT about, (-sum(amount))::bigint AS amount FROM payments.merchant_leg
WHERE about = ANY($1::uuid[]) AND account = $2 GROUP BY about
"""
_OWED = """
SELECT about, (-sum(amount))::bigint AS owed FROM payments.merchant_leg WHERE about = ANY($1::uuid[]) GROUP BY about
"""


async def owed(connection: Connection, abouts: Sequence[UUID]) -> dict[UUID, int]:
    """What the merchant of the connection is owed of each order; the view shows nobody else's legs."""
    return {row["about"]: row["owed"] for row in await connection.fetch(_OWED, abouts)}


async def between(connection: Connection, abouts: Sequence[UUID]) -> dict[UUID, int]:
    """Of that, what others pay of the merchant's discounts, less what it pays of theirs."""
    return {row["about"]: row["amount"] for row in await connection.fetch(_BETWEEN, abouts, int(Account.SHARING))}


ROWS_AT_ONCE = 100_000
"""Postings that one query of the audit looks at, about; more would run into the time that a reading may take."""


Span = tuple[UUID, UUID]


async def spans(connection: Connection) -> list[Span]:
    """The ids of orders cut into spans, first and last, each with about ROWS_AT_ONCE postings: their ids are spread
    evenly, as they are digests."""
    return cut(await connection.fetchval("SELECT count(*) FROM payments.posting"))


def cut(rows: int) -> list[Span]:
    """All ids, cut into spans for that many rows."""
    amount = rows // ROWS_AT_ONCE + 1
    edges = [number * 2**128 // amount for number in range(amount + 1)]
    return [(UUID(int=low), UUID(int=high - 1)) for low, high in pairwise(edges)]


_UNBALANCED = """
SELECT about, id, (SELECT coalesce(sum(amount), 0) FROM unnest(amounts) AS amount)::text AS total
FROM payments.posting
WHERE about BETWEEN $2 AND $3 AND (
    cardinality(accounts) <> cardinality(amounts) OR cardinality(parties) <> cardinality(amounts)
    OR (SELECT coalesce(sum(amount), 0) FROM unnest(amounts) AS amount) <> 0)
LIMIT $1
"""


async def unbalanced(connection: Connection, span: Span, limit: int) -> list[Record]:
    """Postings about these orders that do not sum to zero."""
    return await connection.fetch(_UNBALANCED, limit, *span)


_AGAINST_PAYMENTS = """
WITH book AS (
    SELECT about, coalesce(sum(amount) FILTER (WHERE account = $4), 0) AS buyer,
        coalesce(sum(amount) FILTER (WHERE account = $5), 0) AS provider
    FROM payments.posting, unnest(accounts, amounts) AS leg(account, amount)
    WHERE about BETWEEN $2 AND $3 GROUP BY about
), paid AS (
    SELECT order_id, sum(amount - owed) AS kept FROM payments.payment
    WHERE order_id BETWEEN $2 AND $3 AND state NOT IN ('declined', 'voided', 'held') GROUP BY order_id
)
SELECT coalesce(about, order_id) AS about, coalesce(buyer, 0)::bigint AS buyer,
    coalesce(provider, 0)::bigint AS provider, coalesce(kept, 0)::bigint AS kept
FROM book FULL JOIN paid ON about = order_id
WHERE coalesce(provider, 0) <> coalesce(kept, 0) OR coalesce(buyer, 0) < 0
   OR (coalesce(buyer, 0) > 0 AND coalesce(kept, 0) > 0)
LIMIT $1
"""


async def against_payments(connection: Connection, span: Span, limit: int) -> list[Record]:
    """Orders of that span whose accounts of buyer and provider disagree with their payments."""
    return await connection.fetch(_AGAINST_PAYMENTS, limit, *span, Account.BUYER, Account.PROVIDER)
