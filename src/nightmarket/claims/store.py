"""All queries on the tables of claims. Lock order: claims by id, then the claims and slices of tally."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection, Record
from nightmarket.tally.contract import ClaimState

from .model import ClaimFilter, ClaimLine, ClaimView, Holder

_PACK = msgspec.msgpack.Encoder()
_LINES = msgspec.msgpack.Decoder(tuple[ClaimLine, ...])
_COLUMNS = "id, client, merchant, reference, request, lines, units, state, deadline, made_at, ended_at"


def _view(row: Record) -> ClaimView:
    return ClaimView(
        id=row["id"],
        client=row["client"],
        merchant=row["merchant"],
        reference=row["reference"],
        request=row["request"],
        state=ClaimState(row["state"]),
        deadline=row["deadline"],
        made_at=row["made_at"],
        ended_at=row["ended_at"],
        lines=_LINES.decode(row["lines"]),
    )


async def read(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, ClaimView]:
    rows = await connection.fetch(f"SELECT {_COLUMNS} FROM claims.claim WHERE id = ANY($1::uuid[])", ids)
    return {row["id"]: _view(row) for row in rows}


async def lock(tx: Connection, ids: Sequence[UUID]) -> dict[UUID, ClaimView]:
    """The claims, locked in order of id."""
    rows = await tx.fetch(f"SELECT {_COLUMNS} FROM claims.claim WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE", ids)
    return {row["id"]: _view(row) for row in rows}


async def insert(tx: Connection, claims: Sequence[ClaimView]) -> None:
    """Add claims, in order of id."""
    await tx.copy_records_to_table(
        "claim",
        schema_name="claims",
        columns=tuple(_COLUMNS.split(", ")),
        records=[
            (
                claim.id,
                claim.client,
                claim.merchant,
                claim.reference,
                claim.request,
                _PACK.encode(claim.lines),
                claim.units,
                claim.state,
                claim.deadline,
                claim.made_at,
                claim.ended_at,
            )
            for claim in sorted(claims, key=lambda claim: claim.id)
        ],
    )


async def end(tx: Connection, ids: Mapping[UUID, ClaimState], at: datetime) -> None:
    """Note how locked claims have ended."""
    await tx.execute(
        """
        UPDATE claims.claim AS c SET state = d.state, ended_at = $3
        FROM unnest($1::uuid[], $2::smallint[]) AS d(id, state) WHERE c.id = d.id
        """,
        list(ids),
        list(ids.values()),
        at,
    )


async def due(connection: Connection, now: datetime, limit: int) -> list[UUID]:
    """Held claims whose deadline has passed, longest first."""
    rows = await connection.fetch(
        "SELECT id FROM claims.claim WHERE state = 1 AND deadline <= $1 ORDER BY deadline, id LIMIT $2", now, limit
    )
    return [row["id"] for row in rows]


async def lock_due(tx: Connection, ids: Sequence[UUID], now: datetime) -> dict[UUID, ClaimView]:
    """Those of the claims that are still due and that nobody else is at, locked in order of id."""
    rows = await tx.fetch(
        f"""
        SELECT {_COLUMNS} FROM claims.claim WHERE id = ANY($1::uuid[]) AND state = 1 AND deadline <= $2
        ORDER BY id FOR UPDATE SKIP LOCKED
        """,
        ids,
        now,
    )
    return {row["id"]: _view(row) for row in rows}


async def page(connection: Connection, after: UUID, limit: int) -> list[tuple[ClaimView, int]]:
    """Claims in order of id, each with its units as they were counted when it was made."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM claims.claim WHERE id > $1 ORDER BY id LIMIT $2", after, limit
    )
    return [(_view(row), row["units"]) for row in rows]


async def board(
    connection: Connection, chosen: ClaimFilter, before: tuple[datetime, UUID] | None, limit: int
) -> list[ClaimView]:
    """Claims, newest first, made before the given (made_at, id)."""
    at, id = before or (None, None)
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM claims.claim
        WHERE ($1::smallint IS NULL OR state = $1) AND ($2::uuid IS NULL OR client = $2)
            AND ($3::timestamptz IS NULL OR (made_at, id) < ($3, $4::uuid))
        ORDER BY made_at DESC, id DESC LIMIT $5
        """,
        chosen.state,
        chosen.client,
        at,
        id,
        limit,
    )
    return [_view(row) for row in rows]


async def holders(connection: Connection, limit: int) -> list[Holder]:
    """What each key holds now, most units first."""
    rows = await connection.fetch(
        """
        SELECT client, count(*) AS claims, sum(units)::bigint AS units, min(deadline) AS ends_at
        FROM claims.claim WHERE state = 1 GROUP BY client ORDER BY 3 DESC, client LIMIT $1
        """,
        limit,
    )
    return [Holder(row["client"], row["claims"], row["units"], row["ends_at"]) for row in rows]


async def note_names(tx: Connection, rows: Sequence[tuple[UUID, UUID, str]], at: datetime) -> None:
    """Remember names of tallies (tally, owner, name); those that are known stay."""
    await tx.execute(
        """
        INSERT INTO claims.named (tally, owner, name, opened_at)
        SELECT n.*, $4 FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS n(tally, owner, name) ORDER BY n.tally
        ON CONFLICT DO NOTHING
        """,
        *(list(column) for column in zip(*rows, strict=True)),
        at,
    )


async def names(connection: Connection, tallies: Sequence[UUID]) -> dict[UUID, str]:
    rows = await connection.fetch("SELECT tally, name FROM claims.named WHERE tally = ANY($1::uuid[])", tallies)
    return {row["tally"]: row["name"] for row in rows}


async def note_request(tx: Connection, id: UUID, digest: bytes, at: datetime) -> bytes | None:
    """Note a command; None when it is new, else the digest of what was asked the first time.

    While another transaction notes the same one, this waits for it.
    """
    status = await tx.execute(
        "INSERT INTO claims.request (id, digest, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", id, digest, at
    )
    if status.endswith(" 1"):
        return None
    return await tx.fetchval("SELECT digest FROM claims.request WHERE id = $1", id)


async def forget_requests(tx: Connection, before: datetime) -> None:
    await tx.execute("DELETE FROM claims.request WHERE at < $1", before)
