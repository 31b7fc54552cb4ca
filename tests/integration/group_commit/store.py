"""Work for a lane that stores items by id, and what tests do around it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from nightmarket.kernel.problems import InvalidInput, Problem
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.group_commit import GroupCommit, PipelinedCommit
from nightmarket.platform.pipeline import later

BOTH = pytest.mark.parametrize("lanes", [GroupCommit, PipelinedCommit])
"""Statements of a batch as they come, and together with COMMIT."""

GATE = 7
"""An advisory lock: while a test holds it, a batch that asks for it cannot commit."""

TABLES = """
CREATE SCHEMA test;
CREATE SEQUENCE test.tries;
CREATE TABLE test.thing (id integer PRIMARY KEY, value integer NOT NULL, xid xid8 DEFAULT pg_current_xact_id());
CREATE TABLE test.row (id integer PRIMARY KEY, value integer NOT NULL);
INSERT INTO test.row SELECT id, 0 FROM generate_series(1, 9) AS id;
CREATE FUNCTION test.at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('test.tries') <= TG_ARGV[0]::integer THEN EXECUTE TG_ARGV[1]; END IF;
    RETURN NULL;
END $$;
"""


class Item(msgspec.Struct, frozen=True):
    """Something to store once under its id; `spoil` makes the batch that holds it go wrong."""

    id: int
    value: Any = 1
    spoil: Exception | None = None


class Store:
    """Work for a lane: stores items by id, and answers "new" or, for one that is there already, "stored"."""

    def __init__(self, *before: str) -> None:
        self.sizes: list[int] = []
        self._before = before

    async def __call__(self, tx: Connection, items: Sequence[Item]) -> Sequence[str | Problem]:
        self.sizes.append(len(items))
        ids = [item.id for item in items]
        known = {row[0] for row in await tx.fetch("SELECT id FROM test.thing WHERE id = ANY($1::integer[])", ids)}
        for statement in self._before:
            await tx.execute(statement)
        new = [item for item in items if item.id not in known and not isinstance(item.spoil, InvalidInput)]
        await later(
            tx,
            "INSERT INTO test.thing (id, value) SELECT i, 10 / v FROM unnest($1::integer[], $2::integer[]) AS n(i, v)",
            [item.id for item in new],
            [item.value for item in new],
        )
        for item in items:
            if item.spoil and not isinstance(item.spoil, InvalidInput):
                raise item.spoil
        return [
            item.spoil if isinstance(item.spoil, Problem) else "stored" if item.id in known else "new" for item in items
        ]


@asynccontextmanager
async def gate(connection: Connection) -> AsyncGenerator[None]:
    await connection.execute("SELECT pg_advisory_lock($1)", GATE)
    yield
    await connection.execute("SELECT pg_advisory_unlock($1)", GATE)


GATED = f"SELECT pg_advisory_xact_lock({GATE})"


async def stored(pools: Database) -> dict[int, int]:
    async with pools.read() as connection:
        return {row[0]: row[1] for row in await connection.fetch("SELECT id, value FROM test.thing ORDER BY id")}


async def at_commit(pools: Database, times: int, statement: str) -> None:
    """Let the first commits that store something run a statement inside COMMIT."""
    async with pools.transaction() as tx:
        await tx.execute(
            "CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON test.thing DEFERRABLE INITIALLY DEFERRED "
            f"FOR EACH ROW EXECUTE FUNCTION test.at_commit({times}, $body${statement}$body$)"
        )


async def all_of(futures: "Sequence[asyncio.Future[Any]]") -> list[Any]:
    async with asyncio.timeout(120):
        return await asyncio.gather(*futures, return_exceptions=True)


async def reached(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.005)
