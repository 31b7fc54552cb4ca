"""Goods offered to groups, the groups, and the orders begun in them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection, Record
from nightmarket.promotions.contract.groups import (
    BuyingGroup,
    GroupOffer,
    GroupSeat,
    GroupState,
    GroupTerms,
    SeatState,
    Tier,
)

MAX_OFFERS = 500
MAX_GROUPS = 500
LOOK_AGAIN = timedelta(seconds=5)
"""How often an open group is looked at that nobody points to and whose time is not up."""

MAX_NOTED = 1_000
"""Orders that may be begun in one group, placed or not."""

_OFFER = """
id, merchant, product, variants, tiers, gather_hours, most_groups, ends_at, stopped_at, made_at, made_by
"""
_GROUP = """
id, offer, starter, state, seats, joined, tier, started_at, deadline_at, closed_at, done_at
"""
_SEAT = "buying_group, order_id, person, owner, state, noted_at"
_TIERS = msgspec.json.Decoder(tuple[Tier, ...])


def _offer(row: Record) -> GroupOffer:
    terms = GroupTerms(
        merchant=row["merchant"],
        product=row["product"],
        variants=tuple(row["variants"]),
        tiers=_TIERS.decode(row["tiers"]),
        gather_hours=row["gather_hours"],
        most_groups=row["most_groups"],
        ends_at=row["ends_at"],
    )
    return GroupOffer(row["id"], terms, row["stopped_at"], row["made_at"], row["made_by"])


def _group(row: Record) -> BuyingGroup:
    return BuyingGroup(
        id=row["id"],
        offer=row["offer"],
        starter=row["starter"],
        state=GroupState(row["state"]),
        seats=row["seats"],
        joined=row["joined"],
        tier=row["tier"],
        started_at=row["started_at"],
        deadline_at=row["deadline_at"],
        closed_at=row["closed_at"],
        done_at=row["done_at"],
    )


def _seat(row: Record) -> GroupSeat:
    return GroupSeat(
        row["buying_group"], row["order_id"], row["person"], row["owner"], SeatState(row["state"]), row["noted_at"]
    )


async def insert_offer(tx: Connection, new: GroupOffer) -> bool:
    """Write one; False where it is there already."""
    terms = new.terms
    done = await tx.fetchval(
        f"""
        INSERT INTO promotions.group_offer ({_OFFER})
        VALUES ($1, $2, $3, $4, $5::text::jsonb, $6, $7, $8, NULL, $9, $10)
        ON CONFLICT DO NOTHING RETURNING true
        """,
        new.id,
        terms.merchant,
        terms.product,
        list(terms.variants),
        msgspec.json.encode(terms.tiers).decode(),
        terms.gather_hours,
        terms.most_groups,
        terms.ends_at,
        new.made_at,
        new.made_by,
    )
    return bool(done)


async def offer(connection: Connection, id: UUID, *, lock: bool = False) -> GroupOffer | None:
    row = await connection.fetchrow(
        f"SELECT {_OFFER} FROM promotions.group_offer WHERE id = $1{' FOR NO KEY UPDATE' if lock else ''}", id
    )
    return _offer(row) if row else None


async def some_offers(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, GroupOffer]:
    rows = await connection.fetch(f"SELECT {_OFFER} FROM promotions.group_offer WHERE id = ANY($1::uuid[])", ids)
    return {row["id"]: _offer(row) for row in rows}


async def offers(connection: Connection, merchant: UUID | None, limit: int) -> list[GroupOffer]:
    rows = await connection.fetch(
        f"SELECT {_OFFER} FROM promotions.group_offer WHERE $1::uuid IS NULL OR merchant = $1 "
        "ORDER BY made_at DESC, id LIMIT $2",
        merchant,
        min(limit, MAX_OFFERS),
    )
    return [_offer(row) for row in rows]


async def of_product(connection: Connection, product: UUID, now: datetime) -> GroupOffer | None:
    row = await connection.fetchrow(
        f"SELECT {_OFFER} FROM promotions.group_offer WHERE product = $1 AND ends_at > $2 AND stopped_at IS NULL "
        "ORDER BY made_at DESC, id LIMIT 1",
        product,
        now,
    )
    return _offer(row) if row else None


async def over(connection: Connection, before: datetime, lasting: timedelta, limit: int) -> list[GroupOffer]:
    """Goods for which no group could be started since `before`, all of whose groups are done, and whose prices, which
    last so much longer, have not ended by themselves; the one that ended last comes first."""
    rows = await connection.fetch(
        f"""
        SELECT {_OFFER} FROM promotions.group_offer o
        WHERE least(o.ends_at, o.stopped_at) <= $1 AND o.ends_at > $1 - $2::interval
            AND NOT EXISTS (SELECT FROM promotions.buying_group g WHERE g.offer = o.id AND g.done_at IS NULL)
        ORDER BY least(o.ends_at, o.stopped_at) DESC, o.id LIMIT $3
        """,
        before,
        lasting,
        limit,
    )
    return [_offer(row) for row in rows]


async def lock_product(tx: Connection, product: UUID) -> None:
    """Whoever else offers these goods to groups waits until the transaction ends."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('promotions.group ' || $1, 0))", str(product))


async def stop(tx: Connection, id: UUID, now: datetime) -> None:
    await tx.execute("UPDATE promotions.group_offer SET stopped_at = coalesce(stopped_at, $2) WHERE id = $1", id, now)


async def insert_group(tx: Connection, new: BuyingGroup) -> bool:
    """Write one; False where it is there, or its starter has an open one of that offer."""
    done = await tx.fetchval(
        """
        INSERT INTO promotions.buying_group
            (id, offer, starter, state, seats, started_at, deadline_at, looked_at)
        VALUES ($1, $2, $3, 'open', $4, $5, $6, $5) ON CONFLICT DO NOTHING RETURNING true
        """,
        new.id,
        new.offer,
        new.starter,
        new.seats,
        new.started_at,
        new.deadline_at,
    )
    return bool(done)


async def open_of(connection: Connection, offer: UUID, starter: UUID) -> BuyingGroup | None:
    row = await connection.fetchrow(
        f"SELECT {_GROUP} FROM promotions.buying_group WHERE offer = $1 AND starter = $2 AND state = 'open'",
        offer,
        starter,
    )
    return _group(row) if row else None


async def group(connection: Connection, id: UUID, *, lock: bool = False) -> BuyingGroup | None:
    row = await connection.fetchrow(
        f"SELECT {_GROUP} FROM promotions.buying_group WHERE id = $1{' FOR NO KEY UPDATE' if lock else ''}", id
    )
    return _group(row) if row else None


async def some(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, BuyingGroup]:
    rows = await connection.fetch(f"SELECT {_GROUP} FROM promotions.buying_group WHERE id = ANY($1::uuid[])", ids)
    return {row["id"]: _group(row) for row in rows}


async def of_offer(connection: Connection, offer: UUID, limit: int) -> list[BuyingGroup]:
    rows = await connection.fetch(
        f"SELECT {_GROUP} FROM promotions.buying_group WHERE offer = $1 ORDER BY started_at DESC, id LIMIT $2",
        offer,
        min(limit, MAX_GROUPS),
    )
    return [_group(row) for row in rows]


async def after(connection: Connection, id: UUID) -> list[BuyingGroup]:
    """The next ones in order of id, for the audit."""
    rows = await connection.fetch(
        f"SELECT {_GROUP} FROM promotions.buying_group WHERE id > $1 ORDER BY id LIMIT $2", id, MAX_GROUPS
    )
    return [_group(row) for row in rows]


async def counts(connection: Connection, offers: Sequence[UUID]) -> Mapping[UUID, Mapping[GroupState, int]]:
    rows = await connection.fetch(
        "SELECT offer, state, count(*) FROM promotions.buying_group WHERE offer = ANY($1::uuid[]) "
        "GROUP BY offer, state",
        offers,
    )
    found: dict[UUID, dict[GroupState, int]] = {}
    for row in rows:
        found.setdefault(row[0], {})[GroupState(row[1])] = row[2]
    return found


async def unfinished(connection: Connection, now: datetime, limit: int) -> list[UUID]:
    rows = await connection.fetch(
        """
        SELECT id FROM promotions.buying_group
        WHERE done_at IS NULL AND (deadline_at <= $1 OR state <> 'open' OR looked_at <= $2)
        ORDER BY looked_at, id LIMIT $3
        """,
        now,
        now - LOOK_AGAIN,
        limit,
    )
    return [row[0] for row in rows]


async def looked(tx: Connection, id: UUID, joined: int, now: datetime) -> None:
    await tx.execute("UPDATE promotions.buying_group SET joined = $2, looked_at = $3 WHERE id = $1", id, joined, now)


async def close(tx: Connection, id: UUID, state: GroupState, tier: int, now: datetime) -> None:
    await tx.execute(
        "UPDATE promotions.buying_group SET state = $2, tier = $3, closed_at = $4 WHERE id = $1",
        id,
        state.value,
        tier,
        now,
    )


async def done(tx: Connection, id: UUID, now: datetime) -> None:
    """The group is done, if no place in it is wanted or held any more."""
    await tx.execute(
        """
        UPDATE promotions.buying_group SET done_at = $2 WHERE id = $1 AND done_at IS NULL AND state <> 'open'
            AND NOT EXISTS (SELECT FROM promotions.group_seat
                            WHERE buying_group = $1 AND state IN ('wanted', 'held'))
        """,
        id,
        now,
    )


async def note(tx: Connection, seat: GroupSeat) -> None:
    await tx.execute(
        f"INSERT INTO promotions.group_seat ({_SEAT}) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        seat.group,
        seat.order,
        seat.person,
        seat.owner,
        seat.state.value,
        seat.noted_at,
    )


async def noted(connection: Connection, group: UUID) -> int:
    return await connection.fetchval("SELECT count(*) FROM promotions.group_seat WHERE buying_group = $1", group)


async def seats(connection: Connection, group: UUID) -> list[GroupSeat]:
    rows = await connection.fetch(
        f"SELECT {_SEAT} FROM promotions.group_seat WHERE buying_group = $1 ORDER BY noted_at, order_id LIMIT $2",
        group,
        MAX_NOTED,
    )
    return [_seat(row) for row in rows]


async def of_person(connection: Connection, person: UUID, limit: int) -> list[GroupSeat]:
    rows = await connection.fetch(
        f"SELECT {_SEAT} FROM promotions.group_seat WHERE person = $1 ORDER BY noted_at DESC, order_id LIMIT $2",
        person,
        min(limit, MAX_GROUPS),
    )
    return [_seat(row) for row in rows]


async def place_of(connection: Connection, group: UUID, person: UUID) -> GroupSeat | None:
    """Somebody's place in a group, held or settled."""
    row = await connection.fetchrow(
        f"SELECT {_SEAT} FROM promotions.group_seat "
        "WHERE buying_group = $1 AND person = $2 AND state IN ('held', 'settled') ORDER BY noted_at DESC LIMIT 1",
        group,
        person,
    )
    return _seat(row) if row else None


async def write_seats(tx: Connection, group: UUID, states: Mapping[UUID, SeatState]) -> None:
    if states:
        await tx.execute(
            """
            UPDATE promotions.group_seat AS s SET state = n.state
            FROM unnest($2::uuid[], $3::text[]) AS n(order_id, state)
            WHERE s.buying_group = $1 AND s.order_id = n.order_id
            """,
            group,
            list(states),
            [state.value for state in states.values()],
        )


async def leave(tx: Connection, orders: Sequence[UUID]) -> list[GroupSeat]:
    """The settled places of these orders are left from now on."""
    rows = await tx.fetch(
        f"UPDATE promotions.group_seat SET state = 'left' WHERE order_id = ANY($1::uuid[]) AND state = 'settled' "
        f"RETURNING {_SEAT}",
        orders,
    )
    return [_seat(row) for row in rows]
