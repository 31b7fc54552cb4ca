"""Draws and their tickets."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection, Record
from nightmarket.promotions.contract.draws import Draw, DrawState, Entry, TicketView, Winner
from nightmarket.promotions.model.draws import read_terms

PAGE = 10_000
"""Tickets that one reading returns at most."""

FORGOTTEN_AT_ONCE = 5_000
"""Guests' addresses that one transaction forgets."""

MAX_DRAWS = 100
FINDINGS_LIMIT = 100

_DRAW = """
id, terms, seed, seed_hash, state, made_at, made_by, tickets, list_hash, beacon_value, drawn_at, winners, given
"""


class Given(msgspec.Struct, frozen=True):
    """A winner who has yet to get the prize."""

    ticket: UUID
    place: int
    prize: str
    person: UUID
    account: UUID | None
    language: str
    email: str


def _draw(row: Record) -> Draw:
    return Draw(
        id=row["id"],
        terms=read_terms(row["terms"]),
        terms_text=row["terms"],
        seed=row["seed"],
        seed_hash=row["seed_hash"],
        state=DrawState(row["state"]),
        made_at=row["made_at"],
        made_by=row["made_by"],
        tickets=row["tickets"],
        list_hash=row["list_hash"],
        beacon_value=row["beacon_value"],
        drawn_at=row["drawn_at"],
        winners=row["winners"],
        given=row["given"],
    )


async def insert(tx: Connection, draw: Draw) -> bool:
    """Write a draw; False where it is there already."""
    done = await tx.fetchval(
        """
        INSERT INTO promotions.draw (id, terms, opens_at, closes_at, seed, seed_hash, state, made_at, made_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING true
        """,
        draw.id,
        draw.terms_text,
        draw.terms.opens_at,
        draw.terms.closes_at,
        draw.seed,
        draw.seed_hash,
        draw.state.value,
        draw.made_at,
        draw.made_by,
    )
    return bool(done)


async def one(connection: Connection, id: UUID, *, lock: bool = False) -> Draw | None:
    """A draw; with `lock` it is kept from others that would change it."""
    row = await connection.fetchrow(
        f"SELECT {_DRAW} FROM promotions.draw WHERE id = $1{' FOR NO KEY UPDATE' if lock else ''}", id
    )
    return _draw(row) if row else None


async def some(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Draw]:
    rows = await connection.fetch(f"SELECT {_DRAW} FROM promotions.draw WHERE id = ANY($1::uuid[])", ids)
    return {row["id"]: _draw(row) for row in rows}


async def newest(connection: Connection, limit: int) -> list[Draw]:
    rows = await connection.fetch(
        f"SELECT {_DRAW} FROM promotions.draw ORDER BY closes_at DESC, id LIMIT $1", min(limit, MAX_DRAWS)
    )
    return [_draw(row) for row in rows]


async def unfinished(connection: Connection, now: datetime) -> list[Draw]:
    """Draws past their closing whose prizes are not all given."""
    rows = await connection.fetch(
        f"SELECT {_DRAW} FROM promotions.draw WHERE state <> 'done' AND closes_at <= $1 "
        "ORDER BY closes_at, id LIMIT $2",
        now,
        MAX_DRAWS,
    )
    return [_draw(row) for row in rows]


async def count_unfinished(tx: Connection) -> int:
    return await tx.fetchval("SELECT count(*) FROM promotions.draw WHERE state <> 'done'")


async def hold_open(tx: Connection, ids: Iterable[UUID], now: datetime) -> dict[UUID, Draw]:
    """Of the draws, those that give tickets now; none of them closes until the transaction ends.

    Advisory locks and not locks of rows: a crowd of shared row locks would let the closing wait for ever.
    """
    wanted = sorted(set(ids))
    await tx.execute(
        "SELECT pg_advisory_xact_lock_shared(hashtextextended('promotions.draw ' || id, 0)) "
        "FROM unnest($1::uuid[]) AS w(id)",
        wanted,
    )
    rows = await tx.fetch(
        f"SELECT {_DRAW} FROM promotions.draw "
        "WHERE id = ANY($1) AND state = 'open' AND opens_at <= $2 AND closes_at > $2",
        wanted,
        now,
    )
    return {row["id"]: _draw(row) for row in rows}


async def hold_closing(tx: Connection, id: UUID) -> None:
    """Wait for every transaction that writes a ticket of the draw; those that come meanwhile wait and see it closed."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('promotions.draw ' || $1, 0))", str(id))


async def write_tickets(tx: Connection, new: Sequence[tuple[UUID, Entry]], now: datetime) -> set[UUID]:
    """Write tickets; those that are there already stay as they are, but for an address that was missing. Returns the
    ids of the new ones."""
    ordered = sorted(dict(new).items())
    rows = await tx.fetch(
        """
        INSERT INTO promotions.draw_ticket AS t (draw, id, rule, person, account, language, email, taken_at)
        SELECT *, $8::timestamptz
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::text[], $7::text[])
        ON CONFLICT (draw, id) DO UPDATE SET email = excluded.email WHERE t.email = '' AND excluded.email <> ''
        RETURNING id, xmax = 0
        """,
        [entry.draw for _, entry in ordered],
        [id for id, _ in ordered],
        [entry.rule for _, entry in ordered],
        [entry.person for _, entry in ordered],
        [entry.account for _, entry in ordered],
        [entry.language for _, entry in ordered],
        [entry.email for _, entry in ordered],
        now,
    )
    return {row[0] for row in rows if row[1]}


_TICKET = "draw, id, rule, taken_at, place, prize, code, given_at"


def _ticket(row: Record) -> TicketView:
    return TicketView(*(row[name] for name in _TICKET.split(", ")))


async def tickets(connection: Connection, wanted: Sequence[tuple[UUID, UUID]]) -> dict[UUID, TicketView]:
    """Tickets by draw and id."""
    rows = await connection.fetch(
        """
        SELECT t.draw, t.id, t.rule, t.taken_at, t.place, t.prize, t.code, t.given_at
        FROM unnest($1::uuid[], $2::uuid[]) AS w (draw, id)
        JOIN promotions.draw_ticket t ON t.draw = w.draw AND t.id = w.id
        """,
        [draw for draw, _ in wanted],
        [id for _, id in wanted],
    )
    return {row["id"]: _ticket(row) for row in rows}


async def tickets_of(connection: Connection, person: UUID, draw: UUID | None, limit: int) -> list[TicketView]:
    """Somebody's tickets: prizes first, then the newest."""
    rows = await connection.fetch(
        f"SELECT {_TICKET} FROM promotions.draw_ticket WHERE person = $1 AND ($2::uuid IS NULL OR draw = $2) "
        "ORDER BY place IS NULL, taken_at DESC, id LIMIT $3",
        person,
        draw,
        limit,
    )
    return [_ticket(row) for row in rows]


async def amounts(connection: Connection, draws: Sequence[UUID]) -> dict[UUID, int]:
    rows = await connection.fetch(
        "SELECT draw, count(*) FROM promotions.draw_ticket WHERE draw = ANY($1) GROUP BY draw", draws
    )
    return {row[0]: row[1] for row in rows}


async def by_rule(connection: Connection, draw: UUID) -> Mapping[str, int]:
    rows = await connection.fetch(
        "SELECT rule, count(*) FROM promotions.draw_ticket WHERE draw = $1 GROUP BY rule", draw
    )
    return {row[0]: row[1] for row in rows}


async def page_of_ids(connection: Connection, draw: UUID, after: UUID) -> list[UUID]:
    """The next PAGE ids of tickets behind one, in order."""
    rows = await connection.fetch(
        "SELECT id FROM promotions.draw_ticket WHERE draw = $1 AND id > $2 ORDER BY id LIMIT $3", draw, after, PAGE
    )
    return [row[0] for row in rows]


async def winners(connection: Connection, draw: UUID, after: int, limit: int) -> list[Winner]:
    """Drawn tickets behind a place."""
    rows = await connection.fetch(
        "SELECT place, id, prize, given_at IS NOT NULL FROM promotions.draw_ticket "
        "WHERE draw = $1 AND place > $2 ORDER BY place LIMIT $3",
        draw,
        after,
        limit,
    )
    return [Winner(row[0], row[1], row[2], row[3]) for row in rows]


async def close(tx: Connection, id: UUID) -> bool:
    """No ticket comes any more; False where somebody else closed it."""
    done = await tx.fetchval(
        "UPDATE promotions.draw SET state = 'closed' WHERE id = $1 AND state = 'open' RETURNING true", id
    )
    return bool(done)


async def note_list(tx: Connection, id: UUID, tickets: int, list_hash: bytes) -> bool:
    """The closed list: how many tickets and their hash, once."""
    done = await tx.fetchval(
        "UPDATE promotions.draw SET tickets = $2, list_hash = $3 "
        "WHERE id = $1 AND state = 'closed' AND list_hash = ''::bytea RETURNING true",
        id,
        tickets,
        list_hash,
    )
    return bool(done)


async def set_beacon(tx: Connection, id: UUID, value: str) -> None:
    await tx.execute("UPDATE promotions.draw SET beacon_value = $2 WHERE id = $1 AND state = 'closed'", id, value)


async def note_result(tx: Connection, id: UUID, won: Sequence[tuple[UUID, str]], now: datetime) -> bool:
    """Write who won, once: False where somebody else has."""
    done = await tx.fetchval(
        "UPDATE promotions.draw SET state = 'drawn', drawn_at = $2, winners = $3 "
        "WHERE id = $1 AND state = 'closed' RETURNING true",
        id,
        now,
        len(won),
    )
    if not done:
        return False
    await tx.execute(
        """
        UPDATE promotions.draw_ticket t SET place = w.place, prize = w.prize
        FROM unnest($2::uuid[], $3::text[]) WITH ORDINALITY AS w (id, prize, place) WHERE t.draw = $1 AND t.id = w.id
        """,
        id,
        [ticket for ticket, _ in won],
        [prize for _, prize in won],
    )
    return True


async def waiting_winners(tx: Connection, draw: UUID, limit: int) -> list[Given]:
    """Winners without their prize, locked; an address that a guest wrote with one ticket is that of all."""
    rows = await tx.fetch(
        """
        SELECT t.id, t.place, t.prize, t.person, t.account, t.language, coalesce((
            SELECT o.email FROM promotions.draw_ticket o
            WHERE o.draw = t.draw AND o.person = t.person AND o.email <> '' LIMIT 1), '')
        FROM promotions.draw_ticket t
        WHERE t.draw = $1 AND t.place IS NOT NULL AND t.given_at IS NULL ORDER BY t.place LIMIT $2
        FOR NO KEY UPDATE OF t
        """,
        draw,
        limit,
    )
    return [Given(*row) for row in rows]


async def note_given(tx: Connection, draw: UUID, given: Sequence[tuple[UUID, UUID, str | None]], now: datetime) -> None:
    """Ticket, claim, code: the prize is theirs."""
    await tx.execute(
        """
        UPDATE promotions.draw_ticket t SET claim = w.claim, code = w.code, given_at = $5
        FROM unnest($2::uuid[], $3::uuid[], $4::text[]) AS w (id, claim, code) WHERE t.draw = $1 AND t.id = w.id
        """,
        draw,
        [one[0] for one in given],
        [one[1] for one in given],
        [one[2] for one in given],
        now,
    )
    await tx.execute("UPDATE promotions.draw SET given = given + $2 WHERE id = $1", draw, len(given))


async def forget_emails(tx: Connection, draw: UUID) -> int:
    """Forget some guests' addresses; returns how many."""
    done = await tx.execute(
        """
        UPDATE promotions.draw_ticket SET email = '' WHERE draw = $1 AND id = ANY (ARRAY(
            SELECT id FROM promotions.draw_ticket WHERE draw = $1 AND email <> '' LIMIT $2))
        """,
        draw,
        FORGOTTEN_AT_ONCE,
    )
    return int(done.rpartition(" ")[2])


async def finish(tx: Connection, id: UUID) -> None:
    await tx.execute("UPDATE promotions.draw SET state = 'done' WHERE id = $1 AND state = 'drawn'", id)


async def given_by_prize(connection: Connection, draw: UUID) -> Mapping[str, int]:
    rows = await connection.fetch(
        "SELECT prize, count(*) FROM promotions.draw_ticket WHERE draw = $1 AND given_at IS NOT NULL GROUP BY prize",
        draw,
    )
    return {row[0]: row[1] for row in rows}


async def late_tickets(connection: Connection) -> list[tuple[UUID, UUID]]:
    """Tickets taken outside the time of their draw."""
    rows = await connection.fetch(
        "SELECT t.draw, t.id FROM promotions.draw_ticket t JOIN promotions.draw d ON d.id = t.draw "
        "WHERE t.taken_at >= d.closes_at OR t.taken_at < d.opens_at LIMIT $1",
        FINDINGS_LIMIT,
    )
    return [(row[0], row[1]) for row in rows]


async def all_draws(connection: Connection) -> list[UUID]:
    rows = await connection.fetch("SELECT id FROM promotions.draw ORDER BY id")
    return [row[0] for row in rows]


async def forget(tx: Connection, account: UUID, person: UUID, nobody: UUID) -> None:
    """What somebody had is an unknown person's from now on. Reads the whole table: people leave seldom."""
    await tx.execute(
        "UPDATE promotions.draw_ticket SET person = $3, account = NULL, email = '' WHERE person = $2 OR account = $1",
        account,
        person,
        nobody,
    )
