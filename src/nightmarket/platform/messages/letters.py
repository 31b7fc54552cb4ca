"""A message, and where it stands."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.problems import InvalidInput, Kind, Problem

MAX_KEY_LETTERS = 200
MAX_RECIPIENT_LETTERS = 500
MAX_SUBJECT_LETTERS = 300
MAX_TEXT_LETTERS = 100_000
MAX_HTML_LETTERS = 500_000
MAX_ABOUT_LETTERS = 200


class ChannelKind(StrEnum):
    """By what means a message travels."""

    MAIL = "mail"
    PUSH = "push"
    SMS = "sms"


class MessageState(StrEnum):
    """`queued` until delivered (`sent`) or given up (`failed`)."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What to tell whom. The `key` says what it is, such as `order-placed:ord_...`: sent twice, it goes out once.

    `to` is an e-mail address, a push subscription or a phone number; `about` an outside id to find it by. The text of a
    `secret` message opens a door (a link to a new password): nobody reads it here, and it is forgotten once sent.
    """

    key: str
    channel: ChannelKind
    to: str
    language: str
    subject: str
    text: str
    html: str | None = None
    about: str | None = None
    secret: bool = False


class StoredMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the outbox. `due_at` is when it is tried next, while it is queued."""

    id: UUID
    message: Message
    state: MessageState
    tries: int
    due_at: datetime
    created_at: datetime
    sent_at: datetime | None
    failure: str | None


class Parcel(msgspec.Struct, frozen=True):
    """What a channel gets; the same id again is the same message again."""

    id: UUID
    message: Message


class Refusal(msgspec.Struct, frozen=True):
    """Why a channel did not take a message; a permanent one (no such recipient) is not tried again."""

    reason: str
    permanent: bool = False


class Channel(Protocol):
    """A means of delivery. May be given the same parcel twice; delivers it once where it can tell."""

    async def deliver(self, parcels: list[Parcel]) -> list[Refusal | None]:
        """One answer per parcel, in order; None says that it was taken. Raises Unavailable if none could be tried."""
        ...


class MessageNotFound(Problem):
    """No message with that id."""

    code = "message_not_found"
    kind = Kind.NOT_FOUND


_BOUNDS = (
    ("key", MAX_KEY_LETTERS),
    ("to", MAX_RECIPIENT_LETTERS),
    ("subject", MAX_SUBJECT_LETTERS),
    ("text", MAX_TEXT_LETTERS),
    ("html", MAX_HTML_LETTERS),
    ("about", MAX_ABOUT_LETTERS),
)
_ONE_LINE = frozenset({"key", "to", "subject", "about"})


def check(message: Message) -> None:
    """Raise InvalidInput for what no channel should get: too long, empty, or a second line where headers are made."""
    for name, bound in _BOUNDS:
        value: str | None = getattr(message, name)
        if value is None:
            continue
        if len(value) > bound:
            raise InvalidInput(f"A message's {name} has at most {bound} letters; this has {len(value)}.", field=name)
        if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise InvalidInput(f"A message's {name} has a letter that is none.", field=name)
        if name in _ONE_LINE and (not value.isprintable() or (not value.strip() and name != "subject")):
            raise InvalidInput(f"A message's {name} is one line of visible letters.", field=name)
    if message.language not in LANGUAGES:
        raise InvalidInput(f"{message.language!r} is not one of {', '.join(LANGUAGES)}.", field="language")
    if message.channel is ChannelKind.MAIL and "@" not in message.to:
        raise InvalidInput("A mail needs an address with an @.", field="to")
