"""The whole of orders in one object, as `contract.Orders` promises it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from nightmarket.kernel.clock import Clock
from nightmarket.orders import store
from nightmarket.orders.contract import Finding, Order, OrderReduction, OrderRow, SessionView
from nightmarket.orders.errors import NotCancellable, SessionBusy, SessionNotFound
from nightmarket.orders.model.order import TRANSFER, OrderState, claim_id
from nightmarket.payments.contract import Authorisation, Outcome
from nightmarket.platform.database import Connection
from nightmarket.platform.group_commit import GroupCommit
from nightmarket.promotions.contract import Offer

from .auditing import Audit
from .buyers import shares_left
from .cancelling import CancelBatch, CancelOrder, lane_for
from .claiming import ClaimBatch
from .completing import CompletionDesk
from .due import DueOrders
from .holding import HoldDesk
from .marking import sweep
from .means import Means
from .noting import NoteDesk
from .owning import OwnerDesk
from .reducing import reduce_paid
from .reported import ReportedPayments
from .sessions import SessionDesk
from .settling import SettleBatch, Settlement

CANCEL_TRIES = 3
LATEST_LIMIT = 200


class OrderDesk:
    """Implements `contract.Orders`."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self.claims = ClaimBatch(means)
        self.settles = SettleBatch(means)
        self.cancels = CancelBatch(means)
        self.sessions = SessionDesk(means)
        self.completions = CompletionDesk(means, self.claims, self.settles)
        self.due = DueOrders(means, self.settles)
        self.settle_held = HoldDesk(means, self.settles).settle_held
        self.reported = ReportedPayments(means, self.settles)
        self.create = self.sessions.create
        self.get = self.sessions.get
        self.update = self.sessions.update
        self.cancel = self.sessions.cancel
        self.standing = self.sessions.standing
        self.identify = self.sessions.identify
        self.proven = self.sessions.proven
        self.entitle = self.sessions.entitle
        self.complete = self.completions.complete
        notes = NoteDesk(means)
        self.note, self.notes = notes.note, notes.notes
        self.known_addresses, self.remember_addresses = notes.known_addresses, notes.remember_addresses
        self.owners = OwnerDesk(means, self.sessions)
        self.listed = self.owners.listed
        self.hand_over = self.owners.hand_over
        self.merge_carts = self.owners.merge_carts
        self.with_cart = self.owners.with_cart
        self.forget_unplaced = self.owners.forget_unplaced

    async def order(self, owner: UUID | None, id: UUID) -> Order:
        async with self._means.database.read() as connection:
            rows = (await store.orders(connection, [id])).get(id)
            if rows is None or owner not in (None, rows[0].owner):
                raise SessionNotFound("There is no such order, or it belongs to someone else.", field="id")
            payments = await self._means.payments.of_orders(connection, [id])
        return Order(id, rows, tuple(payments))

    async def rows(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, Sequence[OrderRow]]:
        return await store.orders(connection, ids)

    async def latest(self, *, before: datetime | None = None, limit: int = 50) -> Sequence[OrderRow]:
        async with self._means.database.read() as connection:
            return await store.latest(connection, before, min(limit, LATEST_LIMIT))

    async def shares_left(
        self, view: SessionView, offers: Sequence[Offer], person: UUID | None = None
    ) -> Mapping[UUID, int]:
        return await shares_left(self._means, view, offers, person)

    async def cancel_order(self, owner: UUID | None, id: UUID, reason: str) -> Order:
        for _ in range(CANCEL_TRIES):
            order = await self.order(owner, id)
            if order.state is OrderState.CANCELLED:
                return order
            lane = self.cancels.lanes[lane_for(order.state)]
            if await lane.submit(CancelOrder(id, owner, reason, order.state)):
                return await self.order(owner, id)
        raise SessionBusy("The order is changing at this moment; try again.")

    async def reduce_paid(self, tx: Connection, wanted: Sequence[OrderReduction]) -> Mapping[UUID, int]:
        return await reduce_paid(self._means, tx, wanted)

    async def mark_transferred(self, id: UUID, reference: str) -> Order:
        order = await self.order(None, id)
        first = order.rows[0]
        if first.handler != TRANSFER or order.state not in (OrderState.PENDING, OrderState.LAPSED):
            raise NotCancellable("This order does not wait for a bank transfer.")
        key = str(claim_id(id, first.attempt))
        seen = Authorisation(key, Outcome.APPROVED, reference, order.to_pay, order.currency)
        await self.settles.settle(Settlement(id, first.attempt, seen, TRANSFER))
        return await self.order(None, id)

    async def sweep(self) -> int:
        return await sweep(self._means.database, self._means.clock)

    async def audit(self) -> Sequence[Finding]:
        return await Audit(self._means).run()

    def as_of(self, clock: Clock) -> "OrderDesk":
        """The same carts and checkouts as another clock prices them, to be looked at: whoever changes one does so by
        the real clock."""
        return OrderDesk(replace(self._means, clock=clock))

    @property
    def lanes(self) -> Sequence[GroupCommit[Any, Any]]:
        """The group commits of this desk, to be watched."""
        return [
            self.completions.swift.lane,
            self.claims.lane,
            self.sessions.writes,
            *self.settles.lanes,
            *self.cancels.lanes.values(),
        ]

    async def close(self) -> None:
        """Finish what is under way."""
        await self.completions.close()
        for lane in self.lanes:
            await lane.drain()
