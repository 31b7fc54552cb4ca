"""What those who booked a surprise price are written when they may know it."""

from collections.abc import Mapping

import msgspec

from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import DEFAULT_LANGUAGE
from nightmarket.platform.messages import ChannelKind, Message
from nightmarket.promotions.contract.surprises import SURPRISE, Surprise, plain_price
from nightmarket.promotions.store.surprises import Told

WORDS: Mapping[str, tuple[str, str, str, str]] = {
    "en": (
        "The surprise price you booked",
        "You booked it, so here it is: {price} {currency}.",
        "Before everybody else you get it with this code at the checkout: {code}",
        "Here you see it, and that it was fixed before:\n{link}",
    ),
    "de": (
        "Der Überraschungspreis, den du vorgemerkt hast",
        "Du hast ihn vorgemerkt, hier ist er: {price} {currency}.",
        "Vor allen anderen bekommst du ihn mit diesem Code an der Kasse: {code}",
        "Hier siehst du ihn, und dass er vorher feststand:\n{link}",
    ),
    "it": (
        "Il prezzo a sorpresa che hai prenotato",
        "L’hai prenotato, ed eccolo: {price} {currency}.",
        "Prima di tutti gli altri lo hai con questo codice alla cassa: {code}",
        "Qui lo vedi, e vedi che era fissato da prima:\n{link}",
    ),
    "zh": (
        "你预约的惊喜价",
        "你已预约，价格揭晓：{price} {currency}。",
        "在公开之前，结账时输入此优惠码即可享受该价格：{code}",
        "在此查看价格，并核对它是事先定好的：\n{link}",
    ),
}
"""Subject, the price, how to have it early, where to check."""


class Telling(msgspec.Struct, frozen=True):
    """The price that may be known, and the code if it is for those who booked only."""

    surprise: Surprise
    code: str
    address: str


def told_mail(telling: Telling, told: Told, to: str) -> Message:
    """The mail to one who booked; its key lets it go out once."""
    subject, what, early, where = WORDS.get(told.language) or WORDS[DEFAULT_LANGUAGE]
    terms, ident = telling.surprise.terms, encode(SURPRISE, telling.surprise.id)
    words = {
        "price": plain_price(terms.price, terms.currency),
        "currency": terms.currency,
        "code": telling.code,
        "link": f"{telling.address}/surprises/{ident}",
    }
    parts = [what, early, where] if telling.code else [what, where]
    return Message(
        key=f"surprise:{ident}:{encode('acc', told.account)}",
        channel=ChannelKind.MAIL,
        to=to,
        language=told.language,
        subject=subject,
        text="\n\n".join(part.format(**words) for part in parts) + "\n",
        about=ident,
    )
