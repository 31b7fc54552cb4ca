"""What the loss guard counts, by what rules, and what it stopped."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection, Record
from nightmarket.promotions.contract.guards import GuardRules, GuardStop, OfferSale
from nightmarket.promotions.model.guarding import Sums

HOUR = timedelta(hours=1)

_COUNT = """
INSERT INTO promotions.guard_sale AS g (offer, hour, currency, orders, discount, costed, sold, cost)
SELECT offer, $8, currency, orders, discount, costed, sold, cost FROM unnest($1::uuid[], $2::text[], $3::bigint[],
    $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
    AS new (offer, currency, orders, discount, costed, sold, cost) ORDER BY offer, currency
ON CONFLICT (offer, hour, currency) DO UPDATE SET orders = g.orders + excluded.orders,
    discount = g.discount + excluded.discount, costed = g.costed + excluded.costed, sold = g.sold + excluded.sold,
    cost = g.cost + excluded.cost
"""
_TAKE_BACK = """
UPDATE promotions.guard_sale AS g SET orders = greatest(0, g.orders - b.orders),
    discount = greatest(0, g.discount - b.discount), costed = g.costed - b.costed, sold = g.sold - b.sold,
    cost = g.cost - b.cost
FROM (
    SELECT offer, currency, hour, sum(orders)::bigint AS orders, sum(discount)::bigint AS discount,
        sum(costed)::bigint AS costed, sum(sold)::bigint AS sold, sum(cost)::bigint AS cost
    FROM (
        SELECT gone.*, (
            SELECT min(s.hour) FROM promotions.guard_sale s
            WHERE s.offer = gone.offer AND s.currency = gone.currency AND s.orders > 0
              AND s.hour >= date_trunc('hour', gone.placed_at, 'UTC')
        ) AS hour
        FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
            $8::timestamptz[]) AS gone (offer, currency, orders, discount, costed, sold, cost, placed_at)
        WHERE NOT EXISTS (
            SELECT FROM promotions.guard_stop p WHERE p.offer = gone.offer AND p.undone_at > gone.placed_at
        )
    ) AS found GROUP BY offer, currency, hour
) AS b WHERE g.offer = b.offer AND g.currency = b.currency AND g.hour = b.hour
"""
"""Off the first hour since the order was placed in which the offer was counted. What was counted before it was put
back is forgotten already."""

_SUMS = """
SELECT offer, currency, sum(costed)::bigint AS costed, sum(sold)::bigint AS sold, sum(cost)::bigint AS cost,
    coalesce(sum(orders) FILTER (WHERE hour = $3), 0)::bigint AS hour_orders
FROM promotions.guard_sale WHERE offer = ANY($1::uuid[]) AND hour > $2 GROUP BY offer, currency ORDER BY offer, currency
"""
_STOPS = "SELECT body, undone_at, undone_by FROM promotions.guard_stop"


async def rules(connection: Connection) -> GuardRules:
    """The rules that hold; the defaults where nobody set any."""
    found = await connection.fetchval("SELECT rules FROM promotions.guard_rule")
    return msgspec.json.decode(found, type=GuardRules) if found else GuardRules()


async def set_rules(tx: Connection, rules: GuardRules, by: str, at: datetime) -> None:
    await tx.execute(
        """
        INSERT INTO promotions.guard_rule (rules, by, at) VALUES ($1::jsonb, $2, $3)
        ON CONFLICT (one) DO UPDATE SET rules = excluded.rules, by = excluded.by, at = excluded.at
        """,
        msgspec.json.encode(rules).decode(),
        by,
        at,
    )


async def count(tx: Connection, sales: Sequence[OfferSale], at: datetime) -> None:
    """Add sales to their hour; each offer and currency at most once."""
    await tx.execute(_COUNT, *_columns(sales), _hour(at))


async def take_back(tx: Connection, sales: Sequence[tuple[datetime, OfferSale]]) -> None:
    """Take cancelled sales, each with the instant of its order, out of the hours in which they were counted."""
    await tx.execute(_TAKE_BACK, *_columns([one for _, one in sales]), [at for at, _ in sales])


def _columns(sales: Sequence[OfferSale]) -> tuple[Sequence[object], ...]:
    names = ("offer", "currency", "orders", "discount", "costed", "sold", "cost")
    return tuple([getattr(one, name) for one in sales] for name in names)


async def sums(
    connection: Connection, offers: Sequence[UUID], at: datetime, window: timedelta
) -> dict[UUID, list[Sums]]:
    """What the offers' sales of the window came to, by currency."""
    found: dict[UUID, list[Sums]] = {}
    for row in await connection.fetch(_SUMS, offers, at - window, _hour(at)):
        one = Sums(row["currency"], row["costed"], row["sold"], row["cost"], row["hour_orders"])
        found.setdefault(row["offer"], []).append(one)
    return found


async def forget(tx: Connection, offer: UUID) -> None:
    """Count the offer from nothing."""
    await tx.execute("DELETE FROM promotions.guard_sale WHERE offer = $1", offer)


async def sweep(tx: Connection, before: datetime) -> None:
    """Forget what no window reaches any more."""
    await tx.execute("DELETE FROM promotions.guard_sale WHERE hour < $1", before)


async def keep_stops(tx: Connection, stops: Sequence[GuardStop]) -> None:
    await tx.execute(
        """
        INSERT INTO promotions.guard_stop (id, offer, reason, body, at)
        SELECT id, offer, reason, body::jsonb, $5 FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[])
            AS new (id, offer, reason, body)
        """,
        [one.id for one in stops],
        [one.offer for one in stops],
        [one.reason.value for one in stops],
        [msgspec.json.encode(one).decode() for one in stops],
        stops[0].at,
    )


async def stops(connection: Connection, limit: int) -> list[GuardStop]:
    """The newest stops."""
    return [_stop(row) for row in await connection.fetch(f"{_STOPS} ORDER BY at DESC, id DESC LIMIT $1", limit)]


async def lock_stop(tx: Connection, id: UUID) -> GuardStop | None:
    """One stop; nobody else takes it back until this transaction ends."""
    row = await tx.fetchrow(f"{_STOPS} WHERE id = $1 FOR UPDATE", id)
    return _stop(row) if row else None


async def mark_undone(tx: Connection, id: UUID, by: str, at: datetime) -> None:
    await tx.execute("UPDATE promotions.guard_stop SET undone_at = $2, undone_by = $3 WHERE id = $1", id, at, by)


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _stop(row: Record) -> GuardStop:
    stop = msgspec.json.decode(row["body"], type=GuardStop)
    return msgspec.structs.replace(stop, undone_at=row["undone_at"], undone_by=row["undone_by"])
