"""Orders' facts become mails to the buyer: paid, awaiting a transfer, cancelled, lapsed."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from babel.numbers import format_currency

from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import DEFAULT_LANGUAGE
from nightmarket.kernel.money import decimal_of
from nightmarket.orders.contract import (
    TRANSFER,
    OrderReader,
    OrderRow,
    OrdersCancelled,
    OrdersLapsed,
    OrdersPaid,
    OrdersPlaced,
    paid_by_wallet,
)
from nightmarket.platform.access import Links, is_shadow
from nightmarket.platform.aside import PIECE_LIMIT, Aside, Chore
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import Fact
from nightmarket.platform.messages import ChannelKind, Message, Outbox
from nightmarket.platform.subscriptions import Subscription

from .group_purchase import REASON

LOCALES = {"en": "en", "de": "de_DE", "it": "it_IT", "zh": "zh_Hans_CN"}

WORDS: dict[str, dict[str, tuple[str, str]]] = {
    "paid": {
        "en": ("Your order is confirmed", "Thank you. Your order over {total} is paid and on its way to the stalls."),
        "de": ("Die Bestellung ist bestätigt", "Danke. Die Bestellung über {total} ist bezahlt und bei den Ständen."),
        "it": ("Il tuo ordine è confermato", "Grazie. L'ordine di {total} è pagato ed è arrivato ai banchi."),
        "zh": ("订单已确认", "谢谢。你的订单已付款,金额为 {total},摊位正在备货。"),
    },
    "awaiting": {
        "en": ("Your order waits for your transfer", "Please transfer {total} within three days, quoting {id}."),
        "de": ("Die Bestellung wartet auf die Überweisung", "Bitte {total} binnen drei Tagen überweisen, Zweck {id}."),
        "it": ("L'ordine attende il tuo bonifico", "Versa {total} entro tre giorni, indicando {id}."),
        "zh": ("订单等待转账", "请在三天内转账 {total},并注明 {id}。"),
    },
    "cancelled": {
        "en": ("Your order is cancelled", "The order over {total} is cancelled. What you paid goes back by itself."),
        "de": ("Die Bestellung ist storniert", "Die Bestellung über {total} ist storniert. Bezahltes kommt zurück."),
        "it": ("Il tuo ordine è annullato", "L'ordine di {total} è annullato. Quanto hai pagato ti torna da solo."),
        "zh": ("订单已取消", "金额为 {total} 的订单已取消,已付款项会自动退回。"),
    },
    "lapsed": {
        "en": (
            "We no longer hold your order",
            "No payment over {total} came in time. You can order again at any time.",
        ),
        "de": (
            "Die Bestellung wird nicht mehr gehalten",
            "Über {total} kam keine Zahlung. Neu bestellen geht jederzeit.",
        ),
        "it": ("Il tuo ordine non è più riservato", "Non è arrivato il pagamento di {total}. Puoi riordinare."),
        "zh": ("订单已不再保留", "未按时收到 {total} 的付款。你可以随时重新下单。"),
    },
}
"""Subject and text of each mail by language."""

TOPIC = "order-mail"

Occasion = tuple[str, UUID, int]
"""What there is to say, of which order and attempt."""

_PACK = msgspec.msgpack.Encoder(uuid_format="bytes")
_OCCASIONS = msgspec.msgpack.Decoder(list[Occasion])


class _Told(msgspec.Struct, frozen=True):
    """Of a fact what counts here; the rest is not even read."""

    order: UUID
    attempt: int
    handler: str = ""
    reason: str = ""


def order_mail(aside: Aside) -> Subscription:
    """The consumer: notes what there is to write, so that a rush is not spent on mails."""

    async def handle(tx: Connection, facts: Sequence[Fact]) -> None:
        occasions = [occasion for fact in facts for occasion in _occasions(fact)]
        parts = [occasions[start : start + PIECE_LIMIT] for start in range(0, len(occasions), PIECE_LIMIT)]
        await aside.put(tx, TOPIC, [(len(part), _PACK.encode(part)) for part in parts])

    kinds = (OrdersPlaced.kind, OrdersPaid.kind, OrdersCancelled.kind, OrdersLapsed.kind)
    return Subscription("order-mail", kinds, handle, joint=True)


def order_mail_chore(orders: OrderReader, outbox: Outbox, address: str, links: Links) -> Chore:
    """Writes what was noted: one mail per order, attempt and occasion, however often a fact is heard.

    The link in it opens the order to its owner, and for a while, with less on it, to whoever has the mail.
    """

    def link(rows: Sequence[OrderRow]) -> str:
        first = rows[0]
        return f"{address}/orders/{encode('ord', first.id)}/look?key={links.token(first.id, first.placed_at)}"

    async def write(tx: Connection, pieces: Sequence[bytes]) -> None:
        occasions = [occasion for piece in pieces for occasion in _OCCASIONS.decode(piece)]
        rows = await orders.rows(tx, list({order for _, order, _ in occasions}))
        messages = [
            _mail(kind, attempt, rows[order], link(rows[order]))
            for kind, order, attempt in occasions
            if order in rows and (kind != "awaiting" or rows[order][0].handler == TRANSFER)
            if not is_shadow(rows[order][0].owner)
        ]
        if messages:
            await outbox.send(tx, messages)

    return Chore(TOPIC, write)


_OCCASION_OF: Mapping[str, str] = {
    OrdersPlaced.kind: "awaiting",
    OrdersPaid.kind: "paid",
    OrdersCancelled.kind: "cancelled",
    OrdersLapsed.kind: "lapsed",
}


def _occasions(fact: Fact) -> list[Occasion]:
    occasion = _OCCASION_OF[fact.kind]
    told = fact.read(_Told)
    if fact.kind == OrdersPlaced.kind:  # none of an order that is being paid; "": only its rows know
        told = [one for one in told if one.handler in (TRANSFER, "")]
    if fact.kind == OrdersCancelled.kind:  # whose group was not complete is written by the workflow of groups
        told = [one for one in told if one.reason != REASON]
    return [(occasion, one.order, one.attempt) for one in told]


def _mail(kind: str, attempt: int, rows: Sequence[OrderRow], link: str) -> Message:
    first = rows[0]
    language = first.body.language
    subject, text = WORDS[kind].get(language) or WORDS[kind][DEFAULT_LANGUAGE]
    by_wallet = paid_by_wallet(rows) if kind in ("awaiting", "lapsed") else 0  # what is paid otherwise is awaited
    amount = decimal_of(sum(row.total for row in rows) - by_wallet, first.currency)
    total = format_currency(amount, first.currency, locale=LOCALES.get(language, "en"))
    id = encode("ord", first.id)
    lines = "\n".join(f"{line.quantity} x {line.title}" for row in rows for line in row.body.lines)
    return Message(
        key=f"order-{kind}:{id}:{attempt}",
        channel=ChannelKind.MAIL,
        to=first.body.contact.email,
        language=language,
        subject=subject,
        text=f"{text.format(total=total, id=id)}\n\n{lines}\n\n{link}\n",
        about=id,
    )
