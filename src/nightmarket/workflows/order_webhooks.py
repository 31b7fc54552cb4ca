"""Orders' facts become webhooks to those who placed them: placed, paid, cancelled, lapsed, updated by a note.

Each event is one delivery per receiver, whose id follows from order, attempt, event and receiver. What is sent is the
whole order as it stands when it is sent (UCP's order.md, "Events").
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import derive
from nightmarket.kernel.problems import Problem
from nightmarket.orders.contract import (
    Order,
    OrderReader,
    Orders,
    OrdersCancelled,
    OrdersLapsed,
    OrdersNoted,
    OrdersPaid,
    OrdersPlaced,
    OrdersReduced,
    OrderState,
)
from nightmarket.platform.access import is_shadow
from nightmarket.platform.access.agents import Agents
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.facts import Fact
from nightmarket.platform.settings import Settings
from nightmarket.platform.subscriptions import Subscription
from nightmarket.platform.webhooks import (
    Delivery,
    Event,
    Sender,
    SenderOptions,
    SigningKeys,
    any_address,
    heard,
    hearing,
    queue,
)

PLACED, PAID, CANCELLED, LAPSED = "order_placed", "order_paid", "order_cancelled", "order_lapsed"
UPDATED = "order_updated"
"""Its parcels went on their way or arrived, or money or goods went back."""

PROFILE_PATH = "/.well-known/ucp"


class Occasion(msgspec.Struct, frozen=True):
    """Something that happened to an order; `which` tells apart what can happen twice: the attempt, or a note's id."""

    event: str
    order: UUID
    which: int | str
    at: datetime


class _Placed(msgspec.Struct, frozen=True):
    """Of a placed order what counts here; the rest is not even read."""

    order: UUID
    owner: UUID
    attempt: int


class _Moved(msgspec.Struct, frozen=True):
    """Of anything else that happens to an order."""

    order: UUID


_READERS: Mapping[str, Callable[[Fact], list[Occasion]]] = {
    OrdersPlaced.kind: lambda fact: [Occasion(PLACED, one.order, one.attempt, fact.at) for one in fact.read(_Placed)],
    OrdersPaid.kind: lambda fact: [Occasion(PAID, one.order, one.attempt, fact.at) for one in fact.read(OrdersPaid)],
    OrdersCancelled.kind: lambda fact: [
        Occasion(CANCELLED, one.order, one.attempt, fact.at) for one in fact.read(OrdersCancelled)
    ],
    OrdersLapsed.kind: lambda fact: [
        Occasion(LAPSED, one.order, one.attempt, fact.at) for one in fact.read(OrdersLapsed)
    ],
    OrdersNoted.kind: lambda fact: [Occasion(UPDATED, one.order, one.note, fact.at) for one in fact.read(OrdersNoted)],
    OrdersReduced.kind: lambda fact: [
        Occasion(UPDATED, one.order, f"reduced at {fact.at.isoformat()}", fact.at) for one in fact.read(OrdersReduced)
    ],
}


def order_webhooks(orders: OrderReader, clock: Clock) -> Subscription:
    """The consumer. Costs two small queries where nobody listens; orders of rehearsals are never told."""

    async def handle(tx: Connection, facts: Sequence[Fact]) -> None:
        now = clock.now()
        placed = [one for fact in facts if fact.kind == OrdersPlaced.kind for one in fact.read(_Placed)]
        later = {one.order for fact in facts if fact.kind != OrdersPlaced.kind for one in fact.read(_Moved)}
        owners = {one.order: one.owner for one in placed}
        known = await heard(tx, later) if later else []
        if later and await any_address(tx):  # a key hears of orders too that were placed before it had an address
            rows = await orders.rows(tx, list(later))
            owners |= {id: parts[0].owner for id, parts in rows.items()}
        real = {owner for owner in set(owners.values()) if not is_shadow(owner)}
        listening = await hearing(tx, real, now) if real else []
        if not known and not listening:
            return
        receivers: dict[UUID, set[tuple[UUID, str]]] = {}
        for about, owner, source in known:
            if source:
                receivers.setdefault(about, set()).add((owner, source))
        for order, owner in owners.items():
            receivers.setdefault(order, set()).update(pair for pair in listening if pair[0] == owner)
        events = [
            Event(
                derive("order-webhook", one.order, one.which, one.event, owner, source),
                one.order,
                one.event,
                owner,
                source,
                one.at,
            )
            for one in (occasion for fact in facts for occasion in _READERS[fact.kind](fact))
            for owner, source in sorted(receivers.get(one.order, ()))
        ]
        if events:
            await queue(tx, events, now)

    return Subscription("order-webhooks", tuple(_READERS), handle, joint=True)


def order_sender(
    database: Database, clock: Clock, keys: SigningKeys, agents: Agents, told: "Telling", settings: Settings
) -> Sender:
    """Sends what `order_webhooks` has queued."""
    options = SenderOptions(
        profile=f"{settings.address}{PROFILE_PATH}", first=PLACED, loopback=settings.loopback_agents
    )
    return Sender(database, clock, keys, agents, told.entity, options)


class Telling:
    """Makes what is sent: the order in the words of `write`, which the order API fills."""

    def __init__(self, orders: Orders, write: Callable[[Order], Awaitable[bytes]]) -> None:
        self._orders = orders
        self._write = write

    async def entity(self, delivery: Delivery) -> bytes | None:
        """The order as it stands; None for one that is not there, or was declined: such an attempt is no order."""
        try:
            order = await self._orders.order(None, delivery.about)
        except Problem:
            return None
        return None if order.state is OrderState.DECLINED else await self._write(order)
