"""Orders that wait for a payment are looked after: the provider is asked, and what is not paid in time goes back."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog

from nightmarket.kernel.problems import Unavailable
from nightmarket.orders import store
from nightmarket.orders.contract import OrdersLapsed
from nightmarket.orders.model.order import (
    ASK_AGAIN,
    TRANSFER,
    OrderRow,
    OrderState,
    claim_id,
    hold_of,
    provider_of,
    sale_of,
)
from nightmarket.orders.model.session import SessionState
from nightmarket.orders.points import Point
from nightmarket.payments.contract import Authorisation, Outcome, sale_withdrawn
from nightmarket.tally.contract import ClaimState

from .means import Means
from .settling import SettleBatch, Settled, give_up_held, settlement_of

log = structlog.get_logger(__name__)


class DueOrders:
    """A drain of rows with `due_at`; `step` is called by the worker again and again."""

    def __init__(self, means: Means, settles: SettleBatch) -> None:
        self._means = means
        self._settles = settles

    async def step(self) -> int:
        """Look after the orders that are due. Returns how many there were."""
        now = self._means.clock.now()
        notes, ids = [0], list[UUID]()
        while notes and not ids:
            async with self._means.database.read() as connection:
                notes, ids = await store.due(connection, now, self._means.limits.due)
            if ids:
                await self.look_after(ids)
            if notes:
                async with self._means.database.transaction() as tx:
                    await store.forget_notes(tx, notes, now)
        return len(ids)

    async def look_after(self, ids: Sequence[UUID]) -> None:
        """Ask what became of these orders' payments; settle what is known, let lapse what is over, else wait on."""
        now = self._means.clock.now()
        async with self._means.database.read() as connection:
            orders = await store.orders(connection, ids)
        over: list[UUID] = []
        waiting: list[tuple[UUID, datetime]] = []
        for id, rows in orders.items():
            order = rows[0]
            if order.state is not OrderState.PENDING:
                continue
            known = await self._ask(order)
            if known is not None:
                settled = await self._settles.settle(settlement_of(order, known))
                if settled is not Settled.HELD:
                    continue
            if order.placed_at + hold_of(order.handler) <= now:
                over.append(id)
            else:
                ends_at = order.placed_at + hold_of(order.handler)
                waiting.append((id, ends_at if known is not None else min(now + ASK_AGAIN, ends_at)))
        if over:
            await self._lapse(over, now)
        if waiting:
            async with self._means.database.transaction() as tx:
                free = {row["id"] for row in await store.try_lock_sessions(tx, [id for id, _ in waiting])}
                await store.postpone(tx, [(id, at) for id, at in waiting if id in free])

    async def _ask(self, order: OrderRow) -> Authorisation | None:
        if order.handler == TRANSFER:
            return None
        provider = self._means.providers[provider_of(order.handler)]
        try:
            found = await provider.find(str(claim_id(order.id, order.attempt)))
        except Unavailable as error:
            log.warning("provider_silent", order=str(order.id), reason=error.what)
            return None
        return None if found is None or found.outcome is Outcome.PENDING else found

    async def _lapse(self, ids: Sequence[UUID], now: datetime) -> None:
        means = self._means
        async with means.database.transaction() as tx:
            free = [row["id"] for row in await store.try_lock_sessions(tx, ids)]
            orders = await store.orders(tx, free)
            claims = {
                claim_id(id, rows[0].attempt): id for id, rows in orders.items() if rows[0].state is OrderState.PENDING
            }
            before = await means.tallies.lapse(tx, list(claims), now)
            lapsed = [id for claim, id in claims.items() if before.get(claim) is ClaimState.HELD]
            if not lapsed:
                return
            await store.move_orders(tx, lapsed, OrderState.LAPSED)
            await store.reopen_sessions(tx, lapsed, SessionState.READY)
            sales = [sale_of(id, claim_id(id, orders[id][0].attempt), orders[id]) for id in lapsed]
            await means.journal.post(tx, [sale_withdrawn(sale, now) for sale in sales])
            await give_up_held(means, tx, [orders[id][0] for id in lapsed], now)
            await means.facts.append(tx, [OrdersLapsed(id, orders[id][0].attempt) for id in lapsed], now)
            means.faults.reach(Point.LAPSE_WRITTEN)
