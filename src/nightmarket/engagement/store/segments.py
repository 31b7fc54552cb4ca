"""Queries on segments: what was bought, who is a member of what."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from uuid import UUID

import msgspec

from nightmarket.engagement.contract.segments import Following, Purchase, Segment
from nightmarket.engagement.model.segments import SegmentRules
from nightmarket.platform.database import Connection, Record

_SEGMENT = "id, word, revision, rules, members, counted_at, ended_at, made_at, made_by"

_MATCHES = """
WITH page AS (
    SELECT account, person, language, by_behaviour FROM engagement.profile
    WHERE $1::uuid[] IS NULL OR account = ANY($1) ORDER BY account LIMIT $2
), who AS (
    SELECT account, person, language FROM page
    WHERE by_behaviour AND (cardinality($3::text[]) = 0 OR language = ANY($3))
), bought AS (
    SELECT w.account, b.id, b.placed_at, b.currency, b.total, b.country, cardinality(b.offers) > 0 AS with_offer,
        (b.placed_at >= $4::timestamptz)
        AND (cardinality($5::text[]) = 0 OR b.categories && $5) AND (cardinality($6::text[]) = 0 OR b.brands && $6)
        AND (cardinality($7::uuid[]) = 0 OR b.merchants && $7)
        AND (cardinality($8::uuid[]) = 0 OR b.products && $8) AS counts
    FROM who w JOIN engagement.purchase b ON b.account = w.account OR (b.account IS NULL AND b.person = w.person)
), figures AS (
    SELECT w.account, count(b.id) FILTER (WHERE b.counts) AS orders, min(b.placed_at) AS first_at,
        coalesce(bool_or($9::timestamptz <= b.placed_at AND b.placed_at < $10::timestamptz), false) AS ordered,
        coalesce(bool_or($9 <= b.placed_at AND b.placed_at < $10 AND b.with_offer), false) AS used
    FROM who w LEFT JOIN bought b USING (account) GROUP BY w.account
)
SELECT f.account FROM figures f WHERE orders >= $11 AND ($12::bigint IS NULL OR orders <= $12)
    AND ($13::timestamptz IS NULL OR first_at >= $13) AND ($14::timestamptz IS NULL OR first_at < $14)
    AND CASE $15 WHEN 'ordered' THEN ordered WHEN 'used' THEN used WHEN 'unused' THEN NOT used ELSE true END
    AND ($16::jsonb = '{}' OR EXISTS (
        SELECT FROM bought b WHERE b.account = f.account AND b.counts AND $16 ? b.currency
        GROUP BY b.currency HAVING sum(b.total) >= ($16 ->> b.currency)::bigint))
    AND (cardinality($17::text[]) = 0 OR coalesce(
        (SELECT country FROM engagement.address a WHERE a.account = f.account AND a.is_default),
        (SELECT country FROM bought b WHERE b.account = f.account ORDER BY b.placed_at DESC, b.id LIMIT 1)) = ANY($17))
"""
_KEEP = """
INSERT INTO engagement.purchase
    (id, person, account, placed_at, currency, total, country, merchants, products, categories, brands, offers)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (id) DO UPDATE SET person = excluded.person, account = excluded.account
"""
_SAVE = f"""
INSERT INTO engagement.segment (id, word, revision, rules, made_at, made_by) VALUES ($1, $2, 1, $3::jsonb, $4, $5)
ON CONFLICT DO NOTHING RETURNING {_SEGMENT}
"""
_CHANGE = f"""
UPDATE engagement.segment SET rules = $2::jsonb, revision = revision + 1 WHERE id = $1 RETURNING {_SEGMENT}
"""


class Span(msgspec.Struct, frozen=True):
    """What a rule's words mean at an instant: orders from when on count, and the time of its festival."""

    since_at: datetime
    festival: tuple[datetime, datetime] | None


def _segment(row: Record) -> Segment:
    rules = msgspec.json.decode(row["rules"], type=SegmentRules)
    return Segment(
        row["id"],
        row["word"],
        row["revision"],
        rules,
        row["members"],
        row["counted_at"],
        row["ended_at"],
        row["made_at"],
        row["made_by"],
    )


def _plain(rules: SegmentRules) -> str:
    return msgspec.json.encode(rules, order="deterministic").decode()


async def insert(
    tx: Connection, id: UUID, word: str, rules: SegmentRules, made: tuple[datetime, str]
) -> Segment | None:
    """None where its word is taken."""
    row = await tx.fetchrow(_SAVE, id, word, _plain(rules), *made)
    return _segment(row) if row else None


async def change(tx: Connection, id: UUID, rules: SegmentRules) -> Segment:
    row = await tx.fetchrow(_CHANGE, id, _plain(rules))
    assert row is not None
    return _segment(row)


async def one(connection: Connection, id: UUID, *, lock: bool = False) -> Segment | None:
    row = await connection.fetchrow(
        f"SELECT {_SEGMENT} FROM engagement.segment WHERE id = $1{' FOR UPDATE' if lock else ''}", id
    )
    return _segment(row) if row else None


async def live(connection: Connection) -> list[Segment]:
    """Those that have not ended, by their words."""
    rows = await connection.fetch(f"SELECT {_SEGMENT} FROM engagement.segment WHERE ended_at IS NULL ORDER BY word")
    return [_segment(row) for row in rows]


async def end(tx: Connection, id: UUID, at: datetime) -> None:
    await tx.execute("UPDATE engagement.segment SET ended_at = $2, members = 0 WHERE id = $1", id, at)
    await tx.execute("DELETE FROM engagement.segment_member WHERE segment = $1", id)


async def matches(
    connection: Connection, rules: SegmentRules, span: Span, accounts: Sequence[UUID] | None, limit: int
) -> list[UUID]:
    """Of these accounts, or of the first `limit`, those for whom the rules hold."""
    starts_at, ends_at = span.festival or (None, None)
    rows = await connection.fetch(
        _MATCHES,
        accounts,
        limit,
        sorted(rules.languages),
        span.since_at,
        sorted(rules.categories),
        sorted(rules.brands),
        sorted(rules.merchants),
        sorted(rules.products),
        starts_at,
        ends_at,
        rules.least_orders,
        rules.orders_until,
        _midnight(rules.first_from),
        _midnight(rules.first_before),
        rules.took.value if rules.festival else "",
        msgspec.json.encode(rules.spent).decode(),
        sorted(rules.regions),
    )
    return [row["account"] for row in rows]


async def write_members(tx: Connection, segment: UUID, asked: Sequence[UUID], members: Sequence[UUID]) -> None:
    """Of the accounts that were asked about, exactly these are members now."""
    await tx.execute(
        "DELETE FROM engagement.segment_member WHERE segment = $1 AND account = ANY($2::uuid[]) "
        "AND account <> ALL($3::uuid[])",
        segment,
        asked,
        members,
    )
    await tx.execute(
        "INSERT INTO engagement.segment_member (segment, account) "
        "SELECT $1, account FROM unnest($2::uuid[]) AS account ORDER BY account ON CONFLICT DO NOTHING",
        segment,
        members,
    )


async def tell_persons(tx: Connection, persons: Sequence[tuple[UUID, UUID]]) -> None:
    """Note the address's key of each account."""
    await tx.execute(
        "UPDATE engagement.profile p SET person = new.person "
        "FROM unnest($1::uuid[], $2::uuid[]) AS new (account, person) "
        "WHERE p.account = new.account AND p.person IS DISTINCT FROM new.person",
        [account for account, _ in persons],
        [person for _, person in persons],
    )


async def words_of(connection: Connection, account: UUID) -> frozenset[str]:
    rows = await connection.fetch(
        "SELECT s.word FROM engagement.segment_member m JOIN engagement.segment s ON s.id = m.segment "
        "JOIN engagement.profile p USING (account) WHERE m.account = $1 AND p.by_behaviour AND s.ended_at IS NULL",
        account,
    )
    return frozenset(row["word"] for row in rows)


async def accounts(connection: Connection, after: UUID, limit: int) -> list[UUID]:
    rows = await connection.fetch(
        "SELECT account FROM engagement.profile WHERE account > $1 ORDER BY account LIMIT $2", after, limit
    )
    return [row["account"] for row in rows]


async def keep(tx: Connection, bought: Sequence[Purchase]) -> None:
    """Write what was bought; what is there stays, but for whose it is."""
    await tx.executemany(
        _KEEP,
        [
            (
                one.order,
                one.person,
                one.account,
                one.placed_at,
                one.currency,
                one.total,
                one.country,
                list(one.merchants),
                list(one.products),
                list(one.categories),
                list(one.brands),
                list(one.offers),
            )
            for one in sorted(bought, key=lambda one: one.order)
        ],
    )


async def drop(tx: Connection, orders: Sequence[UUID]) -> None:
    await tx.execute("DELETE FROM engagement.purchase WHERE id = ANY($1::uuid[])", orders)


async def whose(connection: Connection, orders: Sequence[UUID]) -> list[UUID]:
    """The accounts whose figures these purchases are part of."""
    rows = await connection.fetch(
        "SELECT DISTINCT p.account FROM engagement.purchase b JOIN engagement.profile p "
        "ON p.account = b.account OR (b.account IS NULL AND p.person = b.person) WHERE b.id = ANY($1::uuid[])",
        orders,
    )
    return [row["account"] for row in rows]


async def has_bought(connection: Connection, account: UUID | None, person: UUID) -> bool:
    found = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM engagement.purchase WHERE person = $1) "
        "OR EXISTS (SELECT FROM engagement.purchase WHERE account = $2)",
        person,
        account,
    )
    return bool(found)


async def follow(tx: Connection, at: datetime) -> None:
    await tx.execute("INSERT INTO engagement.following (since_at) VALUES ($1) ON CONFLICT DO NOTHING", at)


async def following(connection: Connection) -> Following | None:
    row = await connection.fetchrow("SELECT since_at, whole_at, counted_at FROM engagement.following")
    return Following(row["since_at"], row["whole_at"], row["counted_at"]) if row else None


async def counted(tx: Connection, at: datetime, *, whole: bool) -> None:
    await tx.execute(
        "UPDATE engagement.following SET counted_at = $1, whole_at = CASE WHEN $2 THEN coalesce(whole_at, $1) "
        "ELSE whole_at END",
        at,
        whole,
    )
    await tx.execute(
        "UPDATE engagement.segment s SET counted_at = $1, members = "
        "(SELECT count(*) FROM engagement.segment_member m WHERE m.segment = s.id) WHERE ended_at IS NULL",
        at,
    )


async def prove(tx: Connection, owner: UUID, person: UUID, at: datetime) -> None:
    await tx.execute(
        "INSERT INTO engagement.guest (owner, person, since_at) VALUES ($1, $2, $3) "
        "ON CONFLICT (owner) DO UPDATE SET person = excluded.person, since_at = excluded.since_at",
        owner,
        person,
        at,
    )


async def person(connection: Connection, owner: UUID, since: datetime) -> UUID | None:
    return await connection.fetchval(
        "SELECT person FROM engagement.guest WHERE owner = $1 AND since_at > $2", owner, since
    )


async def sweep(tx: Connection, until: datetime, limit: int) -> int:
    """Forget proofs that are too old; returns how many."""
    rows = await tx.fetch(
        "DELETE FROM engagement.guest WHERE owner = ANY (ARRAY("
        "SELECT owner FROM engagement.guest WHERE since_at <= $1 LIMIT $2)) RETURNING owner",
        until,
        limit,
    )
    return len(rows)


async def forget(tx: Connection, account: UUID, person: UUID) -> None:
    await tx.execute("DELETE FROM engagement.segment_member WHERE account = $1", account)
    await tx.execute("DELETE FROM engagement.purchase WHERE account = $1 OR person = $2", account, person)
    await tx.execute("DELETE FROM engagement.guest WHERE person = $1", person)


def _midnight(day: date | None) -> datetime | None:
    """A day begins at its midnight in UTC."""
    return None if day is None else datetime.combine(day, time(), UTC)
