"""What those who booked a surprise price are written when they may know it."""

from collections.abc import Mapping

import msgspec

from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import DEFAULT_LANGUAGE
from nightmarket.platform.messages import ChannelKind, Message
from nightmarket.promotions.contract.surprises import SURPRISE, Surprise, SurpriseState, plain_price
from nightmarket.promotions.store.surprises import Told

WORDS: Mapping[str, tuple[str, str, str, str]] = {
    "en": (
        "The surprise price you booked",
        "You booked it, so here it is: {price} {currency}.",
        "Before everybody else it is yours: signed in, it stands in your cart by itself.",
        "Here you see it, and that it was fixed before:\n{link}",
    ),
    "de": (
        "Der Überraschungspreis, den du vorgemerkt hast",
        "Du hast ihn vorgemerkt, hier ist er: {price} {currency}.",
        "Vor allen anderen gehört er dir: Angemeldet steht er von selbst in deinem Warenkorb.",
        "Hier siehst du ihn, und dass er vorher feststand:\n{link}",
    ),
    "it": (
        "Il prezzo a sorpresa che hai prenotato",
        "L’hai prenotato, ed eccolo: {price} {currency}.",
        "Prima di tutti gli altri è tuo: se accedi, compare da solo nel carrello.",
        "Qui lo vedi, e vedi che era fissato da prima:\n{link}",
    ),
    "zh": (
        "你预约的惊喜价",
        "你已预约，价格揭晓：{price} {currency}。",
        "在公开之前，该价格仅供你享受：登录后购物车会自动按此价格结算。",
        "在此查看价格，并核对它是事先定好的：\n{link}",
    ),
}
"""Subject, the price, how to have it early, where to check."""


class Telling(msgspec.Struct, frozen=True):
    """The price that may be known."""

    surprise: Surprise
    address: str


def told_mail(telling: Telling, told: Told, to: str) -> Message:
    """The mail to one who booked; its key lets it go out once."""
    subject, what, early, where = WORDS.get(told.language) or WORDS[DEFAULT_LANGUAGE]
    terms, ident = telling.surprise.terms, encode(SURPRISE, telling.surprise.id)
    words = {
        "price": plain_price(terms.price, terms.currency),
        "currency": terms.currency,
        "link": f"{telling.address}/surprises/{ident}",
    }
    parts = [what, early, where] if telling.surprise.state is SurpriseState.EARLY else [what, where]
    return Message(
        key=f"surprise:{ident}:{encode('acc', told.account)}",
        channel=ChannelKind.MAIL,
        to=to,
        language=told.language,
        subject=subject,
        text="\n\n".join(part.format(**words) for part in parts) + "\n",
        about=ident,
    )
