"""Cashback campaigns and red packets: what was made, whom it is for, who used offers."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.payments.model.wallets import Source, SourceKind, SourceTerms
from nightmarket.platform.database import Connection, Record

MAX_SOURCES = 500
_SOURCE = "id, terms, secret, made_at, made_by, ended_at, done_at, opened"


def _source(row: Record) -> Source:
    terms = msgspec.json.decode(row["terms"], type=SourceTerms)
    return Source(
        row["id"],
        terms,
        row["secret"],
        row["made_at"],
        row["made_by"],
        row["ended_at"],
        row["done_at"],
        row["opened"],
    )


async def insert(tx: Connection, source: Source) -> bool:
    """Write one; False where the id is taken."""
    terms = source.terms
    done = await tx.fetchval(
        """
        INSERT INTO payments.wallet_source (id, kind, terms, secret, since, until, made_at, made_by)
        VALUES ($1, $2, $3::jsonb, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING true
        """,
        source.id,
        terms.kind.value,
        msgspec.json.encode(terms).decode(),
        source.secret,
        terms.since,
        terms.until,
        source.made_at,
        source.made_by,
    )
    return bool(done)


async def list_accounts(tx: Connection, source: UUID, accounts: Iterable[UUID]) -> None:
    """Note whom alone a packet is for."""
    rows = [(source, account) for account in sorted(set(accounts))]
    await tx.copy_records_to_table("wallet_listed", schema_name="payments", columns=["source", "account"], records=rows)


async def listed_after(connection: Connection, source: UUID, after: UUID, limit: int) -> list[UUID]:
    rows = await connection.fetch(
        "SELECT account FROM payments.wallet_listed WHERE source = $1 AND account > $2 ORDER BY account LIMIT $3",
        source,
        after,
        limit,
    )
    return [row["account"] for row in rows]


async def one(connection: Connection, id: UUID, *, lock: bool = False) -> Source | None:
    row = await connection.fetchrow(
        f"SELECT {_SOURCE} FROM payments.wallet_source WHERE id = $1{' FOR NO KEY UPDATE' if lock else ''}", id
    )
    return _source(row) if row else None


async def some(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Source]:
    rows = await connection.fetch(
        f"SELECT {_SOURCE} FROM payments.wallet_source WHERE id = ANY($1::uuid[])", list(set(ids))
    )
    return {row["id"]: _source(row) for row in rows}


async def newest(connection: Connection, limit: int) -> list[Source]:
    rows = await connection.fetch(
        f"SELECT {_SOURCE} FROM payments.wallet_source ORDER BY made_at DESC, id DESC LIMIT $1",
        min(limit, MAX_SOURCES),
    )
    return [_source(row) for row in rows]


async def giving(connection: Connection, kind: SourceKind, now: datetime, since: datetime) -> list[Source]:
    """Sources of a kind that have begun, were not over at `since`, and have not ended."""
    rows = await connection.fetch(
        f"SELECT {_SOURCE} FROM payments.wallet_source WHERE kind = $1 AND since <= $2 AND until > $3 "
        "AND ended_at IS NULL AND done_at IS NULL ORDER BY id LIMIT $4",
        kind.value,
        now,
        since,
        MAX_SOURCES,
    )
    return [_source(row) for row in rows]


async def take_packet(tx: Connection, now: datetime) -> tuple[Source, UUID] | None:
    """A packet that is to be sent, locked, and the last account that has it."""
    row = await tx.fetchrow(
        f"SELECT {_SOURCE}, after FROM payments.wallet_source WHERE kind = 'packet' AND since <= $1 AND until > $1 "
        "AND ended_at IS NULL AND done_at IS NULL ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED",
        now,
    )
    return (_source(row), row["after"]) if row else None


async def sent(tx: Connection, id: UUID, after: UUID, done_at: datetime | None) -> None:
    await tx.execute("UPDATE payments.wallet_source SET after = $2, done_at = $3 WHERE id = $1", id, after, done_at)


async def opened(tx: Connection, id: UUID, opened: int) -> None:
    await tx.execute("UPDATE payments.wallet_source SET opened = $2 WHERE id = $1", id, opened)


async def end(tx: Connection, id: UUID, at: datetime) -> None:
    await tx.execute("UPDATE payments.wallet_source SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", id, at)


async def after(connection: Connection, id: UUID, limit: int) -> list[Source]:
    """The next sources in order of id."""
    rows = await connection.fetch(
        f"SELECT {_SOURCE} FROM payments.wallet_source WHERE id > $1 ORDER BY id LIMIT $2", id, limit
    )
    return [_source(row) for row in rows]


async def note_uses(tx: Connection, used: Sequence[tuple[UUID, UUID]]) -> None:
    pairs = sorted(set(used))
    await tx.execute(
        "INSERT INTO payments.wallet_offer_use (festival, account) "
        "SELECT * FROM unnest($1::uuid[], $2::uuid[]) ON CONFLICT DO NOTHING",
        [festival for festival, _ in pairs],
        [account for _, account in pairs],
    )


async def used(connection: Connection, festival: UUID, accounts: Sequence[UUID]) -> set[UUID]:
    """Those of these accounts that have used an offer in a festival."""
    rows = await connection.fetch(
        "SELECT account FROM payments.wallet_offer_use WHERE festival = $1 AND account = ANY($2::uuid[])",
        festival,
        accounts,
    )
    return {row["account"] for row in rows}


async def forget(tx: Connection, account: UUID) -> None:
    """Forget what an account was chosen for and has used."""
    await tx.execute("DELETE FROM payments.wallet_listed WHERE account = $1", account)
    await tx.execute("DELETE FROM payments.wallet_offer_use WHERE account = $1", account)


_FIGURES = """
SELECT s.id, coalesce(l.accounts, 0) AS accounts, coalesce(l.given, 0)::bigint AS given,
    coalesce(e.waiting, 0)::bigint AS waiting
FROM payments.wallet_source s
LEFT JOIN (SELECT source, count(DISTINCT account) AS accounts, sum(amount) AS given FROM payments.wallet_lot
    WHERE source = ANY($1::uuid[]) GROUP BY source) l ON l.source = s.id
LEFT JOIN (SELECT source, sum(amount) AS waiting FROM payments.wallet_earning
    WHERE source = ANY($1::uuid[]) AND state = 'waiting' GROUP BY source) e ON e.source = s.id
WHERE s.id = ANY($1::uuid[])
"""


async def figures(connection: Connection, ids: Sequence[UUID]) -> list[Record]:
    """By source: how many accounts have how much of it, and what waits."""
    return await connection.fetch(_FIGURES, ids)


_OUT = """
SELECT coalesce((SELECT sum(amount - settled - taken) FROM payments.wallet_earning
        WHERE source = $1 AND state <> 'dropped'), 0)::bigint
    + coalesce((SELECT sum(l.amount) FROM payments.wallet_lot l WHERE l.source = $1 AND l.about = $1), 0)::bigint
"""


async def out(connection: Connection, id: UUID) -> int:
    """What a source has given or promised, less what came back to it."""
    return await connection.fetchval(_OUT, id)
