"""SQL of the codes by which an agent pays with a shopper's wallet."""

from datetime import datetime
from uuid import UUID

from nightmarket.payments.contract.wallets import CodeLimit, CodeUse
from nightmarket.platform.database import Connection


async def replace(
    tx: Connection, account: UUID, hash_: bytes, times: tuple[datetime, datetime], limit: CodeLimit | None
) -> None:
    """A new code; those before that nobody used are worth nothing any more."""
    await tx.execute("DELETE FROM payments.wallet_code WHERE account = $1 AND order_id IS NULL", account)
    await tx.execute(
        "INSERT INTO payments.wallet_code (hash, account, made_at, expires_at, most, currency) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
        hash_,
        account,
        *times,
        None if limit is None else limit.most,
        None if limit is None else limit.currency,
    )


async def use(tx: Connection, hash_: bytes, order: UUID, now: datetime) -> CodeUse | None:
    """Whose it is, if the code is good for that order, which is the only one from now on."""
    found = await tx.fetchrow(
        """
        UPDATE payments.wallet_code SET order_id = $2
        WHERE hash = $1 AND expires_at > $3 AND (order_id IS NULL OR order_id = $2)
        RETURNING account, most, currency
        """,
        hash_,
        order,
        now,
    )
    if found is None:
        return None
    return CodeUse(found["account"], CodeLimit(found["most"], found["currency"]) if found["most"] else None)


async def sweep(tx: Connection, now: datetime, limit: int) -> int:
    """Delete codes that are over; returns how many."""
    status = await tx.execute(
        """
        DELETE FROM payments.wallet_code WHERE hash = ANY (ARRAY(
            SELECT hash FROM payments.wallet_code WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))
        """,
        now,
        limit,
    )
    return int(status.rpartition(" ")[2])


async def forget(tx: Connection, account: UUID) -> None:
    await tx.execute("DELETE FROM payments.wallet_code WHERE account = $1", account)
