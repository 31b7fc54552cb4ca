"""Paid orders become figures of the offers they had: the loss guard looks at them, and operators are told at once."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Costs
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import DEFAULT_LANGUAGE, pick
from nightmarket.orders.contract import OrderReader, OrderRow, OrdersPaid
from nightmarket.platform.access import People, PeopleFilter, PeoplePage, Role, is_shadow
from nightmarket.platform.aside import PIECE_LIMIT, Aside, Chore
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import Fact
from nightmarket.platform.messages import ChannelKind, Message, Outbox
from nightmarket.platform.subscriptions import Subscription
from nightmarket.promotions.contract import Books
from nightmarket.promotions.contract.guards import STOP, GuardStop, LossGuard, OfferSale, StopReason

TOPIC = "loss-guard"
MOST_OPERATORS = 50
"""Who is written to when an offer was stopped."""

_PIECE = msgspec.msgpack.Decoder(list[UUID])
_ENCODE = msgspec.msgpack.Encoder().encode

WORDS = {
    StopReason.BELOW_COST: (
        "An offer was stopped: it sells below cost",
        "“{name}” ({offer}): {orders} orders sold for {sold} what cost {cost} (minor units of {currency}).",
    ),
    StopReason.ABNORMAL: (
        "An offer was stopped: it is used far more than planned",
        "“{name}” ({offer}) had {orders} orders in this hour; {plan} would have been within its plan.",
    ),
}


def loss_guard(books: Books, aside: Aside) -> Subscription:
    """The consumer: while the shop has offers, it sets paid orders aside, to be looked at when there is time."""

    async def handle(tx: Connection, facts: Sequence[Fact]) -> None:
        if not books.current().offers:
            return
        orders = [one.order for fact in facts for one in fact.read(OrdersPaid)]
        pieces = [orders[start : start + PIECE_LIMIT] for start in range(0, len(orders), PIECE_LIMIT)]
        await aside.put(tx, TOPIC, [(len(piece), _ENCODE(piece)) for piece in pieces])

    return Subscription(TOPIC, (OrdersPaid.kind,), handle)


class Guarding:
    """What the chore works with."""

    def __init__(
        self, orders: OrderReader, costs: Costs, guard: LossGuard, told: tuple[Outbox, People, str], clock: Clock
    ) -> None:
        self._orders = orders
        self._costs = costs
        self._guard = guard
        self._outbox, self._people, self._address = told
        self._clock = clock

    def chore(self) -> Chore:
        return Chore(TOPIC, self._look)

    async def _look(self, tx: Connection, pieces: Sequence[bytes]) -> None:
        rows = await self._orders.rows(tx, [order for piece in pieces for order in _PIECE.decode(piece)])
        offered = [
            row
            for order in rows.values()
            for row in order
            if not is_shadow(row.owner) and any(line.shares for line in row.body.lines)
        ]
        if not offered:
            return
        variants = {line.variant for row in offered for line in row.body.lines if line.shares}
        sales = sales_of(offered, await self._costs.costs(tx, list(variants)))
        stops = await self._guard.note(tx, sales, self._clock.now())
        if stops:
            await self._tell(tx, stops)

    async def _tell(self, tx: Connection, stops: Sequence[GuardStop]) -> None:
        chosen = PeopleFilter(role=Role.OPERATOR, state="active")
        operators = await self._people.page(tx, chosen, PeoplePage(limit=MOST_OPERATORS))
        await self._outbox.send(tx, [_mail(stop, one.email, self._address) for stop in stops for one in operators])


def sales_of(rows: Sequence[OrderRow], costs: Mapping[UUID, Mapping[str, int]]) -> list[OfferSale]:
    """What these rows of orders had of each offer; lines whose cost is not known count in orders and discount only."""
    found: list[OfferSale] = []
    for row in rows:
        for offer in sorted({share.offer for line in row.body.lines for share in line.shares}):
            lines = [line for line in row.body.lines if any(share.offer == offer for share in line.shares)]
            known = [line for line in lines if row.currency in costs.get(line.variant, {})]
            found.append(
                OfferSale(
                    offer=offer,
                    currency=row.currency,
                    orders=1,
                    discount=sum(share.amount for line in lines for share in line.shares if share.offer == offer),
                    costed=1 if known else 0,
                    sold=sum(line.total for line in known),
                    cost=sum(line.quantity * costs[line.variant][row.currency] for line in known),
                )
            )
    return found


def _mail(stop: GuardStop, to: str, address: str) -> Message:
    subject, text = WORDS[stop.reason]
    words = text.format(
        name=pick(stop.name, DEFAULT_LANGUAGE) or "?",
        offer=encode("off", stop.offer),
        orders=stop.orders,
        sold=stop.sold,
        cost=stop.cost,
        currency=stop.currency,
        plan=stop.plan,
    )
    ident = encode(STOP, stop.id)
    return Message(
        key=f"loss-guard:{ident}:{to}",
        channel=ChannelKind.MAIL,
        to=to,
        language=DEFAULT_LANGUAGE,
        subject=subject,
        text=f"{words}\n\nIt is out of the book. One press puts it back:\n{address}/console/guard\n",
        about=ident,
    )
