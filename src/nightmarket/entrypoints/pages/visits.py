"""One visit to one page: who asks, in which language, with which currency, and which cookies the answer owes."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from babel.support import Translations

from nightmarket.platform.access import ActorKind, Caller
from nightmarket.platform.http import ASGIScope, header

from .formats import Formats

CHOICE_LIFE = timedelta(days=365)
EPOCH, MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
_MARK = re.compile(r"([0-9]{1,15})\.([0-9]{1,14})")
LANGUAGE_COOKIE, CURRENCY_COOKIE = "nightmarket_language", "nightmarket_currency"


class Mark(NamedTuple):
    """When a page began to be made, and with which book of offers: what changed later it cannot know."""

    book: int
    at: datetime

    @property
    def text(self) -> str:
        """As pages and streams say it: the book, and milliseconds since 1970."""
        return f"{self.book}.{(self.at - EPOCH) // MILLISECOND}"

    @classmethod
    def read(cls, text: str) -> "Mark | None":
        """None for what is no mark of ours."""
        found = _MARK.fullmatch(text)
        return cls(int(found[1]), EPOCH + int(found[2]) * MILLISECOND) if found else None


@dataclass(slots=True)
class Visit:
    """What a page may know of the request it answers."""

    scope: ASGIScope
    caller: Caller
    owner: UUID
    made: Mark
    language: str
    currency: str
    country: str
    formats: Formats
    translations: Translations
    cookies: dict[str, str]
    owed: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])

    @property
    def by_script(self) -> bool:
        """Whether htmx asks, for a part of a page."""
        return header(self.scope, b"hx-request") == "true"

    @property
    def account(self) -> UUID | None:
        """The shopper's account, if one is signed in; staff shop as guests."""
        actor = self.caller.actor
        return actor.id if actor.kind is ActorKind.SHOPPER else None

    @property
    def path(self) -> str:
        """Where the visitor is, with the query, to come back to."""
        query = self.scope.get("query_string", b"").decode("latin-1")
        path: Any = self.scope["path"]
        return f"{path}?{query}" if query else str(path)

    def say(self, text: str, **words: object) -> str:
        """A text in the visitor's language; `%(name)s` is filled from `words`."""
        found = self.translations.gettext(text)
        return found % words if words else found
