"""Cancelling a whole order: what it holds or took goes back, what was paid is refunded."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import derive
from nightmarket.kernel.problems import Defect, Problem
from nightmarket.orders import store
from nightmarket.orders.contract import OrderRow, OrdersCancelled
from nightmarket.orders.errors import NotCancellable, SessionNotFound
from nightmarket.orders.model.order import OrderState, claim_id, paid_by_wallet, sale_of
from nightmarket.orders.model.session import SessionState
from nightmarket.orders.points import Point
from nightmarket.payments.contract import sale_refunded, sale_withdrawn
from nightmarket.payments.contract.wallets import spent_by_lot
from nightmarket.platform.database import Connection
from nightmarket.platform.group_commit import GroupCommit
from nightmarket.tally.contract import RESTOCK, Adjustment, ClaimState

from .means import Means
from .reducing import KEPT
from .settling import give_up_held


class CancelOrder(msgspec.Struct, frozen=True):
    """Cancel an order; `owner` None for staff. `was` is the state that the caller saw."""

    order: UUID
    owner: UUID | None
    reason: str
    was: OrderState


class CancelBatch:
    """Cancels orders. Unpaid and paid ones go in separate batches, since they lock tallies in different ways."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self.lanes: dict[OrderState, GroupCommit[CancelOrder, bool]] = {
            OrderState.PENDING: means.lane("cancel-unpaid", self._unpaid, batch=means.limits.cancels),
            OrderState.PAID: means.lane("cancel-paid", self._paid, batch=means.limits.cancels),
        }

    async def _unpaid(self, tx: Connection, items: Sequence[CancelOrder]) -> Sequence[bool | Problem]:
        means, now = self._means, self._means.clock.now()
        orders, outcomes = await self._lock(tx, items, OrderState.PENDING)
        claims = {claim_id(id, rows[0].attempt): id for id, rows in orders.items()}
        before = await means.tallies.end(tx, dict.fromkeys(claims, ClaimState.RELEASED))
        for claim, id in claims.items():
            if before.get(claim) is not ClaimState.HELD:
                raise Defect(f"order {id} is pending but its claim is {before.get(claim)!r}")
        await self._close(tx, orders)
        sales = [sale_of(id, claim_id(id, rows[0].attempt), rows) for id, rows in orders.items()]
        await means.journal.post(tx, [sale_withdrawn(sale, now) for sale in sales])
        await give_up_held(means, tx, [rows[0] for rows in orders.values()], now)
        await self._tell(tx, items, orders, refund=False)
        return outcomes

    async def _paid(self, tx: Connection, items: Sequence[CancelOrder]) -> Sequence[bool | Problem]:
        means, now = self._means, self._means.clock.now()
        orders, outcomes = await self._lock(tx, items, OrderState.PAID)
        claims = {claim_id(id, rows[0].attempt): id for id, rows in orders.items()}
        parts = await means.tallies.parts(tx, list(claims))
        lots = {id: spent_by_lot(rows[0].body.wallet) for id, rows in orders.items()}
        await means.tallies.adjust(
            tx,
            [
                Adjustment(derive("restock", claim), part.tally, quantity, RESTOCK)
                for claim, some in parts.items()
                for part in some
                if (quantity := lots[claims[claim]].get(part.tally, part.quantity))  # a lot may have got some back
            ],
            now,
        )
        await self._close(tx, orders)
        sales = [sale_of(id, claim_id(id, rows[0].attempt), rows) for id, rows in orders.items()]
        await means.journal.post(tx, [sale_refunded(sale, now) for sale in sales])
        payments = await means.payments.of_orders(tx, list(orders))
        back = [(p.id, p.amount - p.refunded) for p in payments if p.state in KEPT]
        await means.payments.give_back(tx, back, now)
        await self._tell(tx, items, orders, refund=True)
        return outcomes

    async def _lock(
        self, tx: Connection, items: Sequence[CancelOrder], state: OrderState
    ) -> tuple[dict[UUID, tuple[OrderRow, ...]], Sequence[bool | Problem]]:
        """Lock the sessions; the orders that may be cancelled here, and an outcome for every item."""
        await store.hold_sessions(tx, {item.order for item in items})
        found = await store.orders(tx, [item.order for item in items])
        chosen: dict[UUID, tuple[OrderRow, ...]] = {}
        outcomes: list[bool | Problem] = []
        for item in items:
            rows = found.get(item.order)
            if rows is None or item.owner not in (None, rows[0].owner):
                outcomes.append(SessionNotFound("There is no such order, or it belongs to someone else.", field="id"))
            elif rows[0].state is OrderState.CANCELLED:
                outcomes.append(True)
            elif rows[0].state is not state:
                outcomes.append(False)
            else:
                chosen[item.order] = rows
                outcomes.append(True)
        return chosen, outcomes

    async def _close(self, tx: Connection, orders: dict[UUID, tuple[OrderRow, ...]]) -> None:
        await store.move_orders(tx, list(orders), OrderState.CANCELLED)
        await store.mark_sessions(tx, list(orders), SessionState.CANCELLED)

    async def _tell(
        self,
        tx: Connection,
        items: Sequence[CancelOrder],
        orders: dict[UUID, tuple[OrderRow, ...]],
        *,
        refund: bool,
    ) -> None:
        reasons = {item.order: item.reason for item in items}
        facts = [
            OrdersCancelled(
                id,
                rows[0].attempt,
                sum(row.total for row in rows) - paid_by_wallet(rows) if refund else 0,
                rows[0].currency,
                reasons[id],
            )
            for id, rows in orders.items()
        ]
        await self._means.facts.append(tx, facts, self._means.clock.now())
        self._means.faults.reach(Point.CANCEL_WRITTEN)


def lane_for(state: OrderState) -> OrderState:
    """Which lane cancels an order in that state; raises NotCancellable for the others."""
    if state not in (OrderState.PENDING, OrderState.PAID, OrderState.CANCELLED):
        raise NotCancellable("This order was never paid, so there is nothing to cancel.")
    return OrderState.PENDING if state is OrderState.PENDING else OrderState.PAID
