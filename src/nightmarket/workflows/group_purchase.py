"""Group purchases over time: who has joined, when a group closes, and what then becomes of all of its orders.

A group's orders hold goods and money. Step: when it is complete, all of them are settled, at the tier that was
reached. Undo: when its deadline passes and it is not, all of them are cancelled, which gives the reservations up.
Whether it was complete is written once, with the end of its seats; what follows may be killed anywhere and goes on.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import structlog

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import DEFAULT_LANGUAGE
from nightmarket.kernel.problems import Unavailable
from nightmarket.orders.contract import OrderReader, OrderRow, Orders, OrdersCancelled, OrderState, claim_id
from nightmarket.orders.errors import NotCancellable, SessionBusy
from nightmarket.payments.contract import PaymentRow, Payments, PaymentState
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.facts import Fact
from nightmarket.platform.messages import ChannelKind, Message, Outbox
from nightmarket.platform.subscriptions import Subscription
from nightmarket.promotions.contract.groups import (
    GROUP,
    BuyingGroup,
    Groups,
    GroupSeat,
    GroupState,
    SeatState,
    entitlement_of,
)

AT_ONCE = 50
"""Groups that one step looks after."""

ORDERS_AT_ONCE = 500

GRACE = timedelta(minutes=2)
"""How long a complete group waits for a payment of which nothing is known yet; then that order is given up."""

REASON = "the group was not complete in time"
"""Who reads this in a fact knows that the shopper is told by the workflow itself."""

LATE = "the payment came after the group had closed"

WORDS: Mapping[str, tuple[str, str]] = {
    "en": (
        "Your group was not complete in time",
        "Too few joined before the deadline. Nothing was charged, and the money that was held is released by itself.",
    ),
    "de": (
        "Deine Gruppe ist nicht rechtzeitig voll geworden",
        "Bis zum Ende der Frist waren es zu wenige. Es wurde nichts abgebucht, die Reservierung löst sich von selbst.",
    ),
    "it": (
        "Il tuo gruppo non si è completato in tempo",
        "Entro la scadenza eravate in troppo pochi. Nessun addebito, e l’importo bloccato si libera da solo.",
    ),
    "zh": ("你的拼团未能按时成团", "截止时人数不足。未扣任何款项,预留的金额会自动解除。"),
}
"""Subject and text for those whose group was not complete."""

log = structlog.get_logger(__name__)
_ACTIVE = (SeatState.WANTED, SeatState.HELD)


class _Desk(Orders, OrderReader, Protocol):
    """The order desk, with what consumers may read of it."""


class GroupPurchases:
    """Looks after groups. Any process may, as often as it likes."""

    def __init__(
        self, database: Database, groups: Groups, orders: _Desk, payments: Payments, outbox: Outbox, clock: Clock
    ) -> None:
        self._database = database
        self._groups = groups
        self._orders = orders
        self._payments = payments
        self._outbox = outbox
        self._clock = clock
        self.subscription = Subscription("groups", (OrdersCancelled.kind,), self._hear)

    async def step(self) -> int:
        """Look after the groups that want it; returns how many. For a drain."""
        async with self._database.read() as connection:
            due = await self._groups.unfinished(connection, AT_ONCE)
        for id in due:
            await self.look(id)
        return len(due) + await self._groups.withdraw(AT_ONCE)

    async def _hear(self, tx: Connection, facts: Sequence[Fact]) -> None:
        """Orders that were cancelled after their group had closed."""
        gone = [one.order for fact in facts for one in fact.read(OrdersCancelled)]
        for start in range(0, len(gone), ORDERS_AT_ONCE):
            await self._groups.left(tx, gone[start : start + ORDERS_AT_ONCE])

    async def look(self, id: UUID) -> BuyingGroup:
        """Bring a group up to date: who has joined, whether it closes, and what follows from that."""
        async with self._database.transaction() as tx:
            group = await self._groups.one(tx, id, lock=True)
            if group.state is GroupState.OPEN:
                found = await self._standing(tx, group)
                group = await self._groups.stand(tx, group, _changed(found))
        if group.state is GroupState.OPEN or group.done_at is not None:
            return group
        await self._end(group)
        async with self._database.transaction() as tx:
            await self._groups.one(tx, id, lock=True)
            found = await self._standing(tx, group)
            await self._groups.finish(tx, id, _changed(found))
            if group.state is GroupState.FAILED:
                await self._tell(tx, group, [rows for _, state, rows in found if rows and state is SeatState.LEFT])
            return await self._groups.one(tx, id)

    async def _end(self, group: BuyingGroup) -> None:
        """Settle or give up the orders of a closed group, outside any transaction of ours."""
        async with self._database.read() as connection:
            found = await self._standing(connection, group)
        pending = [(seat, state, rows) for seat, state, rows in found if rows and rows[0].state is OrderState.PENDING]
        if group.state is GroupState.FAILED:
            await self._give_up([seat.order for seat, _, _ in pending], REASON)
            return
        words = (entitlement_of(group.offer, 1), entitlement_of(group.offer, group.tier))
        await self._orders.settle_held({seat.order: words for seat, state, _ in pending if state is SeatState.HELD})
        if group.closed_at is not None and self._clock.now() >= group.closed_at + GRACE:
            await self._give_up([seat.order for seat, state, _ in pending if state is SeatState.WANTED], LATE)

    async def _give_up(self, orders: Sequence[UUID], reason: str) -> None:
        async def cancel(order: UUID) -> None:
            try:
                await self._orders.cancel_order(None, order, reason)
            except (SessionBusy, NotCancellable, Unavailable) as refused:
                log.warning("group_order_waits", order=str(order), reason=str(refused))

        await asyncio.gather(*(cancel(order) for order in orders))

    async def _standing(
        self, connection: Connection, group: BuyingGroup
    ) -> list[tuple[GroupSeat, SeatState, Sequence[OrderRow]]]:
        """How the orders of those who are not settled and have not left stand now."""
        seats = [seat for seat in await self._groups.seats(connection, group.id) if seat.state in _ACTIVE]
        rows = await self._orders.rows(connection, [seat.order for seat in seats])
        payments = {one.id: one for one in await self._payments.of_orders(connection, list(rows))}
        is_open = group.state is GroupState.OPEN
        return [
            (seat, _state(rows.get(seat.order, ()), payments, is_open=is_open), rows.get(seat.order, ()))
            for seat in seats
        ]

    async def _tell(self, tx: Connection, group: BuyingGroup, orders: Sequence[Sequence[OrderRow]]) -> None:
        mails = [_mail(group, rows[0]) for rows in orders if rows[0].state is OrderState.CANCELLED]
        if mails:
            await self._outbox.send(tx, mails)


def _state(rows: Sequence[OrderRow], payments: Mapping[UUID, PaymentRow], *, is_open: bool) -> SeatState:
    """A place as its order says. What can be tried again is wanted as long as the group is open."""
    again = SeatState.WANTED if is_open else SeatState.LEFT
    if not rows:
        return again
    first = rows[0]
    match first.state:
        case OrderState.PENDING:
            payment = payments.get(claim_id(first.id, first.attempt))
            is_held = payment is not None and payment.state in (PaymentState.HELD, PaymentState.CAPTURED)
            return SeatState.HELD if is_held else SeatState.WANTED
        case OrderState.PAID:
            return SeatState.SETTLED
        case OrderState.CANCELLED:
            return SeatState.LEFT
        case OrderState.DECLINED | OrderState.LAPSED:
            return again


def _changed(found: Sequence[tuple[GroupSeat, SeatState, Sequence[OrderRow]]]) -> dict[UUID, SeatState]:
    return {seat.order: state for seat, state, _ in found if state is not seat.state}


def _mail(group: BuyingGroup, row: OrderRow) -> Message:
    language = row.body.language
    subject, text = WORDS.get(language) or WORDS[DEFAULT_LANGUAGE]
    ident = encode(GROUP, group.id)
    return Message(
        key=f"group-failed:{ident}:{encode('ord', row.id)}",
        channel=ChannelKind.MAIL,
        to=row.body.contact.email,
        language=language,
        subject=subject,
        text=f"{text}\n\n{', '.join(line.title for line in row.body.lines)}\n",
        about=encode("ord", row.id),
    )
