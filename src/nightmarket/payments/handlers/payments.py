"""Payments of orders: what was authorised or declined, and what we owe back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from nightmarket.kernel.problems import Defect
from nightmarket.payments import model
from nightmarket.payments.contract import Authorisation, Finding, Outcome, PaymentDeclined, PaymentRow
from nightmarket.payments.model import Payment, PaymentState
from nightmarket.payments.store import event, payment
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import Facts

CAPTURE_AFTER = timedelta(0)
"""How long a reservation rests before it is captured, if nothing else is said."""

AUDIT_LIMIT = 1_000

Attempts = Sequence[tuple[UUID, UUID, Authorisation]]


class StoredPayments:
    """Implements `contract.Payments`. With `capture_after`, capturing waits until the rush is over; an order that is
    cancelled before costs a void and no refund."""

    def __init__(self, facts: Facts, *, capture_after: timedelta = CAPTURE_AFTER) -> None:
        self._facts = facts
        self._capture_after = capture_after

    async def authorised(self, tx: Connection, rows: Attempts, provider: str, at: datetime) -> None:
        due_at = at + self._capture_after
        await _store(tx, [_attempt(row, provider, at, due_at) for row in rows], at)

    async def reserved(self, tx: Connection, rows: Attempts, provider: str, at: datetime) -> None:
        due_at = at + self._capture_after
        await payment.copy(tx, [_attempt(row, provider, at, due_at) for row in rows])

    async def declined(self, tx: Connection, rows: Attempts, provider: str, at: datetime) -> None:
        new = await _store(tx, [_attempt(row, provider, at, None) for row in rows], at)
        declined = [
            PaymentDeclined(id_, order, authorisation.decline_code or "declined")
            for id_, order, authorisation in rows
            if id_ in new
        ]
        await self._facts.append(tx, declined, at)

    async def held(self, tx: Connection, rows: Attempts, provider: str, at: datetime) -> None:
        attempts = [_attempt(row, provider, at, at) for row in rows]
        await _store(tx, [_held(one) for one in attempts], at)

    async def take_held(self, tx: Connection, amounts: Sequence[tuple[UUID, int]], at: datetime) -> None:
        found = await payment.lock(tx, {id_ for id_, _ in amounts})
        changed: list[Payment] = []
        for id_, amount in amounts:
            before = found.get(id_)
            if before is None:
                raise Defect(f"there is no payment {id_} to take from")
            if before.amount:  # else there was nothing to hold
                changed.append(model.take(before, amount, at))
        await payment.reduce(tx, [(one.id, one.amount) for one in changed if one.amount != found[one.id].amount])
        await payment.update(tx, changed)

    async def give_back(self, tx: Connection, amounts: Sequence[tuple[UUID, int]], at: datetime) -> None:
        if not amounts:
            return
        found = await payment.lock(tx, {id_ for id_, _ in amounts})
        changed: dict[UUID, Payment] = {}
        for id_, amount in amounts:
            before = found.get(id_)
            if before is None:
                raise Defect(f"there is no payment {id_} to give back from")
            found[id_] = after = model.owe(before, amount, at)
            if after is not before:
                changed[id_] = after
        await payment.update(tx, list(changed.values()))

    async def try_again(self, tx: Connection, payments: Sequence[UUID], at: datetime) -> Sequence[UUID]:
        return await payment.make_due(tx, payments, at, model.WORK)

    async def of_orders(self, connection: Connection, orders: Sequence[UUID]) -> Sequence[PaymentRow]:
        return [_row(found) for found in await payment.of_orders(connection, orders)]

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        findings = [
            Finding("payment_is_not_stuck", str(row["id"]), "asked again", f"{row['state']}: {row['last_error']}")
            for row in await payment.stuck(connection, model.WORK, AUDIT_LIMIT)
        ]
        findings += [
            Finding(
                "event_fits_a_payment",
                f"{row['provider']} {row['id']}",
                f"a payment of order {row['order_id']} that can be {row['kind']}",
                row["note"] or "no payment",
            )
            for row in await event.off(connection, AUDIT_LIMIT)
        ]
        return findings[:AUDIT_LIMIT]


async def _store(tx: Connection, attempts: Sequence[Payment], at: datetime) -> set[UUID]:
    """Write attempts that are not there yet, sorted so that two writers of the same ones meet in one order."""
    if not attempts:
        return set()
    return await payment.insert_missing(tx, sorted(attempts, key=lambda attempt: attempt.id.int), at)


def _attempt(row: tuple[UUID, UUID, Authorisation], provider: str, at: datetime, due_at: datetime | None) -> Payment:
    """A new payment: due for capture, or declined where it is never due."""
    id_, order, authorisation = row
    approved = due_at is not None
    if authorisation.outcome is not (Outcome.APPROVED if approved else Outcome.DECLINED):
        raise Defect(f"attempt {id_} was {authorisation.outcome}, which is not what it is stored as")
    state = PaymentState.AUTHORISED if approved else PaymentState.DECLINED
    if approved and not authorisation.amount:
        state = PaymentState.CAPTURED  # nothing to take
    return Payment(
        id=id_,
        order=order,
        provider=provider,
        reference=authorisation.reference,
        key=authorisation.key,
        state=state,
        amount=authorisation.amount,
        currency=authorisation.currency,
        owed=0,
        refunded=0,
        refunding=0,
        decline_code=None if approved else authorisation.decline_code or "declined",
        at=at,
        due_at=due_at if state is PaymentState.AUTHORISED else None,
        tries=0,
    )


def _held(attempt: Payment) -> Payment:
    """A reservation that nobody asks the provider about for now."""
    if attempt.state is not PaymentState.AUTHORISED:
        return attempt
    return msgspec.structs.replace(attempt, state=PaymentState.HELD, due_at=None)


def _row(found: Payment) -> PaymentRow:
    return PaymentRow(
        id=found.id,
        order=found.order,
        provider=found.provider,
        reference=found.reference,
        state=found.state,
        amount=found.amount,
        currency=found.currency,
        refunded=found.refunded,
        decline_code=found.decline_code,
        at=found.at,
        owed=found.owed,
    )
