"""Campaigns, enrolments, and the revisions of offers in a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection, Record
from nightmarket.promotions.contract import Offer, PriceLine
from nightmarket.promotions.contract.campaigns import (
    MAX_CAMPAIGNS,
    Campaign,
    Enrolment,
    EnrolmentState,
)

MAX_REVISIONS = 50_000
"""Revisions of a time that are looked through; there are fewer in any festival."""

GIVEN_BACK_A_STEP = 500

_COLUMNS = (
    "id, campaign, merchant, product, variant, currency, list_price, basis_points, price, floor, lowest, units, state, "
    "reason, at, by, decided_at, decided_by, offer, claim, claim_until"
)
_GOODS = ("variants", "products", "merchants", "brands", "categories")
_LIVES = f"""
WITH about AS (
    SELECT DISTINCT offer FROM promotions.revision
    WHERE code IS NULL AND coalesce(body -> 'condition' -> 'needs', '[]') = '[]' AND {
    " AND ".join(
        f"(coalesce(body -> 'condition' -> '{kind}', '[]') = '[]' OR body -> 'condition' -> '{kind}' ?| ${number})"
        for number, kind in enumerate(_GOODS, start=3)
    )
}
)
SELECT offer, at, body FROM promotions.revision r JOIN about USING (offer)
WHERE at >= $1 OR NOT EXISTS (
    SELECT FROM promotions.revision later WHERE later.offer = r.offer AND later.book > r.book AND later.at <= $1
)
ORDER BY book LIMIT $2
"""


async def campaigns(connection: Connection) -> list[Campaign]:
    rows = await connection.fetch(
        "SELECT body FROM (SELECT DISTINCT ON (id) id, body FROM promotions.campaign ORDER BY id, revision DESC) AS c "
        "ORDER BY id DESC LIMIT $1",
        MAX_CAMPAIGNS,
    )
    return [msgspec.json.decode(row[0], type=Campaign) for row in rows]


async def campaign(connection: Connection, id: UUID) -> Campaign | None:
    body = await connection.fetchval(
        "SELECT body FROM promotions.campaign WHERE id = $1 ORDER BY revision DESC LIMIT 1", id
    )
    return msgspec.json.decode(body, type=Campaign) if body else None


async def any_approved(connection: Connection, campaign: UUID) -> bool:
    return await connection.fetchval(
        "SELECT EXISTS (SELECT FROM promotions.enrolment WHERE campaign = $1 AND state = 'approved')", campaign
    )


async def insert_campaign(tx: Connection, one: Campaign, at: datetime, by: str) -> bool:
    done = await tx.execute(
        "INSERT INTO promotions.campaign (id, revision, festival, body, at, by) VALUES ($1, $2, $3, $4::jsonb, $5, $6) "
        "ON CONFLICT DO NOTHING",
        one.id,
        one.revision,
        one.festival,
        msgspec.json.encode(one).decode(),
        at,
        by,
    )
    return done == "INSERT 0 1"


async def lives(
    connection: Connection, since: datetime, lines: Sequence[PriceLine]
) -> list[tuple[UUID, datetime, Offer | None]]:
    """Revisions that held at some time since then, in order of books, of offers that any of these lines could have
    without a code and without anything that only some are entitled to."""
    wanted = (
        [str(line.variant) for line in lines],
        [str(line.product) for line in lines],
        [str(line.merchant) for line in lines],
        [line.brand for line in lines],
        [category for line in lines for category in (line.category, *line.ancestors)],
    )
    rows = await connection.fetch(_LIVES, since, MAX_REVISIONS, *wanted)
    return [
        (row["offer"], row["at"], msgspec.json.decode(row["body"], type=Offer) if row["body"] else None) for row in rows
    ]


def _enrolment(row: Record) -> Enrolment:
    words: dict[str, Any] = dict(row.items())
    words["state"] = EnrolmentState(words["state"])
    return Enrolment(**words)


async def insert(tx: Connection, enrolments: Sequence[Enrolment]) -> int:
    """Write them; returns how many are new: a variant stands in a campaign once."""
    places = ", ".join(f"${number}" for number in range(1, len(_COLUMNS.split(", ")) + 1))
    done = 0
    for one in enrolments:
        values = [getattr(one, name) for name in _COLUMNS.split(", ")]
        values[12] = one.state.value
        said = await tx.execute(
            f"INSERT INTO promotions.enrolment ({_COLUMNS}) VALUES ({places}) ON CONFLICT DO NOTHING", *values
        )
        done += said == "INSERT 0 1"
    return done


async def enrolments(
    connection: Connection, campaign: UUID | None, merchant: UUID | None, before: UUID | None, limit: int
) -> list[Enrolment]:
    """The newest first."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM promotions.enrolment WHERE ($1::uuid IS NULL OR campaign = $1) "
        "AND ($2::uuid IS NULL OR merchant = $2) AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4",
        campaign,
        merchant,
        before,
        limit,
    )
    return [_enrolment(row) for row in rows]


async def count_standing(connection: Connection, campaign: UUID) -> int:
    """How many goods of a campaign wait or are approved."""
    return await connection.fetchval(
        "SELECT count(*) FROM promotions.enrolment WHERE campaign = $1 AND state IN ('proposed', 'approved')", campaign
    )


async def counts(connection: Connection) -> dict[UUID, dict[EnrolmentState, int]]:
    rows = await connection.fetch("SELECT campaign, state, count(*) FROM promotions.enrolment GROUP BY campaign, state")
    found: dict[UUID, dict[EnrolmentState, int]] = {}
    for campaign, state, number in rows:
        found.setdefault(campaign, {})[EnrolmentState(state)] = number
    return found


async def lock(tx: Connection, ids: Sequence[UUID]) -> list[Enrolment]:
    """These, kept from others until the transaction ends."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM promotions.enrolment WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE", ids
    )
    return [_enrolment(row) for row in rows]


async def decide(tx: Connection, enrolments: Sequence[Enrolment]) -> None:
    await tx.executemany(
        "UPDATE promotions.enrolment SET state = $2, reason = $3, decided_at = $4, decided_by = $5, offer = $6, "
        "claim = $7, claim_until = $8, lowest = $9 WHERE id = $1",
        [
            (
                one.id,
                one.state.value,
                one.reason,
                one.decided_at,
                one.decided_by,
                one.offer,
                one.claim,
                one.claim_until,
                one.lowest,
            )
            for one in enrolments
        ],
    )


async def due(tx: Connection, now: datetime) -> list[UUID]:
    """Claims whose units go back on the shelf now."""
    rows = await tx.fetch(
        "UPDATE promotions.enrolment SET claim_until = NULL WHERE id = ANY (ARRAY(SELECT id FROM promotions.enrolment "
        "WHERE claim_until <= $1 ORDER BY claim_until LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING claim",
        now,
        GIVEN_BACK_A_STEP,
    )
    return [row[0] for row in rows]
