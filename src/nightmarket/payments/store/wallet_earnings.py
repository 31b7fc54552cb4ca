"""What orders earned: waiting, credited, dropped or taken back; and what is owed of it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection, Record

WAITING, CREDITED, DROPPED, TAKEN_BACK = "waiting", "credited", "dropped", "taken_back"
_EARNING = "source, order_id, account, amount, state, credit_at, settled, taken, owed"


class Earning(msgspec.Struct, frozen=True):
    """What one order earned of one campaign. `settled` of it paid a debt, `taken` of it was taken back, `owed` is what
    could not be, since it was spent."""

    source: UUID
    order_id: UUID
    account: UUID
    amount: int
    state: str
    credit_at: datetime
    settled: int = 0
    taken: int = 0
    owed: int = 0


def _earning(row: Record) -> Earning:
    return Earning(*row)


async def insert(tx: Connection, earnings: Sequence[Earning]) -> None:
    await tx.execute(
        f"INSERT INTO payments.wallet_earning ({_EARNING}) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], "
        "$4::bigint[], $5::text[], $6::timestamptz[], $7::bigint[], $8::bigint[], $9::bigint[])",
        *([getattr(one, name) for one in earnings] for name in Earning.__struct_fields__),
    )


async def of_orders(tx: Connection, orders: Iterable[UUID]) -> list[Earning]:
    """Earnings of these orders, locked."""
    rows = await tx.fetch(
        f"SELECT {_EARNING} FROM payments.wallet_earning WHERE order_id = ANY($1::uuid[]) "
        "ORDER BY order_id, source FOR NO KEY UPDATE",
        list(set(orders)),
    )
    return [_earning(row) for row in rows]


async def take_due(tx: Connection, now: datetime, limit: int) -> list[Earning]:
    """Those whose day to be credited has come, locked."""
    rows = await tx.fetch(
        f"SELECT {_EARNING} FROM payments.wallet_earning WHERE state = 'waiting' AND credit_at <= $1 "
        "ORDER BY credit_at, order_id, source LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED",
        now,
        limit,
    )
    return [_earning(row) for row in rows]


_OWED = f"""
SELECT {_EARNING} FROM payments.wallet_earning e
WHERE owed > 0 AND account = ANY($1::uuid[]) ORDER BY credit_at, order_id, source FOR NO KEY UPDATE
"""


async def owed(tx: Connection, accounts: Iterable[UUID]) -> list[Earning]:
    """What these accounts owe, the oldest first, locked."""
    return [_earning(row) for row in await tx.fetch(_OWED, list(set(accounts)))]


async def change(tx: Connection, earnings: Sequence[Earning]) -> None:
    await tx.execute(
        """
        UPDATE payments.wallet_earning e
        SET state = new.state, settled = new.settled, taken = new.taken, owed = new.owed
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
            AS new (source, order_id, state, settled, taken, owed)
        WHERE e.source = new.source AND e.order_id = new.order_id
        """,
        [one.source for one in earnings],
        [one.order_id for one in earnings],
        [one.state for one in earnings],
        [one.settled for one in earnings],
        [one.taken for one in earnings],
        [one.owed for one in earnings],
    )
