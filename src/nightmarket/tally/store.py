"""All queries on the tables of tally. Lock order: claims by id, then slices by (tally, slice)."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache
from struct import Struct
from uuid import UUID

from nightmarket.platform.copying import ID, INT2, INT8, UUID_, array_head, copy_rows, fields, microseconds
from nightmarket.platform.database import Connection, Record
from nightmarket.platform.pipeline import later

from .model import Grant, Slice

HELD = 1
CLAIM_COLUMNS = ("id", "state", "deadline", "tallies", "slices", "quantities")

LOCK_OWN = """
SELECT tally, slice, slices, capacity, held, spent FROM tally.slice
WHERE tally = ANY($1::uuid[]) AND (slice = $2 % slices OR tally = ANY($3::uuid[]))
ORDER BY tally, slice FOR UPDATE
"""


async def lock(
    tx: Connection, tallies: Iterable[UUID], worker: int, whole: Iterable[UUID]
) -> tuple[list[Slice], dict[UUID, int]]:
    """Lock the worker's slice of each tally, or all slices of those in `whole`; and how many slices each has."""
    rows = await tx.fetch(LOCK_OWN, list(tallies), worker, list(whole))
    slices = [
        Slice(tally, number, capacity=capacity, held=held, spent=spent)
        for tally, number, _, capacity, held, spent in rows
    ]
    return slices, {row[0]: row[2] for row in rows}


async def look(tx: Connection, tallies: Sequence[UUID], worker: int) -> list[tuple[UUID, int, int]]:
    """The worker's slice of each tally, without a lock: (tally, slice, what is free)."""
    rows = await tx.fetch(
        """
        SELECT tally, slice, capacity - held - spent FROM tally.slice
        WHERE tally = ANY($1::uuid[]) AND slice = $2 % slices
        """,
        tallies,
        worker,
    )
    return [(row[0], row[1], row[2]) for row in rows]


HOLD = """
UPDATE tally.slice AS s SET held = s.held + d.held
FROM unnest($1::uuid[], $2::smallint[], $3::bigint[]) AS d(tally, slice, held)
WHERE s.tally = d.tally AND s.slice = d.slice
"""
UPDATE = """
UPDATE tally.slice AS s SET capacity = s.capacity + d.capacity, held = s.held + d.held, spent = s.spent + d.spent
FROM unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[])
    AS d(tally, slice, capacity, held, spent)
WHERE s.tally = d.tally AND s.slice = d.slice
"""

HOLD_ALL = f"""
WITH held AS ({HOLD} RETURNING 1)
SELECT ('a locked slice is gone, left are ' || count(*))::integer FROM held HAVING count(*) <> $4
"""
"""Fails where it finds another number of slices than that; returns nothing."""

TAKE = f"""
WITH taken AS ({HOLD} AND s.held + s.spent + d.held < s.capacity RETURNING 1)
SELECT ('there is enough of so many slices only: ' || count(*))::integer FROM taken HAVING count(*) <> $4
"""
"""As HOLD_ALL, of slices that nobody has locked: fails where it would take the last of one, or more."""

Change = tuple[UUID, int, int, int, int]
"""tally, slice, and what is added to capacity, held and spent."""


async def change(tx: Connection, changes: Sequence[Change]) -> int:
    """Add to locked slices; returns how many rows there were."""
    if not changes:
        return 0
    tallies, slices, capacity, held, spent = zip(*changes, strict=True)
    if any(capacity) or any(spent):
        status = await tx.execute(UPDATE, tallies, slices, capacity, held, spent)
    else:
        status = await tx.execute(HOLD, tallies, slices, held)
    return int(status.rsplit(" ", 1)[1])


async def hold(tx: Connection, changes: Sequence[tuple[UUID, int, int]]) -> None:
    """Hold more of locked slices (tally, slice, held); the transaction fails if one of them is gone."""
    if changes:
        tallies, slices, held = zip(*changes, strict=True)
        await later(tx, HOLD_ALL, tallies, slices, held, len(changes))


async def take(tx: Connection, changes: Sequence[tuple[UUID, int, int]]) -> None:
    """Hold more of slices (tally, slice, held) that nobody has locked, in order; the transaction fails if there is
    not more than that in each."""
    if changes:
        tallies, slices, held = zip(*changes, strict=True)
        await later(tx, TAKE, tallies, slices, held, len(changes))


async def lock_slices(tx: Connection, slices: Sequence[tuple[UUID, int]]) -> None:
    """Lock given slices in order, before their numbers are changed."""
    tallies, numbers = zip(*slices, strict=True)
    await tx.execute(
        """
        SELECT 1 FROM tally.slice
        WHERE (tally, slice) IN (SELECT * FROM unnest($1::uuid[], $2::smallint[]))
        ORDER BY tally, slice FOR UPDATE
        """,
        tallies,
        numbers,
    )


async def insert_claims(tx: Connection, grants: Sequence[Grant]) -> None:
    await copy_rows(tx, "tally", "claim", CLAIM_COLUMNS, packed(grants))


_FIRST = fields(len(CLAIM_COLUMNS)) + ID
_STATE = Struct("!ihiq").pack


def packed(grants: Sequence[Grant]) -> list[bytes]:
    """Rows of claims for COPY."""
    rows: list[bytes] = []
    deadline: datetime | None = None
    state = b""
    for grant in grants:
        if grant.deadline != deadline:
            deadline = grant.deadline
            state = _STATE(2, HELD, 8, microseconds(deadline))
        parts = grant.parts
        pack, tallies, slices, quantities = _claim(len(parts))
        row: list[int | bytes] = [_FIRST, grant.id.bytes, state, tallies]
        for part in parts:
            row += (ID, part.tally.bytes)
        row.append(slices)
        for part in parts:
            row += (2, part.slice)
        row.append(quantities)
        for part in parts:
            row += (8, part.quantity)
        rows.append(pack(*row))
    return rows


@cache
def _claim(parts: int) -> tuple[Callable[..., bytes], bytes, bytes, bytes]:
    """A row of a claim of that many parts, for COPY, and what its arrays begin with."""
    row = Struct(f"!6s16s18s24s{'4s16s' * parts}24s{'ih' * parts}24s{'iq' * parts}")
    return row.pack, array_head(UUID_, parts), array_head(INT2, parts), array_head(INT8, parts)


async def lock_claims(tx: Connection, claims: Sequence[UUID]) -> list[Record]:
    return await tx.fetch(
        """
        SELECT id, state, deadline, tallies, slices, quantities FROM tally.claim
        WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE
        """,
        claims,
    )


async def read_claims(connection: Connection, claims: Sequence[UUID]) -> list[Record]:
    return await connection.fetch(
        "SELECT id, state, tallies, slices, quantities FROM tally.claim WHERE id = ANY($1::uuid[])", claims
    )


async def mark_claims(tx: Connection, claims: Sequence[UUID], state: int) -> None:
    await tx.execute("UPDATE tally.claim SET state = $2 WHERE id = ANY($1::uuid[])", claims, state)


_END = "UPDATE tally.claim SET state = $2 WHERE id = ANY($1::uuid[]) AND state = 1 RETURNING id"


async def end_claims(tx: Connection, claims: Sequence[UUID], state: int) -> list[UUID]:
    """Give claims another state where they are held; returns which were."""
    return [row[0] for row in await tx.fetch(_END, claims, state)]


_TAKE_BACK = """
WITH part AS MATERIALIZED (
    SELECT u.tally, u.slice, sum(u.quantity)::bigint AS held, (sum(u.quantity) FILTER (WHERE ended.settled)) AS spent
    FROM (
        SELECT tallies, slices, quantities, true AS settled FROM tally.claim WHERE id = ANY($1::uuid[])
        UNION ALL SELECT tallies, slices, quantities, false FROM tally.claim WHERE id = ANY($2::uuid[])
    ) AS ended, unnest(ended.tallies, ended.slices, ended.quantities) AS u(tally, slice, quantity)
    GROUP BY u.tally, u.slice
), locked AS (
    SELECT s.tally, s.slice, p.held, coalesce(p.spent, 0)::bigint AS spent
    FROM part AS p JOIN tally.slice AS s ON s.tally = p.tally AND s.slice = p.slice
    ORDER BY s.tally, s.slice FOR UPDATE OF s
), done AS (
    UPDATE tally.slice AS s SET held = s.held - l.held, spent = s.spent + l.spent
    FROM locked AS l WHERE s.tally = l.tally AND s.slice = l.slice RETURNING 1
)
SELECT ('a claim names slices that do not exist: ' || wanted)::integer
FROM (SELECT (SELECT count(*) FROM part) AS wanted, (SELECT count(*) FROM done) AS found) AS counted
WHERE wanted <> found
"""


async def take_back(tx: Connection, settled: Sequence[UUID], released: Sequence[UUID]) -> None:
    """Hold no more what these claims took; what settled ones took is spent. Locks their slices in order. The
    transaction fails where a claim names a slice that does not exist."""
    await later(tx, _TAKE_BACK, settled, released)


async def open_slices(
    tx: Connection, rows: Sequence[tuple[UUID, int, int, int, int]], at: datetime, cause: str
) -> list[UUID]:
    """Insert the slices (tally, slice, slices, kind, capacity) of tallies that are missing, each with its adjustment;
    returns the tallies made. Slice 0 decides, so that a tally opened twice has the slices of one opening only.
    """
    tallies, numbers, counts, kinds, capacities = zip(*rows, strict=True)
    made = await tx.fetch(
        """
        WITH wanted AS (
            SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::smallint[], $4::smallint[], $5::bigint[])
                AS w(tally, slice, slices, kind, capacity)
        ), first AS (
            INSERT INTO tally.slice (tally, slice, slices, kind, capacity)
            SELECT * FROM wanted WHERE slice = 0 ORDER BY tally
            ON CONFLICT DO NOTHING RETURNING tally, slice, capacity
        ), rest AS (
            INSERT INTO tally.slice (tally, slice, slices, kind, capacity)
            SELECT * FROM wanted WHERE slice > 0 AND tally IN (SELECT tally FROM first)
            RETURNING tally, slice, capacity
        ), noted AS (
            INSERT INTO tally.adjustment (id, tally, slice, delta, cause, at)
            SELECT tally, tally, slice, capacity, $7, $6 FROM (TABLE first UNION ALL TABLE rest) AS made
        )
        SELECT tally FROM first
        """,
        tallies,
        numbers,
        counts,
        kinds,
        capacities,
        at,
        cause,
    )
    return [row[0] for row in made]


async def note_adjustments(
    tx: Connection, rows: Sequence[tuple[UUID, UUID, int, int, str]], at: datetime
) -> set[tuple[UUID, UUID]]:
    """Insert adjustments (id, tally, slice, delta, cause); returns the (id, tally) pairs that were new."""
    ids, tallies, slices, deltas, causes = zip(*rows, strict=True)
    made = await tx.fetch(
        """
        INSERT INTO tally.adjustment (id, tally, slice, delta, cause, at)
        SELECT a.*, $6 FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::bigint[], $5::text[]) AS a
        ON CONFLICT DO NOTHING RETURNING id, tally
        """,
        ids,
        tallies,
        slices,
        deltas,
        causes,
        at,
    )
    return {(row[0], row[1]) for row in made}


async def noted(connection: Connection, ids: Sequence[UUID]) -> set[tuple[UUID, UUID]]:
    """Which (adjustment, tally) pairs exist already."""
    rows = await connection.fetch("SELECT id, tally FROM tally.adjustment WHERE id = ANY($1::uuid[])", ids)
    return {(row[0], row[1]) for row in rows}


async def returned(connection: Connection, tallies: Sequence[UUID], cause: str) -> dict[UUID, int]:
    """The sum of the adjustments with that cause."""
    rows = await connection.fetch(
        """
        SELECT tally, sum(delta)::bigint AS delta FROM tally.adjustment
        WHERE cause = $2 AND tally = ANY($1::uuid[]) GROUP BY tally
        """,
        tallies,
        cause,
    )
    return {row["tally"]: row["delta"] for row in rows}


async def levels(connection: Connection, tallies: Iterable[UUID]) -> list[Record]:
    return await connection.fetch(
        """
        SELECT tally, sum(capacity)::bigint AS capacity, sum(held)::bigint AS held, sum(spent)::bigint AS spent
        FROM tally.slice WHERE tally = ANY($1::uuid[]) GROUP BY tally
        """,
        list(tallies),
    )


async def scarcest(connection: Connection, kind: int, limit: int) -> list[Record]:
    """Tallies of that kind with anything in them, by what is left."""
    return await connection.fetch(
        """
        SELECT tally, sum(capacity)::bigint AS capacity, sum(held)::bigint AS held, sum(spent)::bigint AS spent
        FROM tally.slice WHERE kind = $1 GROUP BY tally HAVING sum(capacity) > 0
        ORDER BY sum(capacity - held - spent), tally LIMIT $2
        """,
        kind,
        limit,
    )


async def emptied(connection: Connection, kind: int, limit: int) -> list[UUID]:
    """Tallies of that kind of which nothing is left, though there was something."""
    rows = await connection.fetch(
        """
        SELECT tally FROM tally.slice WHERE kind = $1 GROUP BY tally
        HAVING sum(capacity) > 0 AND sum(capacity) = sum(held + spent) LIMIT $2
        """,
        kind,
        limit,
    )
    return [row["tally"] for row in rows]


async def recount(connection: Connection, tallies: Iterable[UUID]) -> list[Record]:
    """What adjustments and claims of these tallies add up to."""
    return await connection.fetch(
        """
        SELECT t.tally, coalesce(c.capacity, 0)::bigint AS capacity, coalesce(p.held, 0)::bigint AS held,
            coalesce(p.spent, 0)::bigint AS spent
        FROM unnest($1::uuid[]) AS t(tally)
        LEFT JOIN (SELECT tally, sum(delta) AS capacity FROM tally.adjustment GROUP BY tally) AS c USING (tally)
        LEFT JOIN (
            SELECT u.tally, sum(u.quantity) FILTER (WHERE c.state = 1) AS held,
                sum(u.quantity) FILTER (WHERE c.state = 2) AS spent
            FROM tally.claim c, unnest(c.tallies, c.quantities) AS u(tally, quantity)
            WHERE c.state IN (1, 2) AND c.tallies && $1::uuid[] GROUP BY u.tally
        ) AS p USING (tally)
        """,
        list(tallies),
    )


async def claimed_beside(connection: Connection, tallies: Iterable[UUID], claims: Iterable[UUID]) -> dict[UUID, int]:
    """Units of these tallies in all other claims that hold or took some."""
    rows = await connection.fetch(
        """
        SELECT u.tally, sum(u.quantity)::bigint AS units
        FROM tally.claim c, unnest(c.tallies, c.quantities) AS u(tally, quantity)
        WHERE c.state IN (1, 2) AND c.tallies && $1::uuid[] AND c.id <> ALL ($2::uuid[]) AND u.tally = ANY ($1::uuid[])
        GROUP BY u.tally
        """,
        list(tallies),
        list(claims),
    )
    return {row["tally"]: row["units"] for row in rows}


AUDIT_SLICES = """
WITH part AS (
    SELECT u.tally, u.slice, sum(u.quantity) FILTER (WHERE c.state = 1) AS held,
        sum(u.quantity) FILTER (WHERE c.state = 2) AS spent
    FROM tally.claim c, unnest(c.tallies, c.slices, c.quantities) AS u(tally, slice, quantity)
    WHERE c.state IN (1, 2) GROUP BY u.tally, u.slice
), capacity AS (
    SELECT tally, slice, sum(delta) AS capacity FROM tally.adjustment GROUP BY tally, slice
)
SELECT coalesce(s.tally, p.tally, k.tally) AS tally, coalesce(s.slice, p.slice, k.slice) AS slice,
    coalesce(p.held, 0)::bigint AS held_claimed, s.held, coalesce(p.spent, 0)::bigint AS spent_claimed, s.spent,
    coalesce(k.capacity, 0)::bigint AS capacity_noted, s.capacity
FROM tally.slice s FULL JOIN part p ON (p.tally, p.slice) = (s.tally, s.slice)
    FULL JOIN capacity k ON (k.tally, k.slice) = (s.tally, s.slice)
WHERE s.held IS DISTINCT FROM coalesce(p.held, 0) OR s.spent IS DISTINCT FROM coalesce(p.spent, 0)
    OR s.capacity IS DISTINCT FROM coalesce(k.capacity, 0)
LIMIT $1
"""


async def audit_slices(connection: Connection, limit: int) -> list[Record]:
    """Slices whose numbers differ from the sums of their claims and adjustments."""
    return await connection.fetch(AUDIT_SLICES, limit)


async def audit_numbers(connection: Connection, limit: int) -> list[Record]:
    """Tallies that lack a slice or have one of another division."""
    return await connection.fetch(
        """
        SELECT tally, count(*) AS found, min(slices) AS least, max(slices) AS most FROM tally.slice
        GROUP BY tally HAVING min(slices) <> max(slices) OR count(*) <> max(slices) OR max(slice) <> max(slices) - 1
        LIMIT $1
        """,
        limit,
    )
