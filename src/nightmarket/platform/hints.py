"""Hints from process to process that something is worth looking at now: said directly, after a commit, never relied on.

Whoever hears one looks for itself, and whoever misses one learns of it from the log a moment later. NOTIFY goes out in
a statement of its own: in a busy transaction it would make all that notify commit one after another.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from uuid import UUID

import asyncpg
import structlog

from .database import CONNECTION_LOST, Database, Record, tls_to

CHANNEL = "nightmarket_look"
IDS_PER_HINT = 200
"""Ids of one notification, which PostgreSQL bounds at 8,000 bytes."""

WAITING_LIMIT = 5_000
"""Ids that wait to be told; more are left to the log."""

CONNECT_SECONDS = 5.0
AGAIN_SECONDS = 1.0

Look = Callable[[Sequence[UUID]], None]

log = structlog.get_logger(__name__)


class Hints:
    """Tells and hears of tallies to look at. `hear` is called with ids, also with those of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[UUID, None] = {}
        self._telling: asyncio.Task[None] | None = None
        self.hear: list[Look] = []

    def tell(self, ids: Iterable[UUID]) -> None:
        """Tell all processes, this one at once; nobody waits for it."""
        told = list(ids)
        if not told:
            return
        self.heard(told)
        self._waiting.update(dict.fromkeys(told[: max(0, WAITING_LIMIT - len(self._waiting))]))
        if self._telling is None:
            self._telling = asyncio.create_task(self._tell(), name="hints")

    def heard(self, ids: Sequence[UUID]) -> None:
        """Let everyone in this process look."""
        for look in self.hear if ids else ():
            look(ids)

    async def _tell(self) -> None:
        try:
            while self._waiting:
                ids = list(self._waiting)[:IDS_PER_HINT]
                for id in ids:
                    del self._waiting[id]
                async with self._database.committing() as connection:
                    await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, ",".join(id.hex for id in ids))
        except CONNECTION_LOST as error:
            log.info("hint_lost", reason=type(error).__name__)
        finally:
            self._telling = None

    async def run(self) -> None:
        """Listen for ever, on a connection of its own; the database may come and go."""
        while True:
            try:
                connection = await asyncpg.connect(
                    self._database.url,
                    ssl=tls_to(self._database.url),
                    timeout=CONNECT_SECONDS,
                    server_settings={"application_name": "hints"},
                )
            except (OSError, TimeoutError, asyncpg.PostgresError):
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            await self._listen(connection)
            await asyncio.sleep(AGAIN_SECONDS)

    async def _listen(self, connection: "asyncpg.Connection[Record]") -> None:
        ended = asyncio.Event()
        connection.add_termination_listener(lambda _: ended.set())

        def arrived(_: object, __: int, ___: str, payload: object) -> None:
            with suppress(ValueError):
                self.heard([UUID(hex=word) for word in str(payload).split(",")])

        try:
            await connection.add_listener(CHANNEL, arrived)
            await ended.wait()
        except (*CONNECTION_LOST, asyncpg.InterfaceError) as error:
            log.info("hints_wait", reason=type(error).__name__)
        finally:
            connection.terminate()
