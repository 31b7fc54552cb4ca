"""Orders and wallets: what paid orders earn, who has used a festival's offers, and what follows when an order is over.

An order is an account's that owns it. One that an agent or a guest placed is the account's whose wallet paid of it, or
under whose e-mail it was placed, where a code that was sent there was typed in for that order.

Consumers set orders aside; a chore looks at them, in the transaction of what follows."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.kernel.clock import Clock
from nightmarket.orders.contract import (
    OrderBooks,
    OrderRow,
    OrdersCancelled,
    OrdersDeclined,
    OrdersLapsed,
    OrdersPaid,
    OrdersReduced,
    OrderState,
)
from nightmarket.payments.contract.wallets import PaidOrder, Payable, Wallets
from nightmarket.platform.access import Identities, is_shadow
from nightmarket.platform.aside import PIECE_LIMIT, Aside, Chore
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import Fact
from nightmarket.platform.subscriptions import Subscription
from nightmarket.promotions.contract.festivals import Festivals

TOPIC = "cashback"

_PIECE = msgspec.msgpack.Decoder(list[UUID])
_ENCODE = msgspec.msgpack.Encoder().encode


class Cashback:
    """Follows orders."""

    def __init__(
        self,
        wallets: Wallets,
        orders: OrderBooks,
        identities: Identities,
        festivals: Festivals,
        aside: Aside,
        clock: Clock,
    ) -> None:
        self._wallets, self._orders, self._identities = wallets, orders, identities
        self._festivals, self._aside, self._clock = festivals, aside, clock
        kinds = (OrdersPaid.kind, OrdersReduced.kind, OrdersCancelled.kind, OrdersLapsed.kind, OrdersDeclined.kind)
        self.subscription = Subscription(TOPIC, kinds, self._hear, joint=True)

    def chore(self) -> Chore:
        return Chore(TOPIC, self._look)

    async def _hear(self, tx: Connection, facts: Sequence[Fact]) -> None:
        """Set orders aside while there is somebody who wants to know."""
        now = self._clock.now()
        ids: list[UUID] = []
        paid = [one.order for fact in facts if fact.kind == OrdersPaid.kind for one in fact.read(OrdersPaid)]
        if paid and (self._on(now) or await self._wallets.earning(tx, now)):
            ids += paid
        lessened = [fact for fact in facts if fact.kind == OrdersReduced.kind]
        if lessened and await self._wallets.in_use(tx):
            less = [one.order for fact in lessened for one in fact.read(OrdersReduced) if one.to_wallet]
            found = await self._orders.rows(tx, less)
            await self._wallets.come_back(tx, {one.lot for rows in found.values() for one in rows[0].body.wallet})
        over = [*_over(facts)]
        if over and await self._wallets.in_use(tx):
            ids += over
        pieces = [ids[start : start + PIECE_LIMIT] for start in range(0, len(ids), PIECE_LIMIT)]
        await self._aside.put(tx, TOPIC, [(len(piece), _ENCODE(piece)) for piece in pieces])

    def _on(self, at: datetime) -> list[UUID]:
        """The festivals in whose windows an instant lies."""
        return [
            festival.id
            for festival in self._festivals.all()
            if any(window.starts_at <= at < window.ends_at for window in festival.windows)
        ]

    async def _look(self, tx: Connection, pieces: Sequence[bytes]) -> None:
        """Each order as it is by now, paid or over, as they were told of: budgets go to who came first."""
        ids = list(dict.fromkeys(order for piece in pieces for order in _PIECE.decode(piece)))
        found = await self._orders.rows(tx, ids)
        orders = {id: found[id] for id in ids if id in found and not is_shadow(found[id][0].owner)}
        over = {
            id: [one.lot for one in rows[0].body.wallet]
            for id, rows in orders.items()
            if rows[0].state in (OrderState.CANCELLED, OrderState.LAPSED, OrderState.DECLINED)
        }
        if over:
            await self._wallets.give_up(tx, over)
        paid = [rows for rows in orders.values() if rows[0].state is OrderState.PAID]
        buyers = await self._buyers(tx, paid)
        ours = [rows for rows in paid if rows[0].id in buyers]
        if not ours:
            return
        uses = [
            (festival, buyers[rows[0].id])
            for rows in ours
            if any(row.body.applied for row in rows)
            for festival in self._on(rows[0].placed_at)
        ]
        if uses:
            await self._wallets.note_offers(tx, uses)
        await self._wallets.earn(tx, [paid_order(rows, buyers[rows[0].id]) for rows in ours])

    async def _buyers(self, tx: Connection, paid: Sequence[Sequence[OrderRow]]) -> dict[UUID, UUID]:
        """The open account that each of these orders is of; absent where nobody knows one."""
        owners = {rows[0].id: rows[0].owner for rows in paid}
        accounts = await self._identities.of_accounts(tx, list(set(owners.values())))
        buyers = {id: owner for id, owner in owners.items() if owner in accounts}
        others = {rows[0].id: rows[0].body for rows in paid if rows[0].id not in buyers}
        if not others:
            return buyers
        lots = {id: body.wallet[0].lot for id, body in others.items() if body.wallet}
        payers = await self._wallets.owners(tx, set(lots.values()))
        still = await self._identities.of_accounts(tx, list(set(payers.values())))
        buyers |= {id: payers[lot] for id, lot in lots.items() if payers.get(lot) in still}
        proven = await self._orders.confirmed(tx, [id for id in others if id not in buyers])
        told = {id: (key, others[id].contact.email) for id, key in proven.items()}
        return buyers | await self._identities.accounts_behind(tx, told) if told else buyers


def paid_order(rows: Sequence[OrderRow], account: UUID) -> PaidOrder:
    """An order as cashback sees it: each merchant's goods, without delivery and what the wallet paid of them."""
    first = rows[0]
    return PaidOrder(first.id, account, first.currency, first.placed_at, tuple(_goods(rows)))


def _goods(rows: Sequence[OrderRow]) -> Iterable[Payable]:
    for row in rows:
        by_wallet = sum(one.amount for one in row.body.wallet if one.merchant == row.merchant and one.line)
        amount = sum(line.total for line in row.body.lines) - by_wallet
        if amount > 0:
            yield Payable(row.merchant, amount)


def _over(facts: Sequence[Fact]) -> Iterable[UUID]:
    for fact in facts:
        if fact.kind == OrdersCancelled.kind:
            yield from (one.order for one in fact.read(OrdersCancelled))
        elif fact.kind == OrdersLapsed.kind:
            yield from (one.order for one in fact.read(OrdersLapsed))
        elif fact.kind == OrdersDeclined.kind:
            yield from (one.order for one in fact.read(OrdersDeclined))
