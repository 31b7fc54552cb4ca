"""Lots of wallet money, and what of them the journal says."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.payments.model.bookkeeping import WALLET
from nightmarket.platform.database import Connection, Record

LOTS_SHOWN = 200
_LOT = """id, account, source, about, amount, currency, spend_from, spend_until, given_at, part, due_at, reminded_at,
    changes"""


class LotRow(msgspec.Struct, frozen=True):
    """A lot as it is stored; what is left of it says its tally."""

    id: UUID
    account: UUID
    source: UUID
    about: UUID
    amount: int
    currency: str
    spend_from: datetime
    spend_until: datetime
    given_at: datetime
    part: int = 0
    due_at: datetime | None = None
    reminded_at: datetime | None = None
    changes: int = 0


def _lot(row: Record) -> LotRow:
    return LotRow(*row)


async def insert(tx: Connection, lots: Sequence[LotRow]) -> set[UUID]:
    """Write those that are not there yet; returns their ids."""
    rows = await tx.fetch(
        f"INSERT INTO payments.wallet_lot ({_LOT}) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], "
        "$4::uuid[], $5::bigint[], $6::text[], $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::int[], "
        "$11::timestamptz[], $12::timestamptz[], $13::int[]) ON CONFLICT DO NOTHING RETURNING id",
        *([getattr(lot, name) for lot in lots] for name in LotRow.__struct_fields__),
    )
    return {row["id"] for row in rows}


async def some(connection: Connection, ids: Iterable[UUID], *, lock: bool = False) -> dict[UUID, LotRow]:
    rows = await connection.fetch(
        f"SELECT {_LOT} FROM payments.wallet_lot WHERE id = ANY($1::uuid[]) ORDER BY id"
        f"{' FOR NO KEY UPDATE' if lock else ''}",
        list(set(ids)),
    )
    return {row["id"]: _lot(row) for row in rows}


async def of_account(connection: Connection, account: UUID) -> list[LotRow]:
    rows = await connection.fetch(
        f"SELECT {_LOT} FROM payments.wallet_lot WHERE account = $1 ORDER BY spend_until DESC, id DESC LIMIT $2",
        account,
        LOTS_SHOWN,
    )
    return [_lot(row) for row in rows]


async def spendable(connection: Connection, account: UUID, currency: str, now: datetime) -> list[LotRow]:
    """Lots whose time it is, what ends first at the top."""
    rows = await connection.fetch(
        f"SELECT {_LOT} FROM payments.wallet_lot WHERE account = $1 AND currency = $2 AND spend_from <= $3 "
        "AND spend_until > $3 ORDER BY spend_until, id LIMIT $4",
        account,
        currency,
        now,
        LOTS_SHOWN,
    )
    return [_lot(row) for row in rows]


async def take_due(tx: Connection, now: datetime, limit: int) -> list[LotRow]:
    """Lots of which a reminder or the end is due, locked."""
    rows = await tx.fetch(
        f"SELECT {_LOT} FROM payments.wallet_lot WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2 "
        "FOR NO KEY UPDATE SKIP LOCKED",
        now,
        limit,
    )
    return [_lot(row) for row in rows]


async def change(tx: Connection, lots: Sequence[LotRow]) -> None:
    """Write when they end and are due, whether their accounts were reminded, and how often they changed."""
    await tx.execute(
        """
        UPDATE payments.wallet_lot l SET spend_until = new.spend_until, due_at = new.due_at,
            reminded_at = new.reminded_at, changes = new.changes
        FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[], $5::int[])
            AS new (id, spend_until, due_at, reminded_at, changes)
        WHERE l.id = new.id
        """,
        [lot.id for lot in lots],
        [lot.spend_until for lot in lots],
        [lot.due_at for lot in lots],
        [lot.reminded_at for lot in lots],
        [lot.changes for lot in lots],
    )


async def end_all(tx: Connection, account: UUID, at: datetime) -> None:
    """Let everything that an account has be over now."""
    await tx.execute(
        "UPDATE payments.wallet_lot SET spend_until = least(spend_until, $2), due_at = $2 "
        "WHERE account = $1 AND due_at IS NOT NULL",
        account,
        at,
    )


async def parts(connection: Connection, source: UUID) -> list[tuple[int, int]]:
    """Number and amount of the parts of a packet that were opened."""
    rows = await connection.fetch(
        "SELECT part, amount FROM payments.wallet_lot WHERE source = $1 AND part > 0 ORDER BY part", source
    )
    return [(row["part"], row["amount"]) for row in rows]


_HISTORY = """
SELECT p.kind, leg.party AS lot, p.about, -leg.amount AS amount, p.currency, p.at
FROM payments.posting p, unnest(p.accounts, p.parties, p.amounts) AS leg(account, party, amount)
WHERE p.kind ^@ 'wallet_' AND p.parties && $1::uuid[] AND leg.account = $2 AND leg.party = ANY($1::uuid[])
ORDER BY p.at DESC, p.id LIMIT $3
"""


async def history(connection: Connection, lots: Sequence[UUID], limit: int) -> list[Record]:
    """What came into these lots (+) and left them (-), the newest first."""
    return await connection.fetch(_HISTORY, lots, WALLET, limit)


async def after(connection: Connection, id: UUID, limit: int) -> list[LotRow]:
    """The next lots in order of id."""
    rows = await connection.fetch(
        f"SELECT {_LOT} FROM payments.wallet_lot WHERE id > $1 ORDER BY id LIMIT $2", id, limit
    )
    return [_lot(row) for row in rows]


_BOOKED = """
SELECT leg.party AS lot, (-sum(leg.amount))::bigint AS amount
FROM payments.posting p, unnest(p.accounts, p.parties, p.amounts) AS leg(account, party, amount)
WHERE p.kind ^@ 'wallet_' AND p.parties && $1::uuid[] AND leg.account = $2 AND leg.party = ANY($1::uuid[])
GROUP BY leg.party
"""


async def booked(connection: Connection, lots: Sequence[UUID]) -> dict[UUID, int]:
    """What the journal says is in these lots; nothing is left out."""
    return {row["lot"]: row["amount"] for row in await connection.fetch(_BOOKED, lots, WALLET)}
