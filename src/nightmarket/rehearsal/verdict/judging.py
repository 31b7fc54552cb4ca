"""Speaks the verdict: waits until all is quiet, asks from outside whether anything was lost, doubled or sold twice,
runs the audit, measures, and writes `result.json`."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec
import structlog

from nightmarket.catalog.contract import Catalog
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.problems import Unavailable
from nightmarket.orders.contract import OrderReader, OrderRow, OrdersPaid, OrdersPlaced, OrderState, claim_id
from nightmarket.payments.contract import Movement, Statements
from nightmarket.platform.access import is_shadow
from nightmarket.platform.database import CONNECTION_LOST, Connection, Database
from nightmarket.platform.facts import READ_LIMIT, Cursor, read
from nightmarket.platform.home import write_private
from nightmarket.promotions.contract.presales import Presales, put_aside
from nightmarket.rehearsal.model import CheckLine
from nightmarket.rehearsal.ports import Auditor
from nightmarket.rehearsal.records import RESULT
from nightmarket.tally.contract import Tallies

from . import counting, summing_up
from .counting import Goods, Known
from .reading import Run, read_run
from .result import Answer, Result

PATIENCE_SECONDS = 150.0
"""How long it is waited for the shop to come to rest: five times what it takes until a provider is asked again."""

LOOK_SECONDS = 2.0
RESTED_LAG_SECONDS = 1.0
FOUND_SHOWN = 20
STATEMENT_LINES = 500
ROWS_AT_ONCE = 1_000
HELD = frozenset({OrderState.PENDING, OrderState.PAID})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Court:
    """Whom the judge asks. `lag` gives the furthest that a consumer is behind, in seconds."""

    database: Database
    catalog: Catalog
    orders: OrderReader
    tallies: Tallies
    presales: Presales
    provider: Statements
    audit: Auditor
    lag: Callable[[], Awaitable[float]]
    clock: Clock
    version: str


@dataclass(slots=True)
class Book:
    """The orders of a shop as its facts tell of them."""

    placed: Counter[tuple[UUID, int]] = field(default_factory=Counter[tuple[UUID, int]])
    paid: Counter[UUID] = field(default_factory=Counter[UUID])
    units: dict[UUID, dict[UUID, int]] = field(default_factory=dict[UUID, dict[UUID, int]])
    """Units of each variant, by order; of its last attempt."""
    at: dict[UUID, datetime] = field(default_factory=dict[UUID, datetime])
    played: set[UUID] = field(default_factory=set[UUID])
    """Orders that the rehearsal's shoppers were told of."""

    async def hear(self, connection: Connection) -> None:
        """All facts, from the first."""
        cursor = Cursor()
        while True:
            facts = await read(connection, cursor, (OrdersPlaced.kind, OrdersPaid.kind))
            for fact in facts:
                if fact.kind == OrdersPaid.kind:
                    self.paid.update(paid.order for paid in fact.read(OrdersPaid))
                    continue
                for placed in fact.read(OrdersPlaced):
                    self.placed[placed.order, placed.attempt] += 1
                    self.at[placed.order] = fact.at
                    units = Counter[UUID]()
                    for line in placed.lines:
                        units[line.variant] += line.quantity
                    self.units[placed.order] = dict(units)
            if len(facts) < READ_LIMIT:
                return
            cursor = facts[-1].cursor


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What one look at the whole shop gave."""

    answers: tuple[Answer, ...]
    audit: tuple[CheckLine, ...]
    known: dict[UUID, Known]
    placed_at: dict[UUID, datetime]
    lag_seconds: float

    @property
    def clean(self) -> bool:
        return not any(one.off for one in self.answers) and not any(line.off for line in self.audit)


class Judge:
    """Judges a rehearsal by its folder, against the shop that it was played with."""

    def __init__(self, court: Court, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self.court = court
        self._patience = patience_seconds

    async def judge(self, folder: Path) -> Result:
        """The verdict, written beside the run as well. Raises NothingMeasured where there is no run."""
        run = read_run(folder)
        loop = asyncio.get_running_loop()
        began = loop.time()
        look = await self._rested(run, began)
        settled = loop.time() - began
        result = summing_up.sum_up(
            run,
            summing_up.Seen(
                answers=look.answers,
                audit=look.audit,
                known=look.known,
                placed_at=look.placed_at,
                lag_seconds=look.lag_seconds,
                settled_seconds=settled,
                judged_at=self.court.clock.now(),
                version=self.court.version,
            ),
        )
        write_private(folder / RESULT, msgspec.json.format(msgspec.json.encode(result), indent=2))
        log.info("rehearsal_judged", run=result.run, go=result.go, reasons=list(result.reasons))
        return result

    async def _rested(self, run: Run, began: float) -> Look:
        """Look until nothing is off, or patience is at its end: what is under way is in order soon."""
        loop = asyncio.get_running_loop()
        look: Look | None = None
        while True:
            try:
                if await self.court.lag() < RESTED_LAG_SECONDS or loop.time() - began > self._patience / 2:
                    look = await self._look(run)
            except (Unavailable, *CONNECTION_LOST) as away:
                log.info("shop_is_away", reason=str(away))
                if loop.time() - began > self._patience:
                    raise
            if look is not None and (look.clean or loop.time() - began > self._patience):
                return look
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, run: Run) -> Look:
        court, book = self.court, Book()
        statement = await self._statement()
        async with (
            court.database.read() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await book.hear(connection)
            told = {counting.order_of(text) for text in counting.last_words(run.acknowledged)}
            book.played = {id for id in told if id is not None}
            known = await self._known(connection, sorted(book.units.keys() | book.played), book)
            goods = await self._goods(connection, book, known)
            nobodys = {line.order for line in statement} - known.keys()
            deposits = {id for id in nobodys if await court.presales.booking(connection, id) is not None}
        statement = [line for line in statement if line.order not in deposits]
        answers = [
            *counting.present(run.acknowledged, known),
            counting.doubled(book.placed, book.paid),
            counting.oversold(goods),
            counting.undersold(goods),
            *counting.money(known, statement, court.provider.name),
        ]
        audit: list[CheckLine] = []
        async for check in court.audit.run():
            found = [f"{one.row}: {one.rule}; {one.expected} ≠ {one.found}" for one in check.findings[:FOUND_SHOWN]]
            audit.append(CheckLine(check.name, check.holds, len(check.findings), check.seconds, found))
        behind = await court.lag()
        late = [f"{behind:.1f} s behind"] if behind >= RESTED_LAG_SECONDS else []
        answers.append(counting.answer("all have heard", "Every consumer of facts has caught up.", 1, late))
        return Look(
            answers=tuple(answers), audit=tuple(audit), known=known, placed_at=book.at, lag_seconds=round(behind, 2)
        )

    async def _known(self, connection: Connection, ids: Sequence[UUID], book: Book) -> dict[UUID, Known]:
        found: dict[UUID, Known] = {}
        for start in range(0, len(ids), ROWS_AT_ONCE):
            rows = await self.court.orders.rows(connection, ids[start : start + ROWS_AT_ONCE])
            found |= {id: _known(parts, book) for id, parts in rows.items() if parts}
        return found

    async def _goods(self, connection: Connection, book: Book, known: dict[UUID, Known]) -> dict[UUID, Goods]:
        """Each variant that was ever ordered: what came in, what is free, and what orders have."""
        sold = Counter[UUID]()
        for order, units in book.units.items():
            there = known.get(order)
            if there is not None and (there.state in HELD or there.was_paid):
                sold.update(units)
                sold.subtract(there.aside)
        variants = sorted({variant for units in book.units.values() for variant in units})
        places: dict[UUID, list[UUID]] = {}
        for start in range(0, len(variants), ROWS_AT_ONCE):
            listings = await self.court.catalog.listings(variants[start : start + ROWS_AT_ONCE])
            places |= {variant: [stock.tally for stock in one.stock] for variant, one in listings.items()}
        tallies = [tally for some in places.values() for tally in some]
        counted = await self.court.tallies.recount(connection, tallies)
        levels = await self.court.tallies.levels(connection, tallies)
        own = [claim_id(order, attempt) for order, attempt in book.placed]
        beside = await self.court.tallies.claimed_beside(connection, tallies, own)
        return {
            variant: Goods(
                capacity=sum(counted[one].capacity for one in some if one in counted),
                free=sum(levels[one].available for one in some if one in levels),
                sold=sold[variant],
                beside=sum(beside.get(one, 0) for one in some),
            )
            for variant, some in places.items()
            if some
        }

    async def _statement(self) -> list[Movement]:
        lines: list[Movement] = []
        while page := await self.court.provider.statement(lines[-1].sequence if lines else 0, STATEMENT_LINES):
            lines += page
        return lines


def _known(rows: Sequence[OrderRow], book: Book) -> Known:
    first = rows[0]
    played = first.id in book.played or is_shadow(first.owner)
    total = sum(row.total for row in rows)
    aside = Counter(
        line.variant
        for row in rows
        for line in row.body.lines
        if put_aside(row.body.known.entitlements).intersection(share.offer for share in line.shares)
    )
    return Known(first.state, total, first.currency, first.handler, first.id in book.paid, played, dict(aside))
