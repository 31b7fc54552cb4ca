"""How the database is, for people who watch over it: connections, partitions, consumers, sizes."""

from datetime import datetime

import msgspec

from .database import Connection

_SERVER = """
SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS bytes,
    current_setting('max_connections')::integer AS most, pg_postmaster_start_time() AS started_at,
    (SELECT min(xact_start) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid())
        AS oldest_transaction_at
"""
_CONNECTIONS = """
SELECT coalesce(nullif(application_name, ''), backend_type) AS application, count(*)::integer AS amount,
    count(*) FILTER (WHERE state <> 'idle')::integer AS busy
FROM pg_stat_activity WHERE datname = current_database() GROUP BY 1 ORDER BY 1
"""
_PARTITIONS = """
SELECT c.relname AS name, pg_total_relation_size(c.oid) AS bytes
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'platform.fact'::regclass ORDER BY 1
"""
_STRAY = "SELECT count(*) FROM platform.fact_default"
_CONSUMERS = "SELECT name, handled, moved_at, failing_since, failure FROM platform.subscription ORDER BY name"


class Server(msgspec.Struct, frozen=True):
    """The server; `oldest_transaction_at` is what holds facts back from their readers."""

    version: str
    bytes: int
    most: int
    started_at: datetime
    oldest_transaction_at: datetime | None


class Connections(msgspec.Struct, frozen=True):
    """Connections by the name that a program gives itself."""

    application: str
    amount: int
    busy: int


class Partition(msgspec.Struct, frozen=True):
    """A month of facts."""

    name: str
    bytes: int


class Consumer(msgspec.Struct, frozen=True):
    """A subscription as its row says."""

    name: str
    handled: int
    moved_at: datetime
    failing_since: datetime | None
    failure: str | None


async def server(connection: Connection) -> Server:
    row = await connection.fetchrow(_SERVER)
    assert row is not None
    return Server(**dict(row.items()))


async def connections(connection: Connection) -> list[Connections]:
    return [Connections(**dict(row.items())) for row in await connection.fetch(_CONNECTIONS)]


async def partitions(connection: Connection) -> list[Partition]:
    return [Partition(**dict(row.items())) for row in await connection.fetch(_PARTITIONS)]


async def stray_facts(connection: Connection) -> int:
    """Facts in the default partition, which has some only when a month's partition was not made in time."""
    return await connection.fetchval(_STRAY)


async def consumers(connection: Connection) -> list[Consumer]:
    return [Consumer(**dict(row.items())) for row in await connection.fetch(_CONSUMERS)]
