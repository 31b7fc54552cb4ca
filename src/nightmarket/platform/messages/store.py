"""All SQL of messages."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection, Record

from .letters import ChannelKind, Message, MessageState, Parcel, StoredMessage

_COLUMNS = """
id, key, channel, recipient, language, subject, text, html, about, state, tries, due_at, created_at, sent_at, failure,
    secret
"""
_SHOWN = _COLUMNS.replace("text, html", "CASE WHEN secret THEN '' ELSE text END AS text, html")
"""As people may read them here."""

_INSERT = """
INSERT INTO platform.message
    (id, key, channel, recipient, language, subject, text, html, about, secret, due_at, created_at)
SELECT id, key, channel, recipient, language, subject, text, html, about, secret, $11, $11
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::boolean[]) AS new (id, key, channel, recipient, language, subject, text, html, about, secret)
ORDER BY key
ON CONFLICT (key) DO NOTHING
"""
_CLAIM = f"""
WITH due AS (
    SELECT id AS due_id FROM platform.message WHERE state = 'queued' AND due_at <= $1
    ORDER BY due_at, id LIMIT $3 FOR UPDATE SKIP LOCKED
)
UPDATE platform.message SET tries = tries + 1, due_at = $2 FROM due WHERE id = due.due_id RETURNING {_COLUMNS}
"""
_SETTLE = """
UPDATE platform.message m SET state = o.state, due_at = o.due_at, failure = o.failure,
    sent_at = CASE WHEN o.state = 'sent' THEN $5::timestamptz END,
    text = CASE WHEN m.secret AND o.state <> 'queued' THEN '' ELSE m.text END
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[]) AS o (id, state, due_at, failure)
WHERE m.id = o.id AND m.state = 'queued'
"""
_PAGE = f"""
SELECT {_SHOWN} FROM platform.message
WHERE ($1::uuid IS NULL OR id < $1) AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR channel = $3)
    AND ($4::text IS NULL OR about = $4)
ORDER BY id DESC LIMIT $5
"""
_ONE = f"SELECT {_SHOWN} FROM platform.message WHERE id = $1"
_PAGE_TO = f"""
SELECT {_SHOWN} FROM platform.message
WHERE lower(recipient) = $1 AND channel = 'mail' AND NOT secret AND ($2::uuid IS NULL OR id < $2)
ORDER BY id DESC LIMIT $3
"""
_ONE_TO = f"""
SELECT {_SHOWN} FROM platform.message WHERE id = $1 AND lower(recipient) = $2 AND channel = 'mail' AND NOT secret
"""
_ABOUT = """
SELECT DISTINCT about FROM (
    SELECT about FROM platform.message WHERE lower(recipient) = $1 AND about LIKE $2 ORDER BY id DESC LIMIT $3) AS l
"""
_FORGET = "DELETE FROM platform.message WHERE lower(recipient) = $1"
_FORGET_ARRIVED = "DELETE FROM platform.inbox WHERE lower(recipient) = $1"
_FORGET_ABOUT = """
WITH gone AS (DELETE FROM platform.message WHERE about = ANY($1::text[]) RETURNING id)
DELETE FROM platform.inbox WHERE id IN (SELECT id FROM gone)
"""
_RETRY = """
UPDATE platform.message SET state = 'queued', tries = 0, due_at = $2, failure = NULL
WHERE id = ANY($1::uuid[]) AND state = 'failed' RETURNING id
"""
_FIGURES = """
SELECT count(*) FILTER (WHERE state = 'queued') AS queued, count(*) FILTER (WHERE state = 'failed') AS failed,
    min(due_at) FILTER (WHERE state = 'queued' AND due_at <= $1) AS due_since
FROM platform.message WHERE state <> 'sent'
"""
_SWEEP = """
DELETE FROM platform.message WHERE id = ANY (ARRAY(
    SELECT id FROM platform.message WHERE state <> 'queued' AND id < $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED))
"""
_SWEEP_INBOX = """
DELETE FROM platform.inbox WHERE id = ANY (ARRAY(SELECT id FROM platform.inbox WHERE id < $1 ORDER BY id LIMIT $2))
"""
_ARRIVE = """
INSERT INTO platform.inbox (id, channel, recipient, subject, text, html, arrived_at)
SELECT id, channel, recipient, subject, text, html, $7
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
    AS new (id, channel, recipient, subject, text, html)
ON CONFLICT (id) DO NOTHING
"""
_INBOX = """
SELECT i.id, i.channel, i.recipient, i.subject, i.arrived_at, i.html,
    CASE WHEN m.secret AND NOT $4 THEN '' ELSE i.text END AS text
FROM platform.inbox AS i LEFT JOIN platform.message AS m ON m.id = i.id
WHERE ($1::uuid IS NULL OR i.id < $1) AND ($2::text IS NULL OR i.recipient = $2) ORDER BY i.id DESC LIMIT $3
"""


class Arrived(msgspec.Struct, frozen=True):
    """What a person on this machine would have received."""

    id: UUID
    channel: ChannelKind
    to: str
    subject: str
    text: str
    html: str | None
    arrived_at: datetime


class Outcome(msgspec.Struct, frozen=True):
    """How one try ended; `due_at` is the next try of a message that stays queued."""

    id: UUID
    state: MessageState
    due_at: datetime
    failure: str | None


class QueueFigures(msgspec.Struct, frozen=True):
    """Messages waiting and given up; `due_since` is the longest overdue one's due time."""

    queued: int
    failed: int
    due_since: datetime | None


def _stored(row: Record) -> StoredMessage:
    return StoredMessage(
        id=row["id"],
        message=Message(
            key=row["key"],
            channel=ChannelKind(row["channel"]),
            to=row["recipient"],
            language=row["language"],
            subject=row["subject"],
            text=row["text"],
            html=row["html"],
            about=row["about"],
            secret=row["secret"],
        ),
        state=MessageState(row["state"]),
        tries=row["tries"],
        due_at=row["due_at"],
        created_at=row["created_at"],
        sent_at=row["sent_at"],
        failure=row["failure"],
    )


async def insert(tx: Connection, ids: Sequence[UUID], messages: Sequence[Message], now: datetime) -> int:
    """Write messages, due at once; those whose key is known are left out. Returns how many are new."""
    columns = [
        [getattr(message, name) for message in messages]
        for name in ("key", "channel", "to", "language", "subject", "text", "html", "about", "secret")
    ]
    return _amount(await tx.execute(_INSERT, list(ids), *columns, now))


async def claim(tx: Connection, now: datetime, lease_ends_at: datetime, limit: int) -> list[StoredMessage]:
    """Take due messages for one try; nobody else gets them until the lease ends."""
    return [_stored(row) for row in await tx.fetch(_CLAIM, now, lease_ends_at, limit)]


async def settle(tx: Connection, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Write down how tries ended."""
    await tx.execute(
        _SETTLE,
        [outcome.id for outcome in outcomes],
        [outcome.state for outcome in outcomes],
        [outcome.due_at for outcome in outcomes],
        [outcome.failure for outcome in outcomes],
        now,
    )


class Filter(msgspec.Struct, frozen=True):
    """Which messages to list; None means any."""

    state: MessageState | None = None
    channel: ChannelKind | None = None
    about: str | None = None


async def page(connection: Connection, chosen: Filter, before: UUID | None, limit: int) -> list[StoredMessage]:
    """Messages, newest first, older than the given one."""
    rows = await connection.fetch(_PAGE, before, chosen.state, chosen.channel, chosen.about, limit)
    return [_stored(row) for row in rows]


async def one(connection: Connection, message_id: UUID) -> StoredMessage | None:
    row = await connection.fetchrow(_ONE, message_id)
    return _stored(row) if row else None


async def page_to(connection: Connection, email: str, before: UUID | None, limit: int) -> list[StoredMessage]:
    """Mails to one address (case-folded), newest first, without those whose text opens a door."""
    return [_stored(row) for row in await connection.fetch(_PAGE_TO, email, before, limit)]


async def one_to(connection: Connection, message_id: UUID, email: str) -> StoredMessage | None:
    """A mail, if it went to that address."""
    row = await connection.fetchrow(_ONE_TO, message_id, email)
    return _stored(row) if row else None


async def told_about(connection: Connection, email: str, prefix: str, limit: int) -> list[str]:
    """The things with that prefix, such as `ord_`, that the latest mails to an address are about."""
    return [row["about"] for row in await connection.fetch(_ABOUT, email, f"{prefix}%", limit)]


async def forget(tx: Connection, email: str) -> None:
    """Delete everything that was sent, or waits, to an address."""
    await tx.execute(_FORGET, email)
    await tx.execute(_FORGET_ARRIVED, email)


async def forget_about(tx: Connection, about: Sequence[str]) -> None:
    """Delete what was sent, or waits, about these things, to whomever."""
    if about:
        await tx.execute(_FORGET_ABOUT, list(about))


async def retry(tx: Connection, ids: Sequence[UUID], now: datetime) -> list[UUID]:
    """Queue failed messages again; returns those that were."""
    return [row["id"] for row in await tx.fetch(_RETRY, list(ids), now)]


async def figures(connection: Connection, now: datetime) -> QueueFigures:
    """How full the outbox is."""
    row = await connection.fetchrow(_FIGURES, now)
    assert row is not None
    return QueueFigures(row["queued"], row["failed"], row["due_since"])


async def sweep(tx: Connection, before: UUID, limit: int) -> int:
    """Delete finished messages and arrivals with smaller ids; returns the rows deleted."""
    messages = _amount(await tx.execute(_SWEEP, before, limit))
    return messages + _amount(await tx.execute(_SWEEP_INBOX, before, limit))


async def arrive(tx: Connection, parcels: Sequence[Parcel], now: datetime) -> None:
    """Put parcels into the local inbox, each once."""
    columns = [
        [getattr(parcel.message, name) for parcel in parcels] for name in ("channel", "to", "subject", "text", "html")
    ]
    await tx.execute(_ARRIVE, [parcel.id for parcel in parcels], *columns, now)


async def inbox(
    connection: Connection, to: str | None, before: UUID | None, limit: int, *, secrets: bool = True
) -> list[Arrived]:
    """What arrived on this machine, newest first; without `secrets` no text that opens a door."""
    rows = await connection.fetch(_INBOX, before, to, limit, secrets)
    return [
        Arrived(
            id=row["id"],
            channel=ChannelKind(row["channel"]),
            to=row["recipient"],
            subject=row["subject"],
            text=row["text"],
            html=row["html"],
            arrived_at=row["arrived_at"],
        )
        for row in rows
    ]


def _amount(status: str) -> int:
    return int(status.rpartition(" ")[2])
