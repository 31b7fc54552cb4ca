"""Joint offers, and proposals of partners."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection, Record
from nightmarket.promotions.contract.collaborations import (
    Collaboration,
    JointState,
    JointTerms,
    PartnerProposal,
    PartnerRun,
    joint_offer_id,
)
from nightmarket.promotions.model.offers import Offer

MAX_SHOWN = 500
MAX_PROPOSALS = 1_000
"""Proposals that one page shows."""

_COLUMNS = (
    "id, first, second, offer, terms, merchant, state, agreed, proposed_at, proposed_by, decided_at, decided_by, reason"
)
_SELECT = f"SELECT {_COLUMNS} FROM promotions.collaboration"
_MINE = "($1::uuid IS NULL OR first = $1 OR second = $1)"


def _read(row: Record) -> Collaboration:
    return Collaboration(
        id=row["id"],
        terms=msgspec.json.decode(row["terms"], type=JointTerms),
        merchant=row["merchant"],
        state=JointState(row["state"]),
        agreed=tuple(row["agreed"]),
        proposed_at=row["proposed_at"],
        proposed_by=row["proposed_by"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        reason=row["reason"],
    )


async def insert(tx: Connection, new: Collaboration) -> bool:
    """Write one; False where it is there already."""
    first, second = new.terms.merchants
    done = await tx.fetchval(
        f"""
        INSERT INTO promotions.collaboration ({_COLUMNS})
        VALUES ($1, $2, $3, $4, $5::text::jsonb, $6, $7, $8, $9, $10, NULL, '', '')
        ON CONFLICT DO NOTHING RETURNING true
        """,
        new.id,
        first,
        second,
        joint_offer_id(new.id),
        msgspec.json.encode(new.terms).decode(),
        new.merchant,
        new.state.value,
        list(new.agreed),
        new.proposed_at,
        new.proposed_by,
    )
    return bool(done)


async def one(
    connection: Connection, id: UUID, merchant: UUID | None = None, *, lock: bool = False
) -> Collaboration | None:
    """One of them, if the merchant has a part in it."""
    row = await connection.fetchrow(
        f"{_SELECT} WHERE {_MINE} AND id = $2{' FOR NO KEY UPDATE' if lock else ''}", merchant, id
    )
    return _read(row) if row else None


async def all_of(connection: Connection, merchant: UUID | None) -> list[Collaboration]:
    """The newest first."""
    rows = await connection.fetch(
        f"{_SELECT} WHERE {_MINE} ORDER BY proposed_at DESC, id LIMIT $2", merchant, MAX_SHOWN
    )
    return [_read(row) for row in rows]


async def stand(tx: Connection, changed: Collaboration) -> None:
    """Write how a locked one stands now."""
    await tx.execute(
        "UPDATE promotions.collaboration SET state = $2, agreed = $3, decided_at = $4, decided_by = $5, reason = $6 "
        "WHERE id = $1",
        changed.id,
        changed.state.value,
        list(changed.agreed),
        changed.decided_at,
        changed.decided_by,
        changed.reason,
    )


async def count_open(connection: Connection, merchant: UUID) -> int:
    """Joint offers of a merchant that wait for somebody's word."""
    return await connection.fetchval(
        f"SELECT count(*) FROM promotions.collaboration WHERE {_MINE} AND state IN ('proposed', 'accepted')", merchant
    )


_AFTER = f"{_SELECT} WHERE state = 'published' AND id > $1 ORDER BY id LIMIT $2"
_SHARED = """
SELECT body FROM promotions.revision r WHERE state = 'published' AND jsonb_array_length(body -> 'funding') > 1
  AND NOT EXISTS (SELECT FROM promotions.revision later WHERE later.offer = r.offer AND later.book > r.book)
ORDER BY offer
"""


async def published_after(connection: Connection, after: UUID) -> list[Collaboration]:
    """A page of those that are published, in order of id."""
    return [_read(row) for row in await connection.fetch(_AFTER, after, MAX_SHOWN)]


async def agreed(connection: Connection, offers: Sequence[UUID]) -> dict[UUID, Collaboration]:
    """By the offer's id: the joint offers, approved by all, that these are."""
    rows = await connection.fetch(f"{_SELECT} WHERE state = 'published' AND offer = ANY($1::uuid[])", offers)
    return {row["offer"]: _read(row) for row in rows}


async def shared_offers(connection: Connection) -> list[Offer]:
    """What the book has of offers that several pay for."""
    return [msgspec.json.decode(row["body"], type=Offer) for row in await connection.fetch(_SHARED)]


async def replace_partners(tx: Connection, proposals: Sequence[PartnerProposal], run: PartnerRun) -> None:
    """Put these in the place of all that there were."""
    await tx.execute("DELETE FROM promotions.partner_proposal")
    await tx.execute(
        """
        INSERT INTO promotions.partner_proposal (merchant, partner, score, body)
        SELECT merchant, partner, score, body::jsonb
        FROM unnest($1::uuid[], $2::uuid[], $3::float8[], $4::text[]) AS new (merchant, partner, score, body)
        """,
        [one.merchant for one in proposals],
        [one.partner for one in proposals],
        [one.score for one in proposals],
        [msgspec.json.encode(one).decode() for one in proposals],
    )
    await tx.execute(
        """
        INSERT INTO promotions.partner_run (at, orders, buyers) VALUES ($1, $2, $3)
        ON CONFLICT (one) DO UPDATE SET at = excluded.at, orders = excluded.orders, buyers = excluded.buyers
        """,
        run.at,
        run.orders,
        run.buyers,
    )


async def partners(connection: Connection, merchant: UUID | None) -> list[PartnerProposal]:
    """The best first."""
    rows = await connection.fetch(
        "SELECT body FROM promotions.partner_proposal WHERE $1::uuid IS NULL OR merchant = $1 "
        "ORDER BY score DESC, merchant, partner LIMIT $2",
        merchant,
        MAX_PROPOSALS,
    )
    return [msgspec.json.decode(row["body"], type=PartnerProposal) for row in rows]


async def last_run(connection: Connection) -> PartnerRun | None:
    row = await connection.fetchrow("SELECT at, orders, buyers FROM promotions.partner_run")
    return PartnerRun(row["at"], row["orders"], row["buyers"]) if row else None
