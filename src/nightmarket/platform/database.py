"""Connections to PostgreSQL: a few that commit, a few that read, none held while the outside world is asked."""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Literal, TypeAlias
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import asyncpg
from asyncpg.pool import Pool, PoolConnectionProxy

from nightmarket.kernel.problems import Unavailable

from .pipeline import PipelinedConnection

Record = asyncpg.Record
Connection: TypeAlias = "asyncpg.Connection[Record] | PoolConnectionProxy[Record]"
"""What store functions take: a plain connection or one lent by a pool, in a transaction or not."""

COMMITTERS = 2
READERS = 4
WRITE_TRANSACTION_SECONDS = 2
"""PostgreSQL ends a write transaction that lasts longer (`transaction_timeout`), so no lock is held for long."""

READ_SECONDS = 10
ACQUIRE_SECONDS = 5
CLOSE_SECONDS = 3

MERCHANT_ROLE = "nightmarket_merchant"
"""The database role of `as_merchant`, under row-level security; revision 0011 says what it may read."""

MERCHANT_SETTING = "nightmarket.merchant"
"""What the policies compare rows with; set for one transaction."""

ANSWER_SECONDS = 4
"""A committing connection that says nothing for longer is given up: its network is cut, or its server stopped."""


HERE = frozenset({"127.0.0.1", "::1", "localhost"})


def tls_to(url: str, environment: Mapping[str, str] = os.environ) -> Literal["allow"] | None:
    """asyncpg's `ssl`: on this machine only where the server insists, else as the URL or PGSSLMODE says.

    Asking for TLS costs a round trip, and asyncpg, ended while it asks, leaves a future whose error nobody retrieves.
    """
    parts = urlsplit(url)
    said = "sslmode" in parse_qs(parts.query) or "PGSSLMODE" in environment
    return "allow" if parts.hostname in HERE and not said else None


class ConnectionLost(Exception):
    """No connection could be had, or the one in use broke: nothing is known of a transaction in flight."""


CONNECTION_LOST = (
    ConnectionLost,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionTimeoutError,
)
"""Errors that mean the server went away, ended the session, or has nothing left to work with: no free connection, no
memory, a full disk. All of them pass, and the same is asked again. What the code using a connection raises by itself (a
file it misses, a value that asyncpg cannot send) is not among them as long as the connection lives."""


def _broken(connection: Connection) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:  # the pool has taken a closed connection back already
        return True


def _lost(error: Exception) -> Exception:
    """What to raise for a broken connection. That a transaction outlasted its limit stands behind what came of it."""
    behind: BaseException | None = error
    while behind is not None:
        if isinstance(behind, asyncpg.TransactionTimeoutError):
            return asyncpg.TransactionTimeoutError(str(behind))
        behind = behind.__cause__ or behind.__context__
    return ConnectionLost(f"{type(error).__name__}: {error}")


@asynccontextmanager
async def _lent(pool: "Pool[Record]") -> AsyncGenerator[Connection]:
    """A connection of the pool; whatever breaks it or keeps it from being had is raised as one of CONNECTION_LOST."""
    try:
        connection = await pool.acquire(timeout=ACQUIRE_SECONDS)
    except (OSError, TimeoutError, asyncpg.InterfaceError) as error:
        raise ConnectionLost(f"no connection: {type(error).__name__}: {error}") from error
    try:
        yield connection
    except TimeoutError as error:
        with suppress(asyncpg.InterfaceError):
            connection.terminate()
        raise ConnectionLost("the server did not answer in time") from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
        if _broken(connection):
            raise _lost(error) from error
        raise
    finally:
        await pool.release(connection)


async def _keep(_: Connection) -> None:
    """Sessions carry no state between uses, so nothing has to be reset (asyncpg would spend a round trip on it)."""


class Database:
    """Two small pools to one database. Open with `await Database.open(url)`, close with `await close()`."""

    def __init__(self, url: str, committers: "Pool[Record]", readers: "Pool[Record]") -> None:
        self.url = url
        self._committers = committers
        self._readers = readers

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        committers: int = COMMITTERS,
        readers: int = READERS,
        application: str = "nightmarket",
        answer_seconds: float = ANSWER_SECONDS,
        read_seconds: int = READ_SECONDS,
    ) -> "Database":
        """Connect; raises what asyncpg raises when the server cannot be reached."""

        async def pool(size: int, answer: float | None, settings: dict[str, str]) -> "Pool[Record]":
            return await asyncpg.create_pool(
                url,
                ssl=tls_to(url),
                min_size=1,
                max_size=size,
                reset=_keep,
                connection_class=PipelinedConnection,
                command_timeout=answer,
                max_inactive_connection_lifetime=0,
                server_settings={"application_name": application, "timezone": "UTC", **settings},
            )

        writing = {"transaction_timeout": f"{WRITE_TRANSACTION_SECONDS}s"}
        reading = {"statement_timeout": f"{read_seconds}s", "default_transaction_read_only": "on"}
        return cls(url, await pool(committers, answer_seconds, writing), await pool(readers, read_seconds + 1, reading))

    async def fill(self) -> None:
        """Open all connections now: in a rush each step of opening one waits for its turn, longer than a request may.
        Raises ConnectionLost when one cannot be had."""
        async with AsyncExitStack() as held:
            for pool in (self._committers, self._readers):
                for _ in range(pool.get_max_size()):
                    await held.enter_async_context(_lent(pool))

    async def answers(self) -> None:
        """Returns if the database answers; raises Unavailable if not."""
        async with self.read() as connection:
            await connection.execute("SELECT 1")

    async def close(self) -> None:
        """Close all connections; those that are still lent, or do not answer, are broken off after a while."""
        for pool in (self._committers, self._readers):
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await pool.close()
            except (OSError, TimeoutError, asyncpg.InterfaceError):
                pool.terminate()

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[Connection]:
        """A connection that cannot write. Raises Unavailable while the server is away."""
        try:
            async with _lent(self._readers) as connection:
                yield connection
        except CONNECTION_LOST as error:
            raise Unavailable("The database does not answer at the moment.") from error

    @asynccontextmanager
    async def as_merchant(self, merchant: UUID) -> AsyncGenerator[Connection]:
        """One transaction that reads and sees nothing but that merchant's rows, whatever is asked: PostgreSQL holds it
        to that by row-level security, under a role that may not write. Raises Unavailable while the server is away."""
        async with self.read() as connection, connection.transaction(readonly=True):
            await connection.execute(
                "SELECT set_config('role', $1, true), set_config($2, $3, true)",
                MERCHANT_ROLE,
                MERCHANT_SETTING,
                str(merchant),
            )
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        """A write transaction: committed at the end of the block, rolled back when it raises.

        A lost connection raises Unavailable; whether the work was committed is then unknown, so callers make their
        work repeatable by ids of their own. `committing()` gives the raw errors to those who tell them apart.
        """
        try:
            async with self.committing() as connection, connection.transaction():
                yield connection
        except CONNECTION_LOST as error:
            raise Unavailable("The database does not answer at the moment.") from error

    @asynccontextmanager
    async def committing(self) -> AsyncGenerator[Connection]:
        """One of the few connections that commit, without a transaction begun. What went wrong comes as it is, a lost
        connection as one of CONNECTION_LOST."""
        async with _lent(self._committers) as connection:
            yield connection
