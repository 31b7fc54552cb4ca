"""All SQL of webhooks: agents, addresses, deliveries, signing keys."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection, Record

from .deliveries import Delivery, DeliveryState, Event, Outcome

_COLUMNS = """
id, about, event, owner, source, url, happened_at, created_at, state, tries, due_at, tried_at, sent_at, status, answer,
    failure
"""
_NOTE_AGENT = """
INSERT INTO platform.agent AS known (owner, profile, seen_at) VALUES ($1, $2, $3)
ON CONFLICT (owner) DO UPDATE SET profile = excluded.profile, seen_at = excluded.seen_at,
    silent_until = CASE WHEN known.profile = excluded.profile THEN known.silent_until END
WHERE known.profile <> excluded.profile OR known.seen_at < excluded.seen_at - interval '1 hour'
"""
_SILENCE = "UPDATE platform.agent SET silent_until = $2 WHERE profile = ANY($1::text[])"
_FORGET_AGENTS = """
DELETE FROM platform.agent WHERE owner = ANY (ARRAY(
    SELECT owner FROM platform.agent WHERE seen_at < $1 ORDER BY seen_at LIMIT $2 FOR UPDATE SKIP LOCKED))
"""
_SET = """
INSERT INTO platform.webhook (owner, url, set_at) VALUES ($1, $2, $3)
ON CONFLICT (owner) DO UPDATE SET url = excluded.url, set_at = excluded.set_at
"""
_GET = "SELECT url, set_at FROM platform.webhook WHERE owner = $1"
_URLS = "SELECT owner, url FROM platform.webhook WHERE owner = ANY($1::uuid[])"
_REMOVE = "DELETE FROM platform.webhook WHERE owner = $1"
_ANY_ADDRESS = "SELECT EXISTS (SELECT FROM platform.webhook)"
_ENDED = "SELECT id FROM platform.api_key WHERE id = ANY($1::uuid[]) AND revoked_at IS NOT NULL"
_HEARING = f"""
SELECT owner, '' AS source FROM platform.webhook WHERE owner = ANY($1::uuid[]) AND owner NOT IN ({_ENDED})
UNION ALL
SELECT owner, profile FROM platform.agent
WHERE owner = ANY($1::uuid[]) AND (silent_until IS NULL OR silent_until <= $2) AND owner NOT IN ({_ENDED})
"""
_HEARD = """
SELECT DISTINCT about, owner, source FROM platform.webhook_delivery AS d WHERE about = ANY($1::uuid[])
    AND NOT EXISTS (SELECT FROM platform.api_key WHERE id = d.owner AND revoked_at IS NOT NULL)
"""
_QUEUE = """
INSERT INTO platform.webhook_delivery (id, about, event, owner, source, happened_at, created_at, due_at)
SELECT id, about, event, owner, source, happened_at, $7, $7
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::timestamptz[])
    AS new (id, about, event, owner, source, happened_at)
ORDER BY id ON CONFLICT (id) DO NOTHING
"""
_CLAIM = f"""
WITH due AS (
    SELECT d.id AS due_id FROM platform.webhook_delivery d
    WHERE d.state = 'queued' AND d.due_at <= $1 AND d.about <> ALL($4::uuid[])
        AND (CASE WHEN d.source = '' THEN replace(d.owner::text, '-', '') ELSE d.source END) <> ALL($5::text[])
        AND NOT EXISTS (
            SELECT FROM platform.webhook_delivery e
            WHERE e.about = d.about AND e.owner = d.owner AND e.source = d.source AND e.state = 'queued'
                AND e.due_at <= $1 AND (e.happened_at, e.id) < (d.happened_at, d.id))
    ORDER BY d.due_at, d.id LIMIT $3 FOR UPDATE OF d SKIP LOCKED
)
UPDATE platform.webhook_delivery SET tries = tries + 1, due_at = $2, tried_at = $1 FROM due WHERE id = due.due_id
RETURNING {_COLUMNS}
"""
_GIVE_BACK = """
UPDATE platform.webhook_delivery SET tries = tries - 1, due_at = $2 WHERE id = ANY($1::uuid[]) AND state = 'queued'
"""
_SETTLE = """
UPDATE platform.webhook_delivery d SET state = o.state, due_at = o.due_at, url = o.url, status = o.status,
    answer = o.answer, failure = o.failure, sent_at = CASE WHEN o.state = 'sent' THEN $8::timestamptz END
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::integer[], $6::text[], $7::text[])
    AS o (id, state, due_at, url, status, answer, failure)
WHERE d.id = o.id AND d.state = 'queued'
"""
_DROP = "DELETE FROM platform.webhook_delivery WHERE id = ANY($1::uuid[])"
_PAGE = f"""
SELECT {_COLUMNS} FROM platform.webhook_delivery
WHERE ($1::text IS NULL OR state = $1) AND ($2::uuid IS NULL OR about = $2)
    AND ($3::uuid IS NULL OR (created_at, id) < (SELECT created_at, id FROM platform.webhook_delivery WHERE id = $3))
ORDER BY created_at DESC, id DESC LIMIT $4
"""
_ONE = f"SELECT {_COLUMNS} FROM platform.webhook_delivery WHERE id = $1"
_AGAIN = """
UPDATE platform.webhook_delivery SET state = 'queued', tries = 0, due_at = $2, failure = NULL, sent_at = NULL
WHERE id = ANY($1::uuid[]) AND state <> 'queued' RETURNING id
"""
_FIGURES = """
SELECT count(*) FILTER (WHERE state = 'queued') AS queued, count(*) FILTER (WHERE state = 'failed') AS failed,
    min(due_at) FILTER (WHERE state = 'queued' AND due_at <= $1) AS due_since
FROM platform.webhook_delivery WHERE state <> 'sent'
"""
_SWEEP = """
DELETE FROM platform.webhook_delivery WHERE id = ANY (ARRAY(
    SELECT id FROM platform.webhook_delivery
    WHERE state <> 'queued' AND created_at < CASE WHEN event = $1 THEN $3::timestamptz ELSE $2::timestamptz END
    ORDER BY created_at LIMIT $4 FOR UPDATE SKIP LOCKED))
"""
_KEYS = """
SELECT kid, jwk, sealed, made_at, signs_from, shown_until FROM platform.signing_key
WHERE shown_until IS NULL OR shown_until > $1 ORDER BY made_at, kid
"""
_LOCK_KEYS = "LOCK TABLE platform.signing_key IN SHARE ROW EXCLUSIVE MODE"
_ADD_KEY = "INSERT INTO platform.signing_key (kid, jwk, sealed, made_at, signs_from) VALUES ($1, $2, $3, $4, $5)"
_END_KEYS = (
    "UPDATE platform.signing_key SET shown_until = $2 WHERE kid <> $1 AND (shown_until IS NULL OR shown_until > $2)"
)
_DELETE_KEYS = "DELETE FROM platform.signing_key WHERE shown_until <= $1"


class KeyRow(msgspec.Struct, frozen=True):
    """A signing key as it is kept; until `shown_until` it stands in the profile."""

    kid: str
    jwk: dict[str, Any]
    sealed: bytes
    made_at: datetime
    signs_from: datetime
    shown_until: datetime | None


class WebhookFigures(msgspec.Struct, frozen=True):
    """Deliveries waiting and given up; `due_since` is the longest overdue one's due time."""

    queued: int
    failed: int
    due_since: datetime | None


async def note_agent(tx: Connection, owner: UUID, profile: str, now: datetime) -> None:
    """Write down which profile an owner of sessions names."""
    await tx.execute(_NOTE_AGENT, owner, profile, now)


async def silence(tx: Connection, profiles: Collection[str], until: datetime) -> None:
    """Queue nothing for agents whose profile names no address, for a while."""
    await tx.execute(_SILENCE, list(profiles), until)


async def forget_agents(tx: Connection, before: datetime, limit: int) -> int:
    """Delete agents that were not seen since; returns how many."""
    return _amount(await tx.execute(_FORGET_AGENTS, before, limit))


async def set_address(tx: Connection, owner: UUID, url: str, now: datetime) -> None:
    await tx.execute(_SET, owner, url, now)


async def address(connection: Connection, owner: UUID) -> tuple[str, datetime] | None:
    """The address of an API key, and since when."""
    row = await connection.fetchrow(_GET, owner)
    return (row["url"], row["set_at"]) if row else None


async def addresses(connection: Connection, owners: Sequence[UUID]) -> dict[UUID, str]:
    return {row["owner"]: row["url"] for row in await connection.fetch(_URLS, list(owners))}


async def ended(connection: Connection, owners: Sequence[UUID]) -> set[UUID]:
    """Those of the owners that were API keys and were ended: nobody who still has such a key hears of an order."""
    return {row["id"] for row in await connection.fetch(_ENDED, list(owners))}


async def remove_address(tx: Connection, owner: UUID) -> bool:
    """Whether there was one."""
    return _amount(await tx.execute(_REMOVE, owner)) > 0


async def any_address(connection: Connection) -> bool:
    return bool(await connection.fetchval(_ANY_ADDRESS))


async def hearing(connection: Connection, owners: Collection[UUID], now: datetime) -> list[tuple[UUID, str]]:
    """Owner and source of everyone who may want to hear of orders of these owners."""
    return [(row["owner"], row["source"]) for row in await connection.fetch(_HEARING, list(owners), now)]


async def heard(connection: Connection, about: Collection[UUID]) -> list[tuple[UUID, UUID, str]]:
    """About, owner and source of everyone who was told of these before."""
    return [(row["about"], row["owner"], row["source"]) for row in await connection.fetch(_HEARD, list(about))]


async def queue(tx: Connection, events: Sequence[Event], now: datetime) -> int:
    """Write deliveries, due at once; those whose id is known are left out. Returns how many are new."""
    names = ("id", "about", "event", "owner", "source", "happened_at")
    columns = [[getattr(event, name) for event in events] for name in names]
    return _amount(await tx.execute(_QUEUE, *columns, now))


class Busy(msgspec.Struct, frozen=True):
    """What is being sent already: nothing more about these, nothing more to those."""

    about: tuple[UUID, ...] = ()
    receivers: tuple[str, ...] = ()


async def claim(tx: Connection, now: datetime, lease: timedelta, limit: int, busy: Busy) -> list[Delivery]:
    """Take due deliveries for one try, of each order and receiver only the first that is due; nobody else gets them
    until the lease ends."""
    rows = await tx.fetch(_CLAIM, now, now + lease, limit, list(busy.about), list(busy.receivers))
    return [_delivery(row) for row in rows]


async def give_back(tx: Connection, ids: Sequence[UUID], now: datetime) -> None:
    """What was claimed and not tried is due again."""
    await tx.execute(_GIVE_BACK, list(ids), now)


async def settle(tx: Connection, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Write down how tries ended."""
    await tx.execute(
        _SETTLE,
        [one.id for one in outcomes],
        [one.state for one in outcomes],
        [one.due_at for one in outcomes],
        [one.tried.url for one in outcomes],
        [one.tried.status for one in outcomes],
        [one.tried.answer for one in outcomes],
        [one.tried.failure for one in outcomes],
        now,
    )


async def drop(tx: Connection, ids: Sequence[UUID]) -> None:
    """Delete deliveries that nobody asks for."""
    await tx.execute(_DROP, list(ids))


async def page(
    connection: Connection,
    state: DeliveryState | None = None,
    about: UUID | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Delivery]:
    """Deliveries, newest first, older than the given one."""
    return [_delivery(row) for row in await connection.fetch(_PAGE, state, about, before, limit)]


async def one(connection: Connection, id: UUID) -> Delivery | None:
    row = await connection.fetchrow(_ONE, id)
    return _delivery(row) if row else None


async def again(tx: Connection, ids: Sequence[UUID], now: datetime) -> list[UUID]:
    """Queue deliveries that are sent or given up once more, with the ids that they have; returns those that were."""
    return [row["id"] for row in await tx.fetch(_AGAIN, list(ids), now)]


async def figures(connection: Connection, now: datetime) -> WebhookFigures:
    """How full the queue is."""
    row = await connection.fetchrow(_FIGURES, now)
    assert row is not None
    return WebhookFigures(row["queued"], row["failed"], row["due_since"])


async def sweep(tx: Connection, first: str, before: datetime, first_before: datetime, limit: int) -> int:
    """Delete finished deliveries from before; those of the event `first`, which tell who hears of more, stay longer."""
    return _amount(await tx.execute(_SWEEP, first, before, first_before, limit))


async def keys(connection: Connection, now: datetime) -> list[KeyRow]:
    """The keys that are shown, oldest first."""
    return [
        KeyRow(
            row["kid"],
            msgspec.json.decode(row["jwk"], type=dict[str, Any]),
            row["sealed"],
            row["made_at"],
            row["signs_from"],
            row["shown_until"],
        )
        for row in await connection.fetch(_KEYS, now)
    ]


async def lock_keys(tx: Connection) -> None:
    """Let nobody else make or end keys until the end of the transaction; readers go on."""
    await tx.execute(_LOCK_KEYS)


async def add_key(tx: Connection, key: KeyRow) -> None:
    await tx.execute(_ADD_KEY, key.kid, msgspec.json.encode(key.jwk).decode(), key.sealed, key.made_at, key.signs_from)


async def end_keys(tx: Connection, but: str, shown_until: datetime) -> None:
    """Show all keys but one until then and no longer."""
    await tx.execute(_END_KEYS, but, shown_until)


async def delete_keys(tx: Connection, now: datetime) -> int:
    """Delete keys that are not shown any more."""
    return _amount(await tx.execute(_DELETE_KEYS, now))


def _delivery(row: Record) -> Delivery:
    return msgspec.convert(dict(row), Delivery)


def _amount(status: str) -> int:
    return int(status.rpartition(" ")[2])
