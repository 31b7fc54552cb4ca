"""What owners of wallet money are written before it is over."""

from collections.abc import Mapping

from babel.dates import format_date
from babel.numbers import format_currency

from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import DEFAULT_LANGUAGE, pick
from nightmarket.kernel.money import decimal_of
from nightmarket.payments.contract.wallets import LOT, Source
from nightmarket.payments.store.wallets import LotRow
from nightmarket.platform.messages import ChannelKind, Message

WORDS: Mapping[str, tuple[str, str, str]] = {
    "en": (
        "Soon over: {amount} in your wallet",
        "You still have {amount} in your wallet: {name}. It can be spent until {until}.",
        "See your wallet:\n{link}",
    ),
    "de": (
        "Bald vorbei: {amount} in deinem Guthaben",
        "Du hast noch {amount} Guthaben: {name}. Du kannst es bis {until} ausgeben.",
        "Dein Guthaben:\n{link}",
    ),
    "it": (
        "Sta per scadere: {amount} nel tuo portafoglio",
        "Hai ancora {amount} nel portafoglio: {name}. Puoi spenderli fino al {until}.",
        "Il tuo portafoglio:\n{link}",
    ),
    "zh": (
        "钱包里的{amount}即将到期",
        "你的钱包里还有{amount}：{name}。可使用至{until}。",
        "查看钱包：\n{link}",
    ),
}
"""Subject, what is left until when, where to see it."""


def ending_mail(lot: LotRow, source: Source, left: int, person: tuple[str, str], address: str) -> Message:
    """The mail to the owner (e-mail address, language) of a lot that is soon over; its key lets it go out once."""
    to, spoken = person
    language = spoken if spoken in WORDS else DEFAULT_LANGUAGE
    subject, text, where = WORDS[language]
    words = {
        "amount": format_currency(decimal_of(left, lot.currency), lot.currency, locale=language),
        "name": pick(source.terms.money.name, language) or "",
        "until": format_date(lot.spend_until, "long", locale=language),
        "link": f"{address}/account/wallet",
    }
    ident = encode(LOT, lot.id)
    return Message(
        key=f"wallet-ends:{ident}",
        channel=ChannelKind.MAIL,
        to=to,
        language=language,
        subject=subject.format(**words),
        text=f"{text.format(**words)}\n\n{where.format(**words)}\n",
        about=ident,
    )
