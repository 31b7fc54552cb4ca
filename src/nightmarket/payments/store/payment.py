"""Queries on `payments.payment`. Lock order: by id."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from struct import Struct
from uuid import UUID

from nightmarket.payments.model import Payment, PaymentState
from nightmarket.platform.copying import copy_rows, microseconds
from nightmarket.platform.database import Connection, Record

COLUMNS = """
id, order_id, provider, reference, key, state, amount, currency, owed, refunded, refunding, decline_code, at, due_at,
tries, last_error
"""


def _payment(row: Record) -> Payment:
    return Payment(
        id=row["id"],
        order=row["order_id"],
        provider=row["provider"],
        reference=row["reference"],
        key=row["key"],
        state=PaymentState(row["state"]),
        amount=row["amount"],
        currency=row["currency"],
        owed=row["owed"],
        refunded=row["refunded"],
        refunding=row["refunding"],
        decline_code=row["decline_code"],
        at=row["at"],
        due_at=row["due_at"],
        tries=row["tries"],
        last_error=row["last_error"],
    )


_INSERT = """
INSERT INTO payments.payment (id, order_id, provider, reference, key, state, amount, currency, decline_code, at, due_at)
SELECT id, order_id, $3, reference, key, state, amount, currency, decline_code, $9, due_at
FROM unnest(
    $1::uuid[], $2::uuid[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $10::text[],
    $11::timestamptz[]
) AS new(id, order_id, reference, key, state, amount, currency, decline_code, due_at)
ON CONFLICT (id) DO NOTHING RETURNING id
"""


NEW_COLUMNS = ("id", "order_id", "provider", "reference", "key", "state", "amount", "currency", "at", "due_at")


async def copy(tx: Connection, payments: Sequence[Payment]) -> None:
    """Store reservations with COPY; one that is there already fails the transaction."""
    await copy_rows(tx, "payments", "payment", NEW_COLUMNS, packed(payments))


@cache
def _row(provider: int, reference: int, key: int, state: int, currency: int, due: bool) -> Struct:
    """A row with texts of those lengths."""
    ending = "iq" if due else "i"
    return Struct(f"!h i16s i16s i{provider}s i{reference}s i{key}s i{state}s iq i{currency}s iq {ending}")


def packed(payments: Sequence[Payment]) -> list[bytes]:
    """Rows of reservations for COPY."""
    rows: list[bytes] = []
    instants: dict[datetime, int] = {}
    for payment in payments:
        due = payment.due_at
        for at in (payment.at, due):
            if at is not None and at not in instants:
                instants[at] = microseconds(at)
        provider, reference, key = payment.provider.encode(), payment.reference.encode(), payment.key.encode()
        state, currency = payment.state.encode(), payment.currency.encode()
        pack = _row(len(provider), len(reference), len(key), len(state), len(currency), due is not None).pack
        rows.append(
            pack(
                *(10, 16, payment.id.bytes, 16, payment.order.bytes, len(provider), provider),
                *(len(reference), reference, len(key), key, len(state), state, 8, payment.amount),
                *(len(currency), currency, 8, instants[payment.at]),
                *((-1,) if due is None else (8, instants[due])),
            )
        )
    return rows


async def insert_missing(tx: Connection, payments: Sequence[Payment], at: datetime) -> set[UUID]:
    """Store attempts of one provider that are not there yet; returns their ids. Sorted by the caller, by id."""
    rows = await tx.fetch(
        _INSERT,
        [payment.id for payment in payments],
        [payment.order for payment in payments],
        payments[0].provider,
        [payment.reference for payment in payments],
        [payment.key for payment in payments],
        [payment.state for payment in payments],
        [payment.amount for payment in payments],
        [payment.currency for payment in payments],
        at,
        [payment.decline_code for payment in payments],
        [payment.due_at for payment in payments],
    )
    return {row["id"] for row in rows}


_LOCK = f"SELECT {COLUMNS} FROM payments.payment WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"


async def lock(tx: Connection, ids: Iterable[UUID]) -> dict[UUID, Payment]:
    """The payments with these ids, locked; unknown ones are absent."""
    return {row["id"]: _payment(row) for row in await tx.fetch(_LOCK, list(ids))}


_FIND = f"""
SELECT {COLUMNS} FROM payments.payment WHERE order_id = ANY($1::uuid[]) AND provider = $2 ORDER BY id FOR UPDATE
"""


async def lock_attempts(tx: Connection, orders: Iterable[UUID], provider: str) -> dict[tuple[UUID, str], Payment]:
    """The payments of these orders at a provider, locked, by order and key."""
    rows = await tx.fetch(_FIND, list(orders), provider)
    return {(row["order_id"], row["key"]): _payment(row) for row in rows}


_UPDATE = """
UPDATE payments.payment AS p SET state = n.state, owed = n.owed, refunded = n.refunded, due_at = n.due_at,
    tries = n.tries, last_error = n.last_error
FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::smallint[], $7::text[])
    AS n(id, state, owed, refunded, due_at, tries, last_error)
WHERE p.id = n.id
"""


async def update(tx: Connection, payments: Sequence[Payment]) -> None:
    """Write locked payments back."""
    if not payments:
        return
    await tx.execute(
        _UPDATE,
        [payment.id for payment in payments],
        [payment.state for payment in payments],
        [payment.owed for payment in payments],
        [payment.refunded for payment in payments],
        [payment.due_at for payment in payments],
        [payment.tries for payment in payments],
        [payment.last_error for payment in payments],
    )


_REDUCE = """
UPDATE payments.payment AS p SET amount = n.amount FROM unnest($1::uuid[], $2::bigint[]) AS n(id, amount)
WHERE p.id = n.id
"""


async def reduce(tx: Connection, amounts: Sequence[tuple[UUID, int]]) -> None:
    """Let locked, held payments be of less than was reserved."""
    if amounts:
        await tx.execute(_REDUCE, [id_ for id_, _ in amounts], [amount for _, amount in amounts])


_CLAIM = f"""
WITH due AS (
    SELECT id FROM payments.payment WHERE due_at <= $1 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED
)
UPDATE payments.payment AS p SET due_at = $2, tries = least(p.tries + 1, 30000),
    refunding = CASE WHEN p.state = 'refund_due' AND p.refunding <= p.refunded THEN p.owed ELSE p.refunding END
FROM due WHERE p.id = due.id
RETURNING {", ".join(f"p.{name.strip()}" for name in COLUMNS.split(","))}
"""


async def claim_due(tx: Connection, now: datetime, lease_until: datetime, limit: int) -> list[Payment]:
    """Take payments that are due, for nobody else until the lease ends; fixes up to where a refund goes."""
    return [_payment(row) for row in await tx.fetch(_CLAIM, now, lease_until, limit)]


_OF_ORDERS = f"SELECT {COLUMNS} FROM payments.payment WHERE order_id = ANY($1::uuid[]) ORDER BY order_id, at, id"


async def of_orders(connection: Connection, orders: Sequence[UUID]) -> list[Payment]:
    """All attempts of these orders."""
    return [_payment(row) for row in await connection.fetch(_OF_ORDERS, list(orders))]


_TRY_AGAIN = """
UPDATE payments.payment SET due_at = $2, tries = 0
WHERE id = ANY($1::uuid[]) AND due_at IS NULL AND state = ANY($3::text[]) RETURNING id
"""


async def make_due(tx: Connection, ids: Sequence[UUID], at: datetime, states: Iterable[PaymentState]) -> list[UUID]:
    """Make stuck payments due; returns those that were stuck."""
    return [row["id"] for row in await tx.fetch(_TRY_AGAIN, list(ids), at, list(states))]


_STUCK = """
SELECT id, state, coalesce(last_error, '') AS last_error FROM payments.payment
WHERE due_at IS NULL AND state = ANY($1::text[]) LIMIT $2
"""


async def stuck(connection: Connection, states: Iterable[PaymentState], limit: int) -> list[Record]:
    """Payments with something to ask for that nobody asks for any more."""
    return await connection.fetch(_STUCK, list(states), limit)


_WAITING = """
SELECT count(*) AS amount, min(due_at) AS since FROM payments.payment WHERE due_at <= $1
"""


async def waiting(connection: Connection, now: datetime) -> tuple[int, datetime | None]:
    """How many payments are due, and since when the oldest is."""
    row = await connection.fetchrow(_WAITING, now)
    assert row is not None
    return row["amount"], row["since"]
