"""Simulations as jobs: asked for in the console, run by the worker, their reports kept as files in the home."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from uuid import UUID

import msgspec

from nightmarket.bootstrap import Shop
from nightmarket.kernel.ids import encode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.jobs import Job, JobContext
from nightmarket.promotions.contract import Book, Offer
from nightmarket.promotions.contract.simulations import PastCart, SimulationReport, Simulator, draft_book

from . import grocery, own_orders, retail_year

JOB = "promotions.simulate"
SIMULATION = "sim"
"""The prefix of a simulation's id."""

OWN = "orders"
"""The source that is this shop's own orders."""

MOST_CARTS = 1_000_000
MOST_SOURCES = 50
PIECE = 200
"""Carts that are priced between two looks at whether somebody asked to stop."""

KEPT = timedelta(days=90)
"""As long as jobs are."""

COSTS_AT_ONCE = 1_000


class Simulating(msgspec.Struct, frozen=True):
    """What is tried on what. `draft` holds offers that nobody has published, `planned` names some of the book that do
    not hold yet; with neither it is what the book has for the instant `at`. `alone` leaves out what holds at `now`.
    `source` is OWN, then the orders placed `since`, or the name of a file of past carts."""

    run: UUID
    title: str
    now: datetime
    at: datetime
    source: str
    since: datetime
    draft: list[Offer] = []
    planned: list[UUID] = []
    alone: bool = False


class Report(msgspec.Struct, frozen=True):
    """What came of it, as it is kept."""

    title: str
    source: str
    since: datetime
    report: SimulationReport


def folder(home: Path) -> Path:
    return home / "simulations"


def file_of(home: Path, run: UUID) -> Path:
    return folder(home) / f"{encode(SIMULATION, run)}.json"


def sources(home: Path) -> list[str]:
    """Files and folders of past carts that somebody has put into `past-carts` of the home."""
    place = home / "past-carts"
    if not place.is_dir():
        return []
    found = [one.name for one in sorted(place.iterdir()) if one.name.endswith((".csv", ".csv.gz")) or one.is_dir()]
    return found[:MOST_SOURCES]


def carts_of(path: Path) -> Iterator[PastCart]:
    """The carts of a file or folder."""
    return grocery.past_carts(path) if path.is_dir() else retail_year.past_carts(path)


async def compared(shop: Shop, asked: Simulating) -> tuple[Book, Book]:
    """The book of now and the one that is tried, both as if all that they have held at the same instant."""
    present: list[Offer] = []
    chosen = list(asked.draft)
    async with shop.database.read() as connection:
        async for page in shop.standings.live(connection):
            present += [one for one in page if one.starts_at <= asked.now < one.ends_at]
            if asked.planned:
                wanted = set(asked.planned)
                chosen += [one for one in page if one.id in wanted]
            elif not asked.draft:
                chosen += [one for one in page if one.starts_at <= asked.at < one.ends_at]
    before = draft_book(Book(0), present, asked.at, alone=True)
    whole = asked.alone or not (asked.draft or asked.planned)
    return before, draft_book(before, chosen, asked.at, alone=whole)


def read_report(home: Path, run: UUID) -> Report | None:
    """A report, while it is kept."""
    file = file_of(home, run)
    return msgspec.json.decode(file.read_bytes(), type=Report) if file.is_file() else None


async def costs_of(shop: Shop, carts: Sequence[PastCart], known: dict[UUID, Mapping[str, int]]) -> None:
    """Look up what these carts' goods cost, where that was not looked up before; what is not known stays empty."""
    missing = sorted({line.variant for one in carts for line in one.cart.lines} - known.keys())
    for start in range(0, len(missing), COSTS_AT_ONCE):
        some = missing[start : start + COSTS_AT_ONCE]
        async with shop.database.read() as connection:
            found = await shop.costs.costs(connection, some)
        known.update({id: found.get(id, {}) for id in some})


async def own_or_filed(shop: Shop, source: str, since: datetime) -> AsyncGenerator[list[PastCart]]:
    """The past carts, piece by piece."""
    if source == OWN:
        async for carts in own_orders.past_carts(shop, since):
            yield carts
        return
    if source not in sources(shop.settings.home):
        raise InvalidInput("Those past carts are not here any more.", field="source")
    carts = carts_of(shop.settings.home / "past-carts" / source)
    done = 0
    while done < MOST_CARTS and (some := await asyncio.to_thread(list[PastCart], islice(carts, PIECE))):
        done += len(some)
        yield some


def simulate_job(shop: Shop) -> Job:
    """The job. Interrupted, it begins again: it changes nothing but its report."""

    async def run(context: JobContext) -> str:
        asked = context.arguments(Simulating)
        before, after = await compared(shop, asked)
        costs: dict[UUID, Mapping[str, int]] = {}
        simulator = Simulator(before, after, asked.at, costs)
        total = await own_orders.count(shop, asked.since) if asked.source == OWN else None
        done = 0
        async for carts in own_or_filed(shop, asked.source, asked.since):
            if asked.source == OWN:
                await costs_of(shop, carts, costs)
            await asyncio.to_thread(simulator.add, carts)
            done += len(carts)
            await context.progress(done, total, asked.title)
        report = Report(asked.title, asked.source, asked.since, simulator.report())
        await asyncio.to_thread(_keep, shop.settings.home, asked.run, report, shop.clock.now() - KEPT)
        return asked.title

    return Job(JOB, run)


def _keep(home: Path, run: UUID, report: Report, before: datetime) -> None:
    """Write a report at once or not at all, and forget those that nobody can find any more."""
    place = folder(home)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = file_of(home, run)
    fresh = file.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(report))
    fresh.replace(file)
    for one in place.glob("*.json"):
        if one.stat().st_mtime < before.timestamp():
            one.unlink(missing_ok=True)
