"""What winners are written, in their language."""

from collections.abc import Mapping

import msgspec

from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import DEFAULT_LANGUAGE, pick
from nightmarket.platform.messages import ChannelKind, Message
from nightmarket.promotions.contract.draws import DRAW, DRAW_TICKET, Draw, Prize
from nightmarket.promotions.store.draws import Given

WORDS: Mapping[str, tuple[str, str, str, str, str]] = {
    "en": (
        "You won: {prize}",
        "Your ticket won in the draw “{draw}”: {prize}.",
        "Your voucher code: {code}\nIt is good for one order.",
        "We will send you what you need to collect it.",
        "Your prizes:\n{prizes}\n\nAnyone can recompute the result:\n{check}",
    ),
    "de": (
        "Gewonnen: {prize}",
        "Dein Los hat bei der Verlosung „{draw}“ gewonnen: {prize}.",
        "Dein Gutscheincode: {code}\nEr gilt für eine Bestellung.",
        "Wir schicken dir, was du zum Abholen brauchst.",
        "Deine Gewinne:\n{prizes}\n\nJeder kann das Ergebnis nachrechnen:\n{check}",
    ),
    "it": (
        "Hai vinto: {prize}",
        "Il tuo biglietto ha vinto all’estrazione «{draw}»: {prize}.",
        "Il tuo codice sconto: {code}\nVale per un ordine.",
        "Ti manderemo quello che serve per ritirarlo.",
        "I tuoi premi:\n{prizes}\n\nChiunque può ricalcolare il risultato:\n{check}",
    ),
    "zh": (
        "你中奖了：{prize}",
        "你的抽奖券在“{draw}”中中奖：{prize}。",
        "你的优惠码：{code}\n可用于一笔订单。",
        "我们会把领奖所需的信息发给你。",
        "你的奖品：\n{prizes}\n\n任何人都可以重新计算结果：\n{check}",
    ),
}
"""Subject, what happened, the voucher, another prize, where to look."""


class Won(msgspec.Struct, frozen=True):
    """A prize that is being given: who gets it, what it is, and the code if it is a voucher."""

    winner: Given
    prize: Prize
    code: str | None


def prize_mail(draw: Draw, won: Won, to: str, address: str) -> Message:
    """The mail to one winner; its key lets it go out once."""
    language = won.winner.language
    subject, what, voucher, other, where = WORDS.get(language) or WORDS[DEFAULT_LANGUAGE]
    words = {
        "prize": pick(won.prize.name, language) or "",
        "draw": pick(draw.terms.name, language) or "",
        "code": won.code or "",
        "prizes": f"{address}/account/prizes",
        "check": f"{address}/draws/{encode(DRAW, draw.id)}/check",
    }
    parts = [what, voucher if won.code else other, where]
    return Message(
        key=f"prize:{encode(DRAW_TICKET, won.winner.ticket)}",
        channel=ChannelKind.MAIL,
        to=to,
        language=language,
        subject=subject.format(**words),
        text="\n\n".join(part.format(**words) for part in parts) + "\n",
        about=encode(DRAW, draw.id),
    )
