"""What the index by owner costs the claim batch: orders are copied in batches of 500 with and without it.

`.venv/bin/python bench/owner_index.py` prints processor time of the server process and bytes of WAL per order, for no
index, indexes over every row, and indexes over the first row of each order alone, which guests' orders leave out.
Owners are drawn at random from ten million, after a million rows are in place, so that each insertion meets another
leaf: the worst case, and that of returning shoppers.
"""

import asyncio
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median
from uuid import UUID

import asyncpg
import psutil

from nightmarket.kernel.ids import derive
from nightmarket.platform.migrations import migrate
from nightmarket.platform.postgres import EmbeddedPostgres

OWNERS = 10_000_000
BEFORE = 500_000
BATCHES, ORDERS, ROUNDS = 100, 500, 3
BODY = bytes(420)
"""About the packed size of an order's part with one line."""

INDEXES = {
    "none": "",
    "every row: owner, time": "ON orders.order (owner, placed_at, id)",
    "every row: owner": "ON orders.order (owner)",
    "first row: owner, time": "ON orders.order (listed_for, placed_at, id) WHERE listed_for IS NOT NULL",
    "first row: owner": "ON orders.order (listed_for) WHERE listed_for IS NOT NULL",
    "first row, of a guest": "ON orders.order (listed_for, placed_at, id) WHERE listed_for IS NOT NULL",
}
START = datetime(2026, 11, 11, tzinfo=UTC)


def rows(random: Random, first: int, orders: int, *, guests: bool) -> list[tuple[object, ...]]:
    """Two rows an order, as a cart of two merchants makes them."""
    found: list[tuple[object, ...]] = []
    for number in range(first, first + orders):
        id, owner = derive("order", number), derive("owner", random.randrange(OWNERS))
        at = START + timedelta(microseconds=number * 100)
        found += [
            (id, merchant, owner, 1, 0, "transfer", "EUR", 2_220, at, at, BODY, listed_for)
            for merchant, listed_for in ((UUID(int=1), None if guests else owner), (UUID(int=2), None))
        ]
    return found


COLUMNS = (
    "id",
    "merchant",
    "owner",
    "state",
    "attempt",
    "handler",
    "currency",
    "total",
    "placed_at",
    "due_at",
    "body",
    "listed_for",
)


async def put(connection: asyncpg.Connection, records: list[tuple[object, ...]]) -> None:
    await connection.copy_records_to_table("order", schema_name="orders", columns=COLUMNS, records=records)


async def wal(connection: asyncpg.Connection) -> int:
    return int(await connection.fetchval("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"))


async def measure(url: str) -> None:
    """Print a line per index, the median of the rounds."""
    connection = await asyncpg.connect(url)
    await connection.execute("DROP INDEX orders.order_listed")
    server = psutil.Process(connection.get_server_pid())
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in INDEXES}
    for turn in range(ROUNDS):
        for name, statement in INDEXES.items():
            random, guests = Random(turn), name.endswith("guest")
            await connection.execute("TRUNCATE orders.order; DROP INDEX IF EXISTS orders.order_by_owner")
            for first in range(0, BEFORE, 10_000):
                await put(connection, rows(random, first, 10_000, guests=guests))
            if statement:
                await connection.execute(f"CREATE INDEX order_by_owner {statement}")
            await connection.execute("CHECKPOINT")
            batches = [rows(random, BEFORE + number * ORDERS, ORDERS, guests=guests) for number in range(BATCHES)]
            times, bytes_ = server.cpu_times(), await wal(connection)
            for batch in batches:
                await put(connection, batch)
            after = server.cpu_times()
            spent = after.user + after.system - times.user - times.system
            made = BATCHES * ORDERS
            seen[name].append((spent / made * 1e6, (await wal(connection) - bytes_) / made))
    print("index                     µs of processor time per order   bytes of WAL per order")
    for name, found in seen.items():
        print(f"{name:24} {median(one for one, _ in found):12.1f} {median(two for _, two in found):28.0f}")
    await connection.close()


def main() -> None:
    """On a server of its own that syncs."""
    folder = Path(tempfile.mkdtemp(prefix="nightmarket-owner-"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "home")
    try:
        url = server.start()
        migrate.upgrade(url)
        asyncio.run(measure(url))
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
