"""The audit of orders: each row against its lines, its session, its claim and its payments."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from nightmarket.orders import store
from nightmarket.orders.contract import Finding
from nightmarket.orders.model.order import TRANSFER, OrderRow, OrderState, claim_id, paid_by_wallet
from nightmarket.orders.model.session import SessionState
from nightmarket.payments.contract import PaymentRow, PaymentState
from nightmarket.platform.audit_pages import page_by_page
from nightmarket.platform.database import Connection
from nightmarket.tally.contract import ClaimState

from .auditing_shares import shares_off
from .means import Means
from .reducing import KEPT

CLAIMS: dict[OrderState, frozenset[ClaimState]] = {
    OrderState.PENDING: frozenset({ClaimState.HELD}),
    OrderState.PAID: frozenset({ClaimState.SETTLED}),
    OrderState.DECLINED: frozenset({ClaimState.RELEASED}),
    OrderState.LAPSED: frozenset({ClaimState.LAPSED}),
    OrderState.CANCELLED: frozenset({ClaimState.RELEASED, ClaimState.SETTLED}),
}
"""Which claim states go with an order's state."""

SESSIONS: dict[OrderState, frozenset[SessionState]] = {
    OrderState.PENDING: frozenset({SessionState.IN_PROGRESS}),
    OrderState.PAID: frozenset({SessionState.COMPLETED}),
    OrderState.DECLINED: frozenset({SessionState.READY, SessionState.INCOMPLETE, SessionState.CANCELLED}),
    OrderState.LAPSED: frozenset({SessionState.READY, SessionState.INCOMPLETE, SessionState.CANCELLED}),
    OrderState.CANCELLED: frozenset({SessionState.CANCELLED}),
}


class Audit:
    """Reads every order."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def run(self) -> Sequence[Finding]:
        return await page_by_page(self._means.database, self._look)

    async def _look(self, connection: Connection, after: UUID, limit: int) -> tuple[Sequence[Finding], UUID | None]:
        rows = await store.page(connection, after, limit)
        if not rows:
            return (), None
        ids = list(dict.fromkeys(row.id for row in rows))
        orders = await store.orders(connection, ids)
        sessions = await store.session_states(connection, ids)
        attempts = [claim_id(id, some[0].attempt) for id, some in orders.items()]
        claims = await self._means.tallies.states(connection, attempts)
        payments: dict[UUID, list[PaymentRow]] = {}
        for payment in await self._means.payments.of_orders(connection, ids):
            payments.setdefault(payment.order, []).append(payment)
        found = [
            one
            for id, some in orders.items()
            for one in _check(id, some, sessions.get(id), claims, payments.get(id, []))
        ]
        found += [
            Finding("an order that waits is noted for its time", f"order {id}", "a note", "none")
            for id in await store.unnoted(connection, ids)
        ]
        found += await shares_off(connection, self._means.journal, orders)
        return found, ids[-1]


def _check(
    id: UUID,
    rows: tuple[OrderRow, ...],
    session: tuple[int, int] | None,
    claims: Mapping[UUID, ClaimState],
    payments: Sequence[PaymentRow],
) -> list[Finding]:
    findings: list[Finding] = []
    first = rows[0]

    def note(rule: str, expected: object, found: object) -> None:
        findings.append(Finding(rule, f"order {id}", str(expected), str(found)))

    for row in rows:
        if (row.state, row.attempt) != (first.state, first.attempt):
            note("all rows of an order are in one state", first.state.name, row.state.name)
        summed = sum(line.total for line in row.body.lines) + (row.body.shipping.total if row.body.shipping else 0)
        if summed != row.total:
            note("an order's total is the sum of its lines and delivery", summed, row.total)
        for line in row.body.lines:
            priced = line.quantity * line.unit_price - sum(share.amount for share in line.shares)
            if priced != line.total:
                note("a line's total is quantity x price less its shares", priced, line.total)
    claim = claim_id(id, first.attempt)
    state = claims.get(claim)
    if state not in CLAIMS[first.state]:
        note("an order's claim agrees with its state", first.state.name, state.name if state else "no claim")
    allowed = SESSIONS[first.state]
    if first.handler == TRANSFER and first.state is OrderState.PENDING:
        allowed = frozenset({SessionState.COMPLETED})
    if session is None or session[0] not in allowed:
        note("an order's session agrees with its state", sorted(s.name for s in allowed), session and session[0])
    total = sum(row.total for row in rows)
    kept = sum(one.amount - max(one.owed, one.refunded) for one in payments if one.state in KEPT)
    owed = total - paid_by_wallet(rows) if first.state is OrderState.PAID else 0
    held = [payment.state for payment in payments if payment.state is PaymentState.HELD]
    if held and first.state is not OrderState.PENDING:
        note("only an order that waits holds money", "nothing held", f"{len(held)} payments held")
    if kept != owed:
        note("money kept is money owed for goods", owed, kept)
    return findings
