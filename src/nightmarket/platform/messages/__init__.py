"""Messages to people: an outbox in the transaction of what they tell, channels to deliver by, a loop that delivers.

    outbox = Outbox(clock, ids)
    await outbox.send(tx, [Message(key=, channel=ChannelKind.MAIL, to=, language=, subject=, text=, html=None,
                                   about=None)]) -> int               how many are new; a known key goes out once
    postman = Postman(database, clock, {ChannelKind.MAIL: LocalChannel(database, clock), ...})
    await postman.step() -> int; await postman.sweep() -> int           for drains
    await page(connection, Filter(state=None, channel=None, about=None), before, limit) -> list[StoredMessage]
    await one(connection, message_id) -> StoredMessage                  raises MessageNotFound
    await page_to(connection, email, before, limit) -> list[StoredMessage]; one_to(connection, id, email)   one's own
    await told_about(connection, email, "ord_", limit) -> list[str]; await forget(tx, email)
    await inbox(connection, to, before, limit) -> list[Arrived]         what LocalChannel delivered
    await retry(tx, ids, now) -> list[UUID]                             failed ones again
    await figures(connection, now) -> QueueFigures(queued, failed, due_since)
    Channel: the port; SmtpChannel for mail that leaves; NullChannel, LocalChannel, ConsoleChannel: its twins

States: queued -> sent | failed. At least once: a process that dies between delivering and noting it delivers again.
Bounds: 200 messages a batch, 30 s a delivery, 8 tries from half a minute to an hour apart, kept for 90 days.
"""

from uuid import UUID

from nightmarket.platform.database import Connection

from . import store
from .channels import ConsoleChannel, LocalChannel, NullChannel
from .letters import (
    Channel,
    ChannelKind,
    Message,
    MessageNotFound,
    MessageState,
    Parcel,
    Refusal,
    StoredMessage,
)
from .post import Outbox, Postman, pause_after
from .smtp import SmtpChannel, mail_server
from .store import (
    Arrived,
    Filter,
    QueueFigures,
    figures,
    forget,
    forget_about,
    inbox,
    page,
    page_to,
    retry,
    told_about,
)


async def one(connection: Connection, message_id: UUID) -> StoredMessage:
    """One message, to read; raises MessageNotFound."""
    found = await store.one(connection, message_id)
    if found is None:
        raise MessageNotFound("There is no such message; it may be older than what is kept.")
    return found


async def one_to(connection: Connection, message_id: UUID, email: str) -> StoredMessage:
    """A mail to that address; raises MessageNotFound, also where it went to somebody else."""
    found = await store.one_to(connection, message_id, email)
    if found is None:
        raise MessageNotFound("There is no such message; it may be older than what is kept.")
    return found


__all__ = [
    "Arrived",
    "Channel",
    "ChannelKind",
    "ConsoleChannel",
    "Filter",
    "LocalChannel",
    "Message",
    "MessageNotFound",
    "MessageState",
    "NullChannel",
    "Outbox",
    "Parcel",
    "Postman",
    "QueueFigures",
    "Refusal",
    "SmtpChannel",
    "StoredMessage",
    "figures",
    "forget",
    "forget_about",
    "inbox",
    "mail_server",
    "one",
    "one_to",
    "page",
    "page_to",
    "pause_after",
    "retry",
    "told_about",
]
