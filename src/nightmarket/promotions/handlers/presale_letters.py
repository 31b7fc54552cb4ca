"""What those who booked are written when their balance is due, and before it is too late."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import msgspec
from babel.dates import format_date
from babel.numbers import format_currency

from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import DEFAULT_LANGUAGE, pick
from nightmarket.kernel.money import decimal_of
from nightmarket.platform.messages import ChannelKind, Message
from nightmarket.promotions.contract.presales import BOOKING, Booking, Presale

OPENED, CLOSING = 1, 2

WORDS: Mapping[str, tuple[str, str, str, str]] = {
    "en": (
        "Pay the balance: {title}",
        "Soon too late: the balance for {title}",
        "You hold place {place} in the presale of {title}. The balance of {balance} is due until {until}.",
        "Pay it here:\n{link}",
    ),
    "de": (
        "Restbetrag zahlen: {title}",
        "Bald zu spät: der Restbetrag für {title}",
        "Du hast Platz {place} im Vorverkauf von {title}. Der Restbetrag von {balance} ist bis {until} fällig.",
        "Hier bezahlst du ihn:\n{link}",
    ),
    "it": (
        "Paga il saldo: {title}",
        "Manca poco: il saldo per {title}",
        "Hai il posto {place} nella prevendita di {title}. Il saldo di {balance} va pagato entro il {until}.",
        "Pagalo qui:\n{link}",
    ),
    "zh": (
        "请支付尾款：{title}",
        "尾款即将截止：{title}",
        "你在{title}的预售中排第{place}位。尾款{balance}须在{until}前支付。",
        "在此支付：\n{link}",
    ),
}
"""Subject when the window opens, subject before it closes, what is due, where to pay."""


LOWER: Mapping[str, tuple[str, str]] = {
    "en": (
        "Best price: {back} are on the way to you",
        "{title} was for sale for less than you paid in the presale. You get {back} back by itself, to your card.",
    ),
    "de": (
        "Bestpreis: {back} sind auf dem Weg zu dir",
        "{title} gab es für weniger, als du im Vorverkauf bezahlt hast. {back} kommen von selbst auf deine Karte.",
    ),
    "it": (
        "Prezzo migliore: {back} in arrivo",
        "{title} è stato venduto a meno di quanto hai pagato in prevendita. {back} tornano da soli sulla tua carta.",
    ),
    "zh": (
        "最优价保证：{back}正在退回",
        "{title}的售价低于你在预售中的实付金额，差价{back}会自动退回到你的卡。",
    ),
}
"""Subject and text for those to whom the guarantee pays something back."""


class Due(msgspec.Struct, frozen=True):
    """What is due: the presale, the goods' title by language, the shop's address, which letter it is, and the zone in
    which times are said."""

    presale: Presale
    title: Mapping[str, str]
    address: str
    stage: int
    zone: ZoneInfo


def due_mail(due: Due, booking: Booking, to: str) -> Message:
    """The mail to one who booked; its key lets each of the two go out once."""
    language = booking.language if booking.language in WORDS else DEFAULT_LANGUAGE
    opened, closing, what, where = WORDS[language]
    terms, ident = due.presale.terms, encode(BOOKING, booking.id)
    until = terms.balance_until.astimezone(due.zone)
    words = {
        "title": pick(due.title, language) or "",
        "place": booking.place,
        "balance": format_currency(decimal_of(terms.balance, terms.currency), terms.currency, locale=language),
        "until": f"{format_date(until, 'long', locale=language)}, {until:%H:%M} {until.tzname()}",
        "link": f"{due.address}/presales/bookings/{ident}",
    }
    return Message(
        key=f"presale:{ident}:{due.stage}",
        channel=ChannelKind.MAIL,
        to=to,
        language=language,
        subject=(closing if due.stage == CLOSING else opened).format(**words),
        text=f"{what.format(**words)}\n\n{where.format(**words)}\n",
        about=ident,
    )


def lower_mail(about: Due, booking: Booking, to: str, back: int) -> Message:
    """The mail that says what the guarantee has just paid back; its key lets each payment be told once."""
    language = booking.language if booking.language in LOWER else DEFAULT_LANGUAGE
    subject, text = LOWER[language]
    currency, ident = about.presale.terms.currency, encode(BOOKING, booking.id)
    words = {
        "title": pick(about.title, language) or "",
        "back": format_currency(decimal_of(back, currency), currency, locale=language),
    }
    return Message(
        key=f"presale:{ident}:lower:{booking.given_back}",
        channel=ChannelKind.MAIL,
        to=to,
        language=language,
        subject=subject.format(**words),
        text=f"{text.format(**words)}\n\n{about.address}/presales/bookings/{ident}\n",
        about=ident,
    )
