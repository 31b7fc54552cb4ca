"""Waiting rooms for tests: several processes' memories of the same rooms, around one database and one clock."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from uuid import UUID

from nightmarket.gate.contract import Guards, Holder, Lane, NewRoom, Room
from nightmarket.gate.handlers import StoredGates
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds, derive
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Facts, make_partitions

SECRET = b"a secret of the tests, thirty-two bytes"
MARK = b"a mark.."
"""What everyone shows of themselves here."""


@asynccontextmanager
async def gates_of(url: str, clock: VirtualClock, amount: int = 2) -> AsyncGenerator[list[StoredGates]]:
    """So many processes' gates; they hear of changes when `refreshed` is called."""
    async with AsyncExitStack() as stack:
        found: list[StoredGates] = []
        for number in range(amount):
            database = await Database.open(url)
            stack.push_async_callback(database.close)
            ids = SeededIds(clock, seed=number)
            found.append(StoredGates(database, Facts(ids), clock, ids, SECRET))
        async with (await _database(url, stack)).transaction() as tx:
            await make_partitions(tx, clock.now())
        yield found
        for gates in found:
            await gates.close()


async def _database(url: str, stack: AsyncExitStack) -> Database:
    database = await Database.open(url)
    stack.push_async_callback(database.close)
    return database


async def refreshed(gates: list[StoredGates]) -> None:
    """All have heard of the last change, drawn what is due, and looked at the lines."""
    for one in gates:
        await one.refresh()
    for one in gates:
        await one.step()
    for one in gates:
        await one.refresh()


async def make_room(url: str, gates: list[StoredGates], new: NewRoom) -> Room:
    """A room that all of them know."""
    database = await Database.open(url)
    try:
        async with database.transaction() as tx:
            room = await gates[0].make(tx, new, "test")
    finally:
        await database.close()
    await refreshed(gates)
    return gates[0].room(room.id)


def site_room(clock: VirtualClock, *, rate_milli: int | None = 10_000, opens_in: int = 600) -> NewRoom:
    """A room of the whole site that gathers at once."""
    now = clock.now()
    return NewRoom(
        name="Eleven eleven",
        guards=Guards.SITE,
        gathers_at=now,
        opens_at=now + timedelta(seconds=opens_in),
        rate_milli=rate_milli,
    )


def known(number: int) -> Holder:
    """Somebody with an account."""
    return Holder(_key("known", number), Lane.KNOWN)


def guest(number: int) -> Holder:
    """A browser of somebody unknown."""
    return Holder(_key("guest", number), Lane.GUEST)


def _key(kind: str, number: int) -> UUID:
    return derive("test-holder", kind, number)
