"""The catalogue's facts become mails to merchants who applied: received, approved, declined, closed."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from nightmarket.catalog.contract import Application, Applications, Merchant, MerchantChanged, MerchantState, Shelf
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import DEFAULT_LANGUAGE
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import Fact
from nightmarket.platform.messages import ChannelKind, Message, Outbox
from nightmarket.platform.subscriptions import Subscription

WORDS: dict[MerchantState, dict[str, tuple[str, str]]] = {
    MerchantState.APPLIED: {
        "en": (
            "We have your application",
            "Thank you for applying with {name}. A person looks at it and writes to you.\n\nPrepare your goods:",
        ),
        "de": (
            "Die Bewerbung ist da",
            "Danke für die Bewerbung mit {name}. Ein Mensch sieht sie an und schreibt.\n\nWaren vorbereiten:",
        ),
        "it": (
            "Abbiamo la tua richiesta",
            "Grazie per la richiesta di {name}. Una persona la esamina e ti scrive.\n\nIntanto prepara la merce:",
        ),
        "zh": ("我们已收到你的申请", "感谢 {name} 的申请。我们会有专人审核并回复你。\n\n在此期间,你可以准备商品:"),
    },
    MerchantState.OPEN: {
        "en": ("Your stall is open", "{name} may sell now. Put your goods on sale:"),
        "de": ("Der Stand ist geöffnet", "{name} darf jetzt verkaufen. Hier gehen die Waren in den Verkauf:"),
        "it": ("Il tuo banco è aperto", "{name} ora può vendere. Metti in vendita la merce:"),
        "zh": ("你的摊位已开张", "{name} 现在可以销售了。请将商品上架:"),
    },
    MerchantState.DECLINED: {
        "en": (
            "Your application was declined",
            "We cannot open a stall for {name}. The reason:\n\n{reason}\n\nChange what you wrote to apply again:",
        ),
        "de": (
            "Die Bewerbung wurde abgelehnt",
            "Wir können {name} keinen Stand geben. Der Grund:\n\n{reason}\n\nAngaben ändern und neu bewerben:",
        ),
        "it": (
            "La tua richiesta non è stata accolta",
            "Non possiamo aprire un banco per {name}. Il motivo:\n\n{reason}\n\nCambia i dati e richiedilo di nuovo:",
        ),
        "zh": ("你的申请未通过", "我们无法为 {name} 开设摊位。原因:\n\n{reason}\n\n你可以修改资料后重新申请:"),
    },
    MerchantState.CLOSED: {
        "en": (
            "Your stall is closed",
            "{name} is closed, its goods are off sale. Orders that were placed stay. The reason:\n\n{reason}",
        ),
        "de": (
            "Der Stand ist geschlossen",
            "{name} ist geschlossen, die Waren sind aus dem Verkauf. Bestellungen bleiben. Der Grund:\n\n{reason}",
        ),
        "it": (
            "Il tuo banco è chiuso",
            "{name} è chiuso e la merce non è più in vendita. Gli ordini già fatti restano. Il motivo:\n\n{reason}",
        ),
        "zh": ("你的摊位已关闭", "{name} 已关闭,商品已下架,已下的订单不受影响。原因:\n\n{reason}"),
    },
}
"""Subject and text of each mail by state and language; the address of the console follows."""


def merchant_mail(shelf: Shelf, applications: Applications, outbox: Outbox, address: str) -> Subscription:
    """The consumer: one mail per merchant, state and decision. Merchants who never applied, such as imported ones, get
    none, and neither does a change of the profile."""

    async def handle(tx: Connection, facts: Sequence[Fact]) -> None:
        ids = list(dict.fromkeys(one.merchant for fact in facts for one in fact.read(MerchantChanged)))
        said = await _said(tx, applications, ids)
        messages: list[Message] = []
        for id, application in said.items():
            merchant = await shelf.merchant(tx, id)
            if merchant is not None and merchant.email:
                messages.append(_mail(merchant, application, address))
        if messages:
            await outbox.send(tx, messages)

    return Subscription("merchant-mail", (MerchantChanged.kind,), handle)


async def _said(tx: Connection, applications: Applications, ids: Sequence[UUID]) -> Mapping[UUID, Application]:
    found: dict[UUID, Application] = {}
    for start in range(0, len(ids), 500):
        found |= await applications.of(tx, ids[start : start + 500])
    return found


def _mail(merchant: Merchant, application: Application, address: str) -> Message:
    """The mail about the state that the merchant is in; the outbox drops it if it went out before."""
    language = application.language
    subject, text = WORDS[merchant.state].get(language) or WORDS[merchant.state][DEFAULT_LANGUAGE]
    decided = application.decided_at.isoformat() if application.decided_at else "never"
    ident = encode("mer", merchant.id)
    return Message(
        key=f"merchant-{merchant.state.value}:{ident}:{decided}",
        channel=ChannelKind.MAIL,
        to=merchant.email or "",
        language=language,
        subject=subject,
        text=f"{text.format(name=merchant.name, reason=merchant.reason)}\n\n{address}/console/selling\n",
        about=ident,
    )
