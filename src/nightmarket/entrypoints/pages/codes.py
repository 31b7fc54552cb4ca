"""The words around a code that proves an address, by mail or as a short message."""

from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from nightmarket.kernel.ids import encode
from nightmarket.platform.access.identities import CODE_LIFE
from nightmarket.platform.messages import ChannelKind, Message

from .site import Site
from .words import say_later

CODE = (
    say_later("Your code for Nightmarket"),
    say_later(
        "Someone, we hope you, wants to buy at Nightmarket with this address. This is the code to type in, good for "
        "%(minutes)s minutes:"
    ),
    say_later("If you did not ask for it, do nothing, and tell it to nobody."),
    say_later("Or open this in the browser that you buy with:"),
)
CODE_BY_PHONE = say_later("%(code)s is your code at Nightmarket, good for %(minutes)s minutes. Tell it to nobody.")


class CodeWords:
    """Implements `platform.access.CodeLetters`.

    In the language of whom it is for. Who follows the mail's link goes on to the page `to`; without one there is no
    link, since the code is typed in elsewhere."""

    def __init__(self, site: Site, language: str, to: str = "") -> None:
        self._say = site.words(language).gettext
        self._language = language
        self._address = site.shop.settings.address
        self._to = to

    def code(self, to: str, channel: ChannelKind, code: str, asked: UUID) -> Message:
        """A mail with the code and a link that has it filled in, or a short message."""
        words = {"code": code, "minutes": CODE_LIFE // timedelta(minutes=1)}
        ident = encode("cnf", asked)
        if channel is ChannelKind.SMS:
            subject, text = "", self._say(CODE_BY_PHONE) % words
        else:
            subject, text, otherwise, link = (self._say(one) for one in CODE)
            query = urlencode({"asked": ident, "code": code, "next": self._to})
            there = (link, f"{self._address}/confirm/code?{query}") if self._to else ()
            parts = (text % words, code, *there, otherwise)
            text = "\n\n".join(parts) + "\n"
        return Message(
            key=f"identity-code:{ident}",
            channel=channel,
            to=to,
            language=self._language,
            subject=subject,
            text=text,
            secret=True,
        )
