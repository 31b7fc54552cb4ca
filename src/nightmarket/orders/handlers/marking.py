"""Which requests changed a session: the last of them in the session itself, older ones in rows of their own."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from nightmarket.kernel.clock import Clock
from nightmarket.orders import store
from nightmarket.orders.model.session import KEY_BYTES, MAX_MARKS, SessionBody
from nightmarket.platform.database import Connection, Database, Record

KEPT = timedelta(hours=48)
"""How long an older key is known: UCP asks for 24 hours at least and recommends 48. Those in a session go with it."""

SWEEP_LIMIT = 10_000


class Marks:
    """The marks of the sessions that a batch has locked."""

    def __init__(self, locked: Mapping[UUID, Record], now: datetime) -> None:
        self._locked = locked
        self._now = now
        self._latest: dict[UUID, SessionBody] = {}
        self._older: dict[tuple[UUID, bytes], bytes] = {}
        self._moved: list[tuple[UUID, bytes, bytes, datetime]] = []

    def body(self, id: UUID) -> SessionBody:
        """A locked session's body, as the batch has left it so far."""
        known = self._latest.get(id)
        if known is None:
            known = self._latest[id] = store.SESSION_BODY.decode(self._locked[id]["body"])
        return known

    async def look(self, tx: Connection, asked: Sequence[tuple[UUID, bytes]]) -> None:
        """Find older marks of these requests (session, mark): only a session that is full of marks can have some."""
        pairs = [
            (id, mark[:KEY_BYTES])
            for id, mark in asked
            if mark and id in self._locked and len(self.body(id).marks) >= MAX_MARKS
        ]
        if pairs:
            self._older = await store.older_marks(tx, pairs)

    def wrote(self, id: UUID, mark: bytes) -> bool | None:
        """Whether that request changed the session before; None where its key came with another body."""
        known = self._older.get((id, mark[:KEY_BYTES]))
        return self.body(id).wrote(mark) if known is None else (known == mark[KEY_BYTES:] or None)

    def mark(self, id: UUID, body: SessionBody, mark: bytes) -> SessionBody:
        """The new body as it is stored: with the marks of before, whoever writes it, and the mark of this request."""
        marks = (*self.body(id).marks, mark) if mark else self.body(id).marks
        for old in marks[:-MAX_MARKS]:
            self._older[id, old[:KEY_BYTES]] = old[KEY_BYTES:]
            self._moved.append((id, old[:KEY_BYTES], old[KEY_BYTES:], self._now))
        marked = self._latest[id] = msgspec.structs.replace(body, marks=marks[-MAX_MARKS:])
        return marked

    async def write(self, tx: Connection) -> None:
        """Keep what no longer has room in its session."""
        if self._moved:
            await store.insert_older_marks(tx, self._moved)


async def sweep(database: Database, clock: Clock) -> int:
    """Forget older keys after KEPT; returns how many."""
    async with database.transaction() as tx:
        return await store.sweep_older_marks(tx, clock.now() - KEPT, SWEEP_LIMIT)
