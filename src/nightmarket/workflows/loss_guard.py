"""Paid orders become figures of the offers they had: the loss guard looks at them, and operators are told at once."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from babel.numbers import format_currency

from nightmarket.catalog.contract import Costs
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import DEFAULT_LANGUAGE, pick
from nightmarket.kernel.money import decimal_of
from nightmarket.orders.contract import OrderReader, OrderRow, OrdersCancelled, OrdersPaid
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

_ENCODE = msgspec.msgpack.Encoder().encode
LOCALES = {"en": "en", "de": "de_DE", "it": "it_IT", "zh": "zh_Hans_CN"}


class Piece(msgspec.Struct, omit_defaults=True):
    """What is set aside: orders whose sales count, and orders that were cancelled after they were paid."""

    paid: list[UUID] = []
    cancelled: list[UUID] = []


_PIECE = msgspec.msgpack.Decoder(list[UUID] | Piece)
"""Older pieces are paid orders and nothing else."""

WORDS: dict[StopReason, dict[str, tuple[str, str]]] = {
    StopReason.BELOW_COST: {
        "en": (
            "An offer was stopped: it sells below cost",
            "“{name}” ({offer}): {orders} orders sold for {sold} what cost {cost}.",
        ),
        "de": (
            "Ein Angebot wurde angehalten: Es verkauft unter Einkaufspreis",
            "„{name}“ ({offer}): {orders} Bestellungen brachten {sold} für Waren, die {cost} kosteten.",
        ),
        "it": (
            "Un'offerta è stata fermata: vende sotto costo",
            "«{name}» ({offer}): {orders} ordini hanno venduto a {sold} ciò che costava {cost}.",
        ),
        "zh": (
            "一个优惠已停用：售价低于成本",
            "“{name}”（{offer}）：{orders} 个订单以 {sold} 卖出了成本 {cost} 的商品。",
        ),
    },
    StopReason.ABNORMAL: {
        "en": (
            "An offer was stopped: it is used far more than planned",
            "“{name}” ({offer}) had {orders} orders in this hour; {plan} would have been within its plan.",
        ),
        "de": (
            "Ein Angebot wurde angehalten: Es wird weit mehr genutzt als geplant",
            "„{name}“ ({offer}) hatte in dieser Stunde {orders} Bestellungen; {plan} wären im Plan gewesen.",
        ),
        "it": (
            "Un'offerta è stata fermata: è usata molto più del previsto",
            "«{name}» ({offer}) ha avuto {orders} ordini in quest'ora; {plan} sarebbero stati nel piano.",
        ),
        "zh": (
            "一个优惠已停用：使用次数远超计划",
            "“{name}”（{offer}）这一小时内有 {orders} 个订单；计划内最多 {plan} 个。",
        ),
    },
}
BACK = {
    "en": "It is out of the book. One press puts it back:",
    "de": "Es ist aus dem Buch. Ein Druck stellt es zurück:",
    "it": "È fuori dal libro. Con un clic torna al suo posto:",
    "zh": "它已从目录中移除。一键即可恢复：",
}


def loss_guard(books: Books, aside: Aside) -> Subscription:
    """The consumer: while the shop has offers, it sets paid orders aside, and those of them that are cancelled, to be
    looked at when there is time."""

    async def handle(tx: Connection, facts: Sequence[Fact]) -> None:
        if not books.current().offers:
            return
        pieces: list[tuple[int, bytes]] = []
        for fact in facts:
            if fact.kind == OrdersPaid.kind:
                some = _cut([one.order for one in fact.read(OrdersPaid)])
                pieces += [(len(ids), _ENCODE(Piece(paid=ids))) for ids in some]
            else:
                some = _cut([one.order for one in fact.read(OrdersCancelled) if one.refund])
                pieces += [(len(ids), _ENCODE(Piece(cancelled=ids))) for ids in some]
        await aside.put(tx, TOPIC, pieces)

    return Subscription(TOPIC, (OrdersPaid.kind, OrdersCancelled.kind), handle, joint=True)


def _cut(orders: list[UUID]) -> list[list[UUID]]:
    return [orders[start : start + PIECE_LIMIT] for start in range(0, len(orders), PIECE_LIMIT)]


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
        decoded = [_PIECE.decode(piece) for piece in pieces]
        found = [one if isinstance(one, Piece) else Piece(paid=one) for one in decoded]
        paid, gone = [id for one in found for id in one.paid], [id for one in found for id in one.cancelled]
        rows = await self._orders.rows(tx, [*paid, *gone])
        counted, cancelled = self._offered(rows, paid), self._offered(rows, gone)
        variants = {line.variant for row in (*counted, *cancelled) for line in row.body.lines if line.shares}
        if not variants:
            return
        costs = await self._costs.costs(tx, list(variants))
        stops = await self._guard.note(tx, sales_of(counted, costs), self._clock.now())
        back = [(row.placed_at, sale) for row in cancelled for sale in sales_of([row], costs)]
        await self._guard.take_back(tx, back)
        if stops:
            await self._tell(tx, stops)

    def _offered(self, rows: Mapping[UUID, Sequence[OrderRow]], orders: Sequence[UUID]) -> list[OrderRow]:
        """The rows of these orders that had an offer; rehearsals' orders count for nothing."""
        return [
            row
            for order in orders
            for row in rows.get(order, ())
            if not is_shadow(row.owner) and any(line.shares for line in row.body.lines)
        ]

    async def _tell(self, tx: Connection, stops: Sequence[GuardStop]) -> None:
        chosen = PeopleFilter(role=Role.OPERATOR, state="active")
        operators = await self._people.page(tx, chosen, PeoplePage(limit=MOST_OPERATORS))
        language = (await self._guard.rules(tx)).language
        mails = [_mail(stop, one.email, self._address, language) for stop in stops for one in operators]
        await self._outbox.send(tx, mails)


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


def _mail(stop: GuardStop, to: str, address: str, language: str) -> Message:
    language = language if language in BACK else DEFAULT_LANGUAGE
    subject, text = WORDS[stop.reason][language]
    words = text.format(
        name=pick(stop.name, language) or "?",
        offer=encode("off", stop.offer),
        orders=stop.orders,
        sold=_money(stop.sold, stop.currency, language),
        cost=_money(stop.cost, stop.currency, language),
        plan=stop.plan,
    )
    ident = encode(STOP, stop.id)
    return Message(
        key=f"loss-guard:{ident}:{to}",
        channel=ChannelKind.MAIL,
        to=to,
        language=language,
        subject=subject,
        text=f"{words}\n\n{BACK[language]}\n{address}/console/guard\n",
        about=ident,
    )


def _money(amount: int, currency: str, language: str) -> str:
    """As people there write it; nothing where an offer was stopped for its number of orders."""
    return format_currency(decimal_of(amount, currency), currency, locale=LOCALES[language]) if currency else ""
