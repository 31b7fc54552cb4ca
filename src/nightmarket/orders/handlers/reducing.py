"""Paid orders that come to less afterwards: an offer takes off more, and the difference goes back to the buyer."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import derive
from nightmarket.orders import store
from nightmarket.orders.contract import OrderReduction, OrderRow, OrdersReduced
from nightmarket.orders.model.order import OrderState, claim_id, reduced
from nightmarket.payments.contract import PaymentRow, PaymentState, Sale, SalePart, refund_part
from nightmarket.platform.database import Connection

from .means import Means

KEPT = frozenset({PaymentState.AUTHORISED, PaymentState.CAPTURED, PaymentState.REFUND_DUE})
"""Payments of which something may be kept."""


async def reduce_paid(means: Means, tx: Connection, wanted: Sequence[OrderReduction]) -> Mapping[UUID, int]:
    """Implements `contract.Orders.reduce_paid`. Locks the sessions, then the payments."""
    found: dict[UUID, int] = {}
    if not wanted:
        return found
    await store.lock_sessions(tx, {one.order for one in wanted})
    orders = await store.orders(tx, [one.order for one in wanted])
    payments: dict[UUID, PaymentRow] = {}
    for payment in await means.payments.of_orders(tx, list(orders)):
        if payment.state in KEPT:
            payments[payment.order] = payment
    now = means.clock.now()
    changed: list[OrderRow] = []
    back: list[tuple[UUID, int]] = []
    sales: list[tuple[Sale, UUID]] = []
    facts: list[OrdersReduced] = []
    for one in wanted:
        rows, payment = orders.get(one.order, ()), payments.get(one.order)
        if not rows or rows[0].state is not OrderState.PAID or payment is None or one.order in found:
            continue
        row, amount = _reduced(rows, one, payment.amount - max(payment.owed, payment.refunded))
        if row is None:
            continue
        found[one.order] = amount
        changed.append(row)
        back.append((payment.id, amount))
        sale = Sale(row.id, claim_id(row.id, row.attempt), row.currency, (SalePart(row.merchant, amount),))
        sales.append((sale, derive("order_reduced", row.id, row.merchant, row.total)))
        facts.append(OrdersReduced(row.id, amount, row.currency, one.reason))
    await store.rewrite(tx, changed)
    await means.journal.post_once(tx, [refund_part(sale, refund, now) for sale, refund in sales])
    await means.payments.give_back(tx, back, now)
    if facts:
        await means.facts.append(tx, facts, now)
    return found


def _reduced(rows: Sequence[OrderRow], wanted: OrderReduction, kept: int) -> tuple[OrderRow | None, int]:
    """The row in which the offer takes off more, and how much more; no row where it cannot."""
    for row in rows:
        body, amount = reduced(row.body, wanted.offer, min(wanted.amount, kept))
        if amount:
            return msgspec.structs.replace(row, body=body, total=row.total - amount), amount
    return None, 0
