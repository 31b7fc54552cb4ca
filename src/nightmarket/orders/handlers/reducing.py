"""Paid orders that come to less afterwards: an offer takes off more, and the difference goes back to the buyer."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from nightmarket.kernel.ids import derive
from nightmarket.orders import store
from nightmarket.orders.contract import OrderReduction, OrderRow, OrdersReduced
from nightmarket.orders.model.giving_back import Lessened, lessened, sale_given_back
from nightmarket.orders.model.order import OrderState
from nightmarket.payments.contract import PaymentRow, PaymentState, Posting, refund_part
from nightmarket.platform.database import Connection
from nightmarket.tally.contract import RESTOCK, Adjustment

from .means import Means

KEPT = frozenset({PaymentState.AUTHORISED, PaymentState.CAPTURED, PaymentState.REFUND_DUE})
"""Payments of which something may be kept."""


async def reduce_paid(means: Means, tx: Connection, wanted: Sequence[OrderReduction]) -> Mapping[UUID, int]:
    """Implements `contract.Orders.reduce_paid`. Locks the sessions, then the lots of wallet money that paid of them,
    then the payments."""
    found: dict[UUID, int] = {}
    if not wanted:
        return found
    await store.hold_sessions(tx, {one.order for one in wanted})
    orders = await store.orders(tx, [one.order for one in wanted])
    payments: dict[UUID, PaymentRow] = {}
    for payment in await means.payments.of_orders(tx, list(orders)):
        if payment.state in KEPT:
            payments[payment.order] = payment
    now = means.clock.now()
    changed: list[OrderRow] = []
    back: list[tuple[UUID, int]] = []
    postings: list[Posting] = []
    lots: list[Adjustment] = []
    facts: list[OrdersReduced] = []
    for one in wanted:
        rows, payment = orders.get(one.order, ()), payments.get(one.order)
        if not rows or rows[0].state is not OrderState.PAID or payment is None or one.order in found:
            continue
        less = lessened(rows, one.offer, one.amount, payment.amount - max(payment.owed, payment.refunded))
        if less is None:
            continue
        found[one.order] = less.amount
        changed += [row for row, before in zip(less.rows, rows, strict=True) if row != before]
        refund = _refund(rows, less)
        postings.append(refund_part(sale_given_back(rows, less), refund, now))
        lots += [Adjustment(derive("wallet_restock", refund, lot), lot, sum_, RESTOCK) for lot, sum_ in less.to_lots]
        if less.to_card:
            back.append((payment.id, less.to_card))
        to_wallet = less.amount - less.to_card
        facts.append(OrdersReduced(one.order, less.to_card, rows[0].currency, one.reason, to_wallet))
    await store.rewrite(tx, changed)
    if lots:
        await means.tallies.adjust(tx, lots, now)
    await means.journal.post_once(tx, postings)
    await means.payments.give_back(tx, back, now)
    if facts:
        await means.facts.append(tx, facts, now)
    return found


def _refund(before: Sequence[OrderRow], less: Lessened) -> UUID:
    """Names this refund: an order comes to each total once."""
    row = next(new for new, old in zip(less.rows, before, strict=True) if new.total != old.total)
    return derive("order_reduced", row.id, row.merchant, row.total)
