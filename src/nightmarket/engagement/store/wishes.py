"""Queries on wishes, alerts and followed brands."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from nightmarket.engagement.contract.wishes import (
    ALERTS_A_STEP,
    FOLLOWERS_A_STEP,
    LAUNCHES_NAMED,
    MAX_FOLLOWED,
    MAX_WISHES,
    Alert,
    Following,
    News,
    Wish,
)
from nightmarket.platform.database import Connection, Record

_ALERT = "id, owner, variant, email, language, asked_at, told_at"


def _alert(row: Record) -> Alert:
    return Alert(*(row[n] for n in range(7)))


async def lock_owner(tx: Connection, owner: UUID | str) -> None:
    """One change of an owner's lists at a time, so that their bounds hold."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('engagement.owner ' || $1, 0))", str(owner))


async def wished(connection: Connection, owner: UUID) -> list[Wish]:
    rows = await connection.fetch(
        "SELECT product, added_at FROM engagement.wish WHERE owner = $1 ORDER BY added_at DESC, product LIMIT $2",
        owner,
        MAX_WISHES,
    )
    return [Wish(row[0], row[1]) for row in rows]


async def insert_wish(tx: Connection, owner: UUID, product: UUID, now: datetime) -> bool:
    """Whether it stands: False when the list is full."""
    written = await tx.fetchval(
        """
        INSERT INTO engagement.wish (owner, product, added_at)
        SELECT $1, $2, $3 WHERE (SELECT count(*) FROM engagement.wish WHERE owner = $1) < $4
            OR EXISTS (SELECT 1 FROM engagement.wish WHERE owner = $1 AND product = $2)
        ON CONFLICT (owner, product) DO UPDATE SET added_at = engagement.wish.added_at RETURNING true
        """,
        owner,
        product,
        now,
        MAX_WISHES,
    )
    return bool(written)


async def delete_wish(tx: Connection, owner: UUID, product: UUID) -> None:
    await tx.execute("DELETE FROM engagement.wish WHERE owner = $1 AND product = $2", owner, product)


async def move(tx: Connection, guest: UUID, account: UUID) -> None:
    """The newest wishes of both that fit; alerts all."""
    await tx.execute(
        """
        INSERT INTO engagement.wish (owner, product, added_at)
        SELECT $2, product, added_at FROM engagement.wish WHERE owner = $1 ORDER BY added_at DESC
        LIMIT greatest(0, $3 - (SELECT count(*) FROM engagement.wish WHERE owner = $2))
        ON CONFLICT (owner, product) DO NOTHING
        """,
        guest,
        account,
        MAX_WISHES,
    )
    await tx.execute("DELETE FROM engagement.wish WHERE owner = $1", guest)
    await tx.execute("UPDATE engagement.alert SET owner = $2 WHERE owner = $1", guest, account)


async def forget(tx: Connection, account: UUID, email: str) -> None:
    await tx.execute("DELETE FROM engagement.wish WHERE owner = $1", account)
    await tx.execute("DELETE FROM engagement.alert WHERE owner = $1 OR email = $2", account, email)
    await tx.execute("DELETE FROM engagement.follow WHERE account = $1", account)


async def insert_alert(tx: Connection, alert: Alert) -> bool:
    written = await tx.fetchval(
        """
        INSERT INTO engagement.alert (id, owner, variant, email, language, asked_at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (variant, email) WHERE told_at IS NULL DO NOTHING RETURNING id
        """,
        alert.id,
        alert.owner,
        alert.variant,
        alert.email,
        alert.language,
        alert.asked_at,
    )
    return written is not None


async def count_alerts(tx: Connection, owner: UUID, email: str) -> int:
    """The larger of what the owner and what the address waits for."""
    return await tx.fetchval(
        """
        SELECT greatest((SELECT count(*) FROM engagement.alert WHERE owner = $1 AND told_at IS NULL),
            (SELECT count(*) FROM engagement.alert WHERE email = $2 AND told_at IS NULL))
        """,
        owner,
        email,
    )


async def open_alerts(connection: Connection, owner: UUID, limit: int) -> list[Alert]:
    rows = await connection.fetch(
        f"SELECT {_ALERT} FROM engagement.alert WHERE owner = $1 AND told_at IS NULL ORDER BY asked_at DESC LIMIT $2",
        owner,
        limit,
    )
    return [_alert(row) for row in rows]


async def delete_alert(tx: Connection, owner: UUID, alert: UUID) -> None:
    await tx.execute("DELETE FROM engagement.alert WHERE id = $2 AND owner = $1 AND told_at IS NULL", owner, alert)


async def awaited(connection: Connection, after: UUID, limit: int) -> list[UUID]:
    rows = await connection.fetch(
        """
        SELECT DISTINCT variant FROM engagement.alert WHERE told_at IS NULL AND variant > $1 ORDER BY variant LIMIT $2
        """,
        after,
        limit,
    )
    return [row[0] for row in rows]


async def take_alerts(tx: Connection, amounts: Mapping[UUID, int], now: datetime) -> list[Alert]:
    """Note the longest waiting as told. One at a time, so that what was told within the hour is known."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('engagement.alert', 0))")
    rows = await tx.fetch(
        f"""
        WITH chosen AS (
            SELECT a.id FROM unnest($1::uuid[], $2::bigint[]) AS w(variant, amount)
            CROSS JOIN LATERAL (
                SELECT id FROM engagement.alert WHERE variant = w.variant AND told_at IS NULL
                ORDER BY asked_at, id LIMIT greatest(0, w.amount - (
                    SELECT count(*) FROM engagement.alert t WHERE t.variant = w.variant AND t.told_at > $5
                )) FOR UPDATE SKIP LOCKED
            ) AS a LIMIT $4
        )
        UPDATE engagement.alert t SET told_at = $3 FROM chosen c WHERE t.id = c.id
        RETURNING {", ".join(f"t.{name.strip()}" for name in _ALERT.split(","))}
        """,
        list(amounts),
        list(amounts.values()),
        now,
        ALERTS_A_STEP,
        now - timedelta(hours=1),
    )
    return sorted(map(_alert, rows), key=lambda one: (one.asked_at, one.id))


async def insert_follow(tx: Connection, following: Following) -> bool:
    """Whether it stands: False when the shopper follows as many as there may be."""
    written = await tx.fetchval(
        """
        INSERT INTO engagement.follow (account, brand, language, since, told_until)
        SELECT $1, $2, $3, $4, $4 WHERE (SELECT count(*) FROM engagement.follow WHERE account = $1) < $5
            OR EXISTS (SELECT 1 FROM engagement.follow WHERE account = $1 AND brand = $2)
        ON CONFLICT (account, brand) DO UPDATE SET language = excluded.language RETURNING true
        """,
        following.account,
        following.brand,
        following.language,
        following.since,
        MAX_FOLLOWED,
    )
    return bool(written)


async def delete_follow(tx: Connection, account: UUID, brand: str) -> None:
    await tx.execute("DELETE FROM engagement.follow WHERE account = $1 AND brand = $2", account, brand)


async def followed(connection: Connection, account: UUID) -> list[Following]:
    rows = await connection.fetch(
        "SELECT account, brand, language, since FROM engagement.follow WHERE account = $1 ORDER BY since DESC LIMIT $2",
        account,
        MAX_FOLLOWED,
    )
    return [Following(*(row[n] for n in range(4))) for row in rows]


async def insert_launches(tx: Connection, products: Sequence[tuple[str, UUID]], now: datetime) -> None:
    await tx.execute(
        """
        INSERT INTO engagement.launch (product, brand, at)
        SELECT w.product, w.brand, $3 FROM unnest($1::text[], $2::uuid[]) AS w(brand, product)
        WHERE EXISTS (SELECT 1 FROM engagement.follow f WHERE f.brand = w.brand)
        ON CONFLICT (product) DO NOTHING
        """,
        [brand for brand, _ in products],
        [product for _, product in products],
        now,
    )


async def take_news(tx: Connection, before: datetime) -> list[News]:
    """What followers have not heard of; each is noted as told up to the newest of it."""
    rows = await tx.fetch(
        """
        WITH due AS (
            SELECT f.account, f.brand, f.language, f.told, f.told_until FROM engagement.follow f
            WHERE EXISTS (SELECT 1 FROM engagement.launch l WHERE l.brand = f.brand AND l.at > f.told_until
                AND l.at < $1) ORDER BY f.account, f.brand LIMIT $2 FOR UPDATE SKIP LOCKED
        ), told AS (
            UPDATE engagement.follow f SET told = f.told + 1, told_until = $1 FROM due
            WHERE f.account = due.account AND f.brand = due.brand
        )
        SELECT due.account, due.brand, due.language, due.told, n.products, n.amount FROM due CROSS JOIN LATERAL (
            SELECT array_agg(l.product ORDER BY l.at DESC, l.product) AS products, count(*) AS amount
            FROM engagement.launch l WHERE l.brand = due.brand AND l.at > due.told_until AND l.at < $1
        ) AS n
        """,
        before,
        FOLLOWERS_A_STEP,
    )
    return [News(row[0], row[1], row[2], tuple(row[4][:LAUNCHES_NAMED]), row[5], row[3]) for row in rows]


async def sweep_launches(tx: Connection, before: datetime) -> None:
    """Old launches have been told to everyone, or nobody follows the brand any more."""
    await tx.execute("DELETE FROM engagement.launch WHERE at < $1", before)
