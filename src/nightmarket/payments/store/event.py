"""Queries on `payments.event` and `payments.statement`."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from nightmarket.payments.model import WebhookEvent
from nightmarket.platform.database import Connection, Record

_INSERT = """
INSERT INTO payments.event (provider, id, kind, key, order_id, body, received_at)
SELECT $1, id, kind, key, order_id, body, $2
FROM unnest($3::text[], $4::text[], $5::text[], $6::uuid[], $7::bytea[]) AS new(id, kind, key, order_id, body)
ORDER BY id ON CONFLICT (provider, id) DO NOTHING RETURNING id
"""


async def insert(tx: Connection, provider: str, events: Sequence[tuple[WebhookEvent, bytes]], at: datetime) -> set[str]:
    """Keep webhooks, each with its body; returns the ids of those that are new."""
    rows = await tx.fetch(
        _INSERT,
        provider,
        at,
        [event.id for event, _ in events],
        [event.kind for event, _ in events],
        [event.key for event, _ in events],
        [event.order for event, _ in events],
        [body for _, body in events],
    )
    return {row["id"] for row in rows}


_SETTLE = """
UPDATE payments.event AS e SET settled_at = $2, note = d.note
FROM unnest($3::text[], $4::text[]) AS d(id, note) WHERE e.provider = $1 AND e.id = d.id
"""


async def settle(tx: Connection, provider: str, events: Sequence[tuple[str, str | None]], at: datetime) -> None:
    """Events were applied, or ruled out for the reason in their note: (id, note)."""
    if events:
        await tx.execute(_SETTLE, provider, at, [id for id, _ in events], [note for _, note in events])


_MATCHING = """
SELECT e.provider, e.body FROM payments.event e
JOIN payments.payment p ON p.order_id = e.order_id AND p.provider = e.provider AND p.key = e.key
WHERE e.settled_at IS NULL AND e.received_at > $1 ORDER BY e.received_at LIMIT $2 FOR UPDATE OF e SKIP LOCKED
"""


async def matching(tx: Connection, since: datetime, limit: int) -> list[tuple[str, bytes]]:
    """Kept events for which there is a payment now: provider and body, locked."""
    return [(row["provider"], row["body"]) for row in await tx.fetch(_MATCHING, since, limit)]


_OFF = """
SELECT provider, id, kind, order_id, coalesce(note, '') AS note FROM payments.event
WHERE note IS NOT NULL OR settled_at IS NULL LIMIT $1
"""


async def off(connection: Connection, limit: int) -> list[Record]:
    """Events that no payment matches or that contradict one."""
    return await connection.fetch(_OFF, limit)


_LAST_LINE = "SELECT coalesce(max(sequence), 0) FROM payments.statement WHERE provider = $1"


async def last_line(connection: Connection, provider: str) -> int:
    """The sequence of the last line fetched of that provider's statement."""
    return await connection.fetchval(_LAST_LINE, provider)


_ADD_LINES = """
INSERT INTO payments.statement (provider, sequence, kind, key, order_id, amount, currency, at)
SELECT $1, * FROM unnest(
    $2::bigint[], $3::text[], $4::text[], $5::uuid[], $6::bigint[], $7::text[], $8::timestamptz[])
ON CONFLICT DO NOTHING
"""


async def add_lines(tx: Connection, provider: str, columns: Sequence[Sequence[object]]) -> None:
    """Add lines: columns of sequence, kind, key, order, amount, currency, at."""
    await tx.execute(_ADD_LINES, provider, *columns)


_AGAINST_STATEMENT = """
WITH theirs AS (
    SELECT provider, key, order_id, coalesce(sum(amount) FILTER (WHERE kind = 'captured'), 0) AS captured,
        coalesce(sum(amount) FILTER (WHERE kind = 'refunded'), 0) AS refunded
    FROM payments.statement WHERE provider = ANY($2::text[]) AND order_id BETWEEN $3 AND $4
    GROUP BY provider, key, order_id
), ours AS (
    SELECT provider, key, order_id, CASE WHEN state IN ('captured', 'refund_due', 'refunded') THEN amount ELSE 0 END
        AS captured, refunded, due_at IS NOT NULL AS under_way
    FROM payments.payment WHERE provider = ANY($2::text[]) AND order_id BETWEEN $3 AND $4
)
SELECT provider, key, order_id, ours.key IS NULL AS unknown, coalesce(theirs.captured, 0)::bigint AS their_captured,
    coalesce(theirs.refunded, 0)::bigint AS their_refunded, coalesce(ours.captured, 0)::bigint AS our_captured,
    coalesce(ours.refunded, 0)::bigint AS our_refunded
FROM theirs FULL JOIN ours USING (provider, key, order_id)
WHERE NOT coalesce(under_way, false)
  AND (coalesce(theirs.captured, 0), coalesce(theirs.refunded, 0))
    IS DISTINCT FROM (coalesce(ours.captured, 0), coalesce(ours.refunded, 0))
LIMIT $1
"""


async def against_statement(
    connection: Connection, providers: Sequence[str], span: tuple[UUID, UUID], limit: int
) -> list[Record]:
    """Attempts for orders of that span of which a statement, as fetched, says something else than our rows."""
    return await connection.fetch(_AGAINST_STATEMENT, limit, list(providers), *span)


_LINES = "SELECT count(*) FROM payments.statement"


async def lines(connection: Connection) -> int:
    """How many lines were fetched."""
    return await connection.fetchval(_LINES)
