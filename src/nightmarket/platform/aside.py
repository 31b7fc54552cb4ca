"""Work set aside: a consumer of facts writes down in one row what can wait, and a drain does it at its own pace.

So consumers keep up with a rush at a few microseconds a fact, and what is not urgent (a mail, a count for the ranking)
takes no more of the machine than its drain's share. Each piece works once: it goes in the transaction of its effect.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import Ids
from nightmarket.kernel.problems import Unavailable

from .database import Connection, Database

PIECE_LIMIT = 250
"""Things that one piece lists, so that doing it is a short transaction."""

Do = Callable[[Connection, Sequence[bytes]], Awaitable[None]]


class Chore(msgspec.Struct, frozen=True):
    """What is done with the pieces of a topic, `at_once` of them together, inside the transaction that takes them."""

    topic: str
    do: Do
    at_once: int = 1


class Waiting(msgspec.Struct, frozen=True):
    """What of a topic is not done yet; `since` is when the oldest piece was set aside."""

    topic: str
    things: int
    since: datetime


_PUT = """
INSERT INTO platform.aside (id, topic, amount, payload, at)
SELECT id, $2, amount, payload, $5 FROM unnest($1::uuid[], $3::integer[], $4::bytea[]) AS new (id, amount, payload)
"""
_TAKE = """
DELETE FROM platform.aside WHERE id = ANY (ARRAY(
    SELECT id FROM platform.aside WHERE topic = $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED))
RETURNING id, amount, payload
"""
_BEHIND = "UPDATE platform.aside SET id = $2 WHERE id = $1"
_WAITING = "SELECT topic, sum(amount)::bigint AS things, min(at) AS since FROM platform.aside GROUP BY topic"


class Aside:
    """Puts work aside and does it later. Several processes may do the work of one topic; each piece is done by one."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids

    async def put(self, tx: Connection, topic: str, pieces: Sequence[tuple[int, bytes]]) -> None:
        """Set pieces aside, each with the number of things in it, in the caller's transaction."""
        if pieces:
            ids = [self._ids.new() for _ in pieces]
            amounts, payloads = zip(*pieces, strict=True)
            await tx.execute(_PUT, ids, topic, amounts, payloads, self._clock.now())

    async def step(self, chore: Chore) -> int:
        """Do the oldest pieces of a topic; returns how many things were in them. What fails stays, and its oldest piece
        goes behind the others, so that one that always fails holds nobody up."""
        oldest: UUID | None = None
        try:
            async with self._database.transaction() as tx:
                rows = await tx.fetch(_TAKE, chore.topic, chore.at_once)
                if rows:
                    rows.sort(key=lambda row: row["id"])
                    oldest = rows[0]["id"]
                    await chore.do(tx, [row["payload"] for row in rows])
        except Unavailable:
            raise
        except Exception:
            async with self._database.transaction() as tx:
                await tx.execute(_BEHIND, oldest, self._ids.new())
            raise
        return sum(row["amount"] for row in rows)


async def waiting(connection: Connection) -> list[Waiting]:
    """What is set aside, by topic."""
    return [Waiting(row["topic"], row["things"], row["since"]) for row in await connection.fetch(_WAITING)]
