"""Who goes well with whom: paid orders of the last months, read merchant by merchant, become proposals of partners."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Catalog, Listing
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import derive
from nightmarket.orders.contract import OrderBooks, OrderRow, OrderState
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.jobs import Job, JobContext, JobDesk, JobRequest
from nightmarket.promotions.contract.collaborations import Collaborations, PartnerRun, Purchase, propose

JOB = "partners.propose"
WINDOW = timedelta(days=90)
"""Orders that count."""

EVERY = timedelta(days=1)
MAX_ROWS = 200_000
"""Rows of orders that one computation reads: the newest, as many of each merchant."""

MAX_MERCHANTS = 5_000
LISTINGS_AT_ONCE = 1_000


class Means(msgspec.Struct, frozen=True):
    """What the proposals are made from and with."""

    database: Database
    order_books: OrderBooks
    catalog: Catalog
    collaborations: Collaborations
    clock: Clock


class Partners:
    """Computes the proposals: a job, asked for by a drain once a day and by the market's people at any time."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._desk = JobDesk(means.clock)

    async def step(self) -> int:
        """For a drain: ask for the job when the last proposals are a day old."""
        now = self._means.clock.now()
        async with self._means.database.read() as connection:
            last = await self._means.collaborations.last_run(connection)
        if last is not None and now - last.at < EVERY:
            return 0
        async with self._means.database.transaction() as tx:
            return await self.ask(tx, f"{now:%Y-%m-%dT%H}", "partners")

    async def ask(self, tx: Connection, id: str, by: str) -> int:
        """Ask for a computation; the same id again is the same one."""
        return await self._desk.request(tx, [JobRequest(f"{JOB}:{id}", JOB, by)])

    def job(self) -> Job:
        """The whole computation is one step: it only reads until it puts everything in the place of what was there."""

        async def run(context: JobContext) -> str:
            return await context.step("propose", self.compute)

        return Job(JOB, run)

    async def compute(self) -> str:
        """Read, compute, keep; returns what it came from in words."""
        means = self._means
        rows = await self._rows()
        variants = {line.variant for row in rows for line in row.body.lines}
        listings = await self._listings(sorted(variants))
        proposals = await asyncio.to_thread(lambda: propose(purchases_of(rows, listings)))
        orders, buyers = {row.id for row in rows}, {_buyer(row) for row in rows}
        run = PartnerRun(means.clock.now(), len(orders), len(buyers))
        async with means.database.transaction() as tx:
            await means.collaborations.keep_partners(tx, proposals, run)
        return f"{len(proposals)} proposals from {run.orders} orders"

    async def _rows(self) -> list[OrderRow]:
        means, found = self._means, list[OrderRow]()
        merchants = [one.id for one in await means.catalog.merchants(open_only=True)][:MAX_MERCHANTS]
        since = means.clock.now() - WINDOW
        for merchant in merchants:
            async with means.database.read() as connection:
                rows = await means.order_books.parts(connection, merchant, since, MAX_ROWS // len(merchants))
            found.extend(row for row in rows if row.state is OrderState.PAID)
        return found

    async def _listings(self, variants: Sequence[UUID]) -> Mapping[UUID, Listing]:
        found: dict[UUID, Listing] = {}
        for start in range(0, len(variants), LISTINGS_AT_ONCE):
            found |= await self._means.catalog.listings(variants[start : start + LISTINGS_AT_ONCE])
        return found


def purchases_of(rows: Sequence[OrderRow], listings: Mapping[UUID, Listing]) -> list[Purchase]:
    """The lines of paid orders, with the category that their goods stand in now; an order is a cart."""
    return [
        Purchase(row.id, _buyer(row), row.merchant, listing.category, listing.product, line.quantity)
        for row in rows
        for line in row.body.lines
        if (listing := listings.get(line.variant)) is not None and listing.category
    ]


def _buyer(row: OrderRow) -> UUID:
    """The same for whoever orders with the same address, with an account or as a guest; nothing keeps it."""
    return derive("partners_buyer", row.body.contact.email.strip().casefold())
