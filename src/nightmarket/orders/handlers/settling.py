"""The settle batch: what a provider said becomes the end of an order's claim."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import derive
from nightmarket.kernel.problems import Problem
from nightmarket.orders import store
from nightmarket.orders.contract import OrdersDeclined, OrdersPaid, OrdersReduced, Sold
from nightmarket.orders.model.order import OrderRow, OrderState, claim_id, hold_of, is_held, provider_of, sale_of
from nightmarket.orders.model.session import SessionState
from nightmarket.orders.points import Point
from nightmarket.payments.contract import (
    Authorisation,
    Outcome,
    PaymentState,
    Sale,
    sale_paid,
    sale_placed,
    sale_repriced,
    sale_withdrawn,
)
from nightmarket.platform.database import Connection
from nightmarket.platform.group_commit import GroupCommit
from nightmarket.tally.contract import RESTOCK, Adjustment, ClaimRequest, ClaimState, Grant, SlicesShort

from .means import Means


class Settlement(msgspec.Struct, frozen=True):
    """What a provider said about an attempt to pay an order: approved or declined."""

    order: UUID
    attempt: int
    authorisation: Authorisation
    provider: str
    sale: Sale | None = None
    """The order as the journal sees it, where the caller knows it; else it is read."""
    hold: bool = False
    """Whether approved money is not to be taken yet, but kept until somebody settles the order."""
    taken: "Taken | None" = None
    """Settles an order whose money is held, perhaps for less."""

    @property
    def claim(self) -> UUID:
        return claim_id(self.order, self.attempt)


class Taken(msgspec.Struct, frozen=True):
    """An order with held money as it is settled: its rows now, and what the journal knew of it."""

    rows: tuple[OrderRow, ...]
    before: Sale
    to_lots: tuple[tuple[UUID, int], ...] = ()
    """What lots of wallet money pay less than they had reserved."""


class Settled(StrEnum):
    """What became of it: paid (also if it was before), declined, the money came when nothing was held any
    more, or it is held now."""

    PAID = "paid"
    DECLINED = "declined"
    LATE = "late"
    GIVEN_BACK = "given_back"
    HELD = "held"


class SettleBatch:
    """Settles and releases claims as providers answer; a late payment claims again or goes back."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._settles: GroupCommit[Settlement, Settled] = means.lane(
            "settles", self._work, turn=means.turn, pipelined=True
        )
        self._late: GroupCommit[Settlement, Settled] = means.lane("late-payments", self._work_late)
        self._holds: GroupCommit[Settlement, Settled] = means.lane("holds", self._work_hold)

    @property
    def lanes(self) -> tuple[GroupCommit[Settlement, Settled], ...]:
        return (self._settles, self._late, self._holds)

    async def settle(self, settlement: Settlement) -> Settled:
        """Store what the provider said; repeating it changes nothing."""
        if settlement.hold and settlement.authorisation.outcome is Outcome.APPROVED:
            return await self._holds.submit(settlement)
        result = await self._settles.submit(settlement)
        if result is Settled.LATE:
            result = await self._late.submit(settlement)
        return result

    async def _work(self, tx: Connection, items: Sequence[Settlement]) -> Sequence[Settled | Problem]:
        means = self._means
        await store.hold_sessions(tx, {item.order for item in items})
        first = _first(items)
        ends = {
            claim: ClaimState.SETTLED if item.authorisation.outcome is Outcome.APPROVED else ClaimState.RELEASED
            for claim, item in first.items()
        }

        async def write(before: Mapping[UUID, ClaimState]) -> None:
            held = [item for claim, item in first.items() if before.get(claim) is ClaimState.HELD]
            await self._write(tx, held, ends)

        before = await means.tallies.end(tx, ends, write)
        await self._give_lots_back(tx, [item for claim, item in first.items() if before.get(claim) is ClaimState.HELD])
        means.faults.reach(Point.SETTLE_WRITTEN)
        return [_result(item, before.get(item.claim)) for item in items]

    async def _give_lots_back(self, tx: Connection, held: Sequence[Settlement]) -> None:
        """What orders that waited cost less now goes back into the lots that had paid of it."""
        backs: list[Adjustment] = []
        facts: list[OrdersReduced] = []
        for item in held:
            if item.taken is None or not item.taken.to_lots or item.authorisation.outcome is not Outcome.APPROVED:
                continue
            to_lots = item.taken.to_lots
            backs += [Adjustment(derive("wallet_less", item.claim, lot), lot, back, RESTOCK) for lot, back in to_lots]
            whole = sum(back for _, back in to_lots)
            facts.append(OrdersReduced(item.order, 0, item.authorisation.currency, "settled for less", whole))
        if backs:
            await self._means.tallies.adjust(tx, backs, self._means.clock.now())
            await self._means.facts.append(tx, facts, self._means.clock.now())

    async def _write(self, tx: Connection, held: Sequence[Settlement], ends: Mapping[UUID, ClaimState]) -> None:
        """Write what became of claims that were held."""
        means, now = self._means, self._means.clock.now()
        sales = await self._sales(tx, held)
        paid = [item for item in held if ends[item.claim] is ClaimState.SETTLED]
        declined = [item for item in held if ends[item.claim] is ClaimState.RELEASED]
        if paid:
            await self._pay(tx, paid, sales)
        if declined:
            ids = [item.order for item in declined]
            await store.move_orders(tx, ids, OrderState.DECLINED)
            await store.reopen_sessions(tx, ids, SessionState.READY)
            await means.journal.post(tx, [sale_withdrawn(sales[id], now) for id in ids])
            for provider, rows in _by_provider(declined).items():
                await means.payments.declined(tx, rows, provider, now)
            await means.facts.append(
                tx,
                [OrdersDeclined(d.order, d.attempt, d.authorisation.decline_code or "declined") for d in declined],
                now,
            )

    async def _pay(self, tx: Connection, paid: Sequence[Settlement], sales: dict[UUID, Sale]) -> None:
        means, now = self._means, self._means.clock.now()
        ids = [item.order for item in paid]
        await store.pay_orders(tx, ids, OrderState.PAID, SessionState.COMPLETED)
        taken = [(item, item.taken) for item in paid if item.taken is not None]
        if taken:
            changed = [(one, sales[item.order]) for item, one in taken if one.before != sales[item.order]]
            await store.rewrite(tx, [row for one, _ in changed for row in one.rows])
            await means.journal.post(tx, [sale_repriced(one.before, sale, now) for one, sale in changed])
            await means.payments.take_held(tx, [(i.claim, i.authorisation.amount) for i, _ in taken], now)
        await means.journal.post(tx, [sale_paid(sales[id], now) for id in ids])
        fresh = [item for item in paid if item.taken is None] if taken else paid
        for provider, rows in _by_provider(fresh).items():
            await means.payments.reserved(tx, rows, provider, now)
        await means.facts.append(
            tx,
            [OrdersPaid(p.order, p.attempt, p.authorisation.currency, p.authorisation.amount) for p in paid],
            now,
        )

    async def _sales(self, tx: Connection, items: Sequence[Settlement]) -> dict[UUID, Sale]:
        sales = {item.order: item.sale for item in items if item.sale is not None}
        unknown = [item for item in items if item.order not in sales]
        if unknown:
            found = await store.orders(tx, [item.order for item in unknown])
            sales.update({item.order: sale_of(item.order, item.claim, found[item.order]) for item in unknown})
        return sales

    async def _work_hold(self, tx: Connection, items: Sequence[Settlement]) -> Sequence[Settled | Problem]:
        """Keep approved money for orders that wait; give back what came for an order that waits no more."""
        means, now = self._means, self._means.clock.now()
        await store.hold_sessions(tx, {item.order for item in items})
        orders = await store.orders(tx, list({item.order for item in items}))
        found = await means.payments.of_orders(tx, list(orders))
        known = {payment.id: payment.state for payment in found}
        kept: list[Settlement] = []
        back: list[Settlement] = []
        for claim, item in _first(items).items():
            rows = orders.get(item.order)
            if claim not in known and rows is not None:
                waits = rows[0].state is OrderState.PENDING and rows[0].attempt == item.attempt
                (kept if waits else back).append(item)
        for provider, attempts in _by_provider(kept).items():
            await means.payments.held(tx, attempts, provider, now)
        await store.postpone(tx, [(i.order, _ends(orders[i.order][0])) for i in kept])
        for provider, attempts in _by_provider(back).items():
            await means.payments.authorised(tx, attempts, provider, now)
        await means.payments.give_back(tx, [(i.claim, i.authorisation.amount) for i in back], now)
        means.faults.reach(Point.HOLD_WRITTEN)
        states = known | dict.fromkeys((item.claim for item in kept), PaymentState.HELD)
        return [_kept(states.get(item.claim)) for item in items]

    async def _work_late(self, tx: Connection, items: Sequence[Settlement]) -> Sequence[Settled | Problem]:
        """Money came for a claim that is gone: claim again if the goods are there and nobody paid since."""
        means, now = self._means, self._means.clock.now()
        sessions = {row["id"]: row for row in await store.lock_sessions(tx, {item.order for item in items})}
        orders = await store.orders(tx, list(sessions))
        known = {payment.id: payment.state for payment in await means.payments.of_orders(tx, list(sessions))}
        first = _first(items)
        parts = await means.tallies.parts(tx, list(first))
        ledger = await means.tallies.lock(tx, {part.tally for some in parts.values() for part in some})
        paid: list[Settlement] = []
        back: list[Settlement] = []
        again: list[tuple[Settlement, tuple[OrderRow, ...]]] = []
        for claim, item in first.items():
            if claim in known:
                continue
            session, rows = sessions[item.order], orders[item.order]
            if (
                session["state"] in (SessionState.READY, SessionState.INCOMPLETE)
                and rows[0].state in (OrderState.LAPSED, OrderState.DECLINED)
                and rows[0].attempt == item.attempt  # else the rows list what a later attempt wanted
            ):
                next_claim = claim_id(item.order, session["attempt"])
                request = ClaimRequest(next_claim, tuple(parts[claim]), now + hold_of(rows[0].handler))
                try:
                    granted = isinstance(ledger.claim(request), Grant)
                except SlicesShort as short:
                    raise means.tallies.again(short) from short
                if granted:
                    paid.append(item)
                    again.append((item, rows))
                    continue
            back.append(item)
        await means.tallies.write(tx, ledger, now)
        if paid:
            attempts = {item.order: sessions[item.order]["attempt"] for item in paid}
            sales = {
                item.order: sale_of(item.order, claim_id(item.order, attempts[item.order]), rows)
                for item, rows in again
            }
            await means.journal.post(tx, [sale_placed(sale, now) for sale in sales.values()])
            await store.renumber(tx, list(attempts.items()))
            await means.tallies.end(tx, dict.fromkeys((s.claim for s in sales.values()), ClaimState.SETTLED))
            await self._pay(tx, paid, sales)
        if back:
            for provider, rows in _by_provider(back).items():
                await means.payments.authorised(tx, rows, provider, now)
            await means.payments.give_back(tx, [(i.claim, i.authorisation.amount) for i in back], now)
        means.faults.reach(Point.LATE_WRITTEN)
        done = {item.claim for item in paid}
        done.update(
            claim for claim, state in known.items() if state in (PaymentState.AUTHORISED, PaymentState.CAPTURED)
        )
        return [Settled.PAID if item.claim in done else Settled.GIVEN_BACK for item in items]


def _first(items: Sequence[Settlement]) -> dict[UUID, Settlement]:
    """The first settlement of each claim, in order of arrival."""
    first: dict[UUID, Settlement] = {}
    for item in items:
        first.setdefault(item.claim, item)
    return first


def settlement_of(order: OrderRow | Sold, authorisation: Authorisation, sale: Sale | None = None) -> Settlement:
    """What a provider said of an order's payment."""
    handler = order.handler
    return Settlement(order.id, order.attempt, authorisation, provider_of(handler), sale, hold=is_held(handler))


async def give_up_held(means: Means, tx: Connection, orders: Sequence[OrderRow], now: datetime) -> None:
    """Give up the reservations of orders that wait no more."""
    ids = [order.id for order in orders if is_held(order.handler)]
    if ids:
        found = await means.payments.of_orders(tx, ids)
        await means.payments.give_back(tx, [(p.id, p.amount) for p in found if p.state is PaymentState.HELD], now)


def _ends(order: OrderRow) -> datetime:
    return order.placed_at + hold_of(order.handler)


def _kept(state: PaymentState | None) -> Settled:
    if state is PaymentState.HELD:
        return Settled.HELD
    return Settled.PAID if state in (PaymentState.AUTHORISED, PaymentState.CAPTURED) else Settled.GIVEN_BACK


def _result(item: Settlement, before: ClaimState | None) -> Settled:
    if item.authorisation.outcome is not Outcome.APPROVED:
        return Settled.DECLINED
    return Settled.PAID if before in (ClaimState.HELD, ClaimState.SETTLED) else Settled.LATE


def _by_provider(items: Sequence[Settlement]) -> dict[str, list[tuple[UUID, UUID, Authorisation]]]:
    rows: dict[str, list[tuple[UUID, UUID, Authorisation]]] = {}
    for item in items:
        rows.setdefault(item.provider, []).append((item.claim, item.order, item.authorisation))
    return rows
