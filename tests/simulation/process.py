"""A process in play: a desk with connections and caches of its own, which can die at a named point and come again."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

import psycopg

from nightmarket.catalog.contract import Listing
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import Ids, SeededIds
from nightmarket.orders.handlers import Limits, Means, OrderDesk
from nightmarket.orders.points import Point
from nightmarket.orders.policies import FlatRates
from nightmarket.payments.contract import Provider
from nightmarket.payments.handlers import StoredJournal, StoredPayments
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Facts
from nightmarket.promotions.handlers import StoredBooks
from nightmarket.tally.contract import Tallies
from nightmarket.tally.handlers import SlicedTallies
from tests.twins import SECRET, FixedCatalog

from .limits import Accounts

TINY = Limits(batch=3, queue=8, cancels=2, due=3)
"""So low that full queues, split bursts and second steps happen all day."""

NOTICED_SECONDS = 0.02

MakeTallies = Callable[[Facts, Ids, int], Tallies]


class Crash(BaseException):
    """The process ends here. No `except Exception` stops it, as none stops `kill -9`."""


class PlayedFaults:
    """Reaches points; at the armed one it dies, or has its connections cut. Dead, it dies at every point."""

    def __init__(self, cut: Callable[[], None]) -> None:
        self.deadly: Point | None = None
        self.cutting: Point | None = None
        self.dead = False
        self._cut = cut

    def reach(self, point: Point) -> None:
        if self.cutting is point:
            self.cutting = None
            self._cut()
        if self.deadly is point:
            self.deadly = None
            self.dead = True
        if self.dead:
            raise Crash(point)


@dataclass
class Ground:
    """What all processes of the day stand on."""

    url: str
    clock: Clock
    providers: Mapping[str, Provider]
    seed: int
    make_tallies: MakeTallies = SlicedTallies
    incarnations: int = 0


class Process:
    """One desk. `born` again after each death, with caches that know everything and nothing under way."""

    def __init__(self, ground: Ground, name: str) -> None:
        self.name = name
        self.number = int(name.rpartition("-")[2])
        self._ground = ground
        self.database: Database
        self.desk: OrderDesk
        self.catalog: FixedCatalog
        self.books: StoredBooks
        self.faults: PlayedFaults
        self.tallies: Tallies
        self.facts: Facts

    async def born(self, listings: Mapping[UUID, Listing]) -> None:
        ground = self._ground
        ground.incarnations += 1
        ids = SeededIds(ground.clock, ground.seed * 1_000 + ground.incarnations)
        self.database = await Database.open(ground.url, readers=2, application=self.name)
        self.facts = Facts(ids)
        self.tallies = ground.make_tallies(self.facts, ids, self.number)
        self.catalog = FixedCatalog(listings.values())
        self.books = StoredBooks(self.database)
        await self.books.refresh()
        self.faults = PlayedFaults(self.cut)
        self.desk = OrderDesk(
            Means(
                database=self.database,
                catalog=self.catalog,
                books=self.books,
                tallies=self.tallies,
                journal=StoredJournal(),
                payments=StoredPayments(self.facts),
                providers=ground.providers,
                deliveries=FlatRates(),
                facts=self.facts,
                clock=ground.clock,
                ids=ids,
                secret=SECRET,
                faults=self.faults,
                limits=TINY,
                buyers=Accounts(),
            )
        )

    async def hear(self, listings: Mapping[UUID, Listing]) -> None:
        """Caches catch up."""
        for listing in listings.values():
            self.catalog.put(listing)
        await self.books.refresh()

    def cut(self) -> None:
        """The database ends all of this process's connections, at this very moment."""
        with psycopg.connect(self._ground.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE application_name = %s", [self.name]
            )

    async def noticed(self) -> None:
        """The process has noticed that its connections are gone."""
        await asyncio.sleep(NOTICED_SECONDS)

    async def die(self) -> None:
        """What is under way ends with the process; the database rolls back what was not committed."""
        running = [lane._running for lane in self.desk.lanes if lane._running is not None]
        running += list(self.desk.completions._paying)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self.database.close()

    async def close(self) -> None:
        await self.desk.close()
        await self.database.close()
