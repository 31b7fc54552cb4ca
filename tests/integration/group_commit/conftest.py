"""A database for lanes to work in, a connection beside them, and a line that can be cut."""

from collections.abc import AsyncGenerator, Generator

import asyncpg
import pytest
from structlog.testing import capture_logs

from nightmarket.platform.database import Connection, Database
from tests.integration.group_commit.line import Line
from tests.integration.group_commit.store import TABLES


@pytest.fixture(autouse=True)
def quiet_logs() -> Generator[None]:
    """Left to itself structlog draws each refused item for a second, which servers do not."""
    with capture_logs():
        yield


@pytest.fixture
async def pools(fresh_database: str) -> AsyncGenerator[Database]:
    opened = await Database.open(fresh_database)
    async with opened.transaction() as tx:
        await tx.execute(TABLES)
    yield opened
    await opened.close()


@pytest.fixture
async def outside(fresh_database: str) -> AsyncGenerator[Connection]:
    """A connection beside the lane's own."""
    connection = await asyncpg.connect(fresh_database)
    yield connection
    await connection.close()


@pytest.fixture
async def line(pools: Database) -> AsyncGenerator[Line]:
    opened = await Line.open(pools.url)
    yield opened
    await opened.close()
