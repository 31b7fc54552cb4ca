"""Figures that several people look at: computed from the database, and kept until something happens, for a while."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from nightmarket.bootstrap import Shop, consumers
from nightmarket.catalog.contract import StockRow
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.problems import Unavailable
from nightmarket.orders.contract import OrderFigure, OrderState
from nightmarket.platform import jobs, messages, vitals
from nightmarket.platform.database import Connection
from nightmarket.platform.subscriptions import Lag, lag
from nightmarket.tally.contract import Level, TallyKind

KEPT_SECONDS = 2.0
REST = 4.0
"""How many times as long as it took to count the figures rest before they are counted anew, however much happens."""

SCARCE_SHOWN = 8
STOCK_LOOKED_AT = 500
"""Rows of one merchant's stock that are looked at for the emptiest."""

WORKER_PREFIX = "nightmarket-worker"


class Today(NamedTuple):
    """Orders since midnight (UTC)."""

    since: datetime
    figures: Sequence[OrderFigure]

    def orders(self, *states: OrderState) -> int:
        """How many; without states, of any."""
        return sum(figure.orders for figure in self.figures if not states or figure.state in states)

    def money(self, *states: OrderState) -> Mapping[str, int]:
        """What they came to, by currency, the largest number of orders first."""
        sums: dict[str, int] = {}
        for figure in sorted(self.figures, key=lambda figure: -figure.orders):
            if not states or figure.state in states:
                sums[figure.currency] = sums.get(figure.currency, 0) + figure.total
        return sums


class Scarce(NamedTuple):
    """A row of stock of which little is left."""

    row: StockRow
    level: Level


class Pulse(msgspec.Struct, frozen=True):
    """How the house is: each figure is asked of the database at this moment."""

    database_ms: float
    worker: bool
    lags: Sequence[Lag]
    queued: int
    failed: int
    overdue_seconds: float
    jobs: Mapping[str, int]

    @property
    def lag_seconds(self) -> float:
        return max((one.seconds for one in self.lags), default=0.0)

    @property
    def failing(self) -> bool:
        return any(one.failure for one in self.lags)


class _Kept(NamedTuple):
    """What was counted, when, and how long that took."""

    today: Today
    at: float
    cost: float


class Figures:
    """Keeps what it counted, so that a full board costs the database one question, not one a head."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._clock: Clock = shop.clock
        self._kept: dict[UUID | None, _Kept] = {}
        self._news_at = 0.0
        self._counting = asyncio.Lock()

    def hear_news(self) -> None:
        """Something happened: what was counted before is old."""
        self._news_at = time.monotonic()

    def _is_good(self, kept: _Kept) -> bool:
        age = time.monotonic() - kept.at
        return age < kept.cost * REST or (age < KEPT_SECONDS and kept.at > self._news_at)

    @asynccontextmanager
    async def _reading(self, merchant: UUID | None) -> AsyncGenerator[Connection]:
        database = self._shop.database
        if merchant is not None:
            async with database.as_merchant(merchant) as connection:
                yield connection
        else:
            async with database.read() as connection, connection.transaction(readonly=True):
                yield connection

    async def today(self, merchant: UUID | None) -> Today:
        """Orders since midnight, of one merchant or all."""
        async with self._counting:
            kept = self._kept.get(merchant)
            if kept is not None and self._is_good(kept):
                return kept.today
            began = time.monotonic()
            since = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
            async with self._reading(merchant) as connection:
                figures = await self._shop.order_books.figures(connection, since, merchant=merchant)
            today = Today(since, figures)
            self._kept = {key: one for key, one in self._kept.items() if self._is_good(one)}
            self._kept[merchant] = _Kept(today, began, time.monotonic() - began)
            return today

    async def scarce(self, merchant: UUID | None) -> list[Scarce]:
        """The rows of stock with the least left, emptiest first."""
        shop = self._shop
        if merchant is None:
            async with shop.database.read() as connection:
                levels = await shop.tallies.scarcest(connection, TallyKind.STOCK, SCARCE_SHOWN)
                rows = await shop.stock_books.stock_of(connection, list(levels))
        else:
            async with shop.database.as_merchant(merchant) as connection:
                rows = await shop.stock_books.stock_rows(connection, merchant=merchant, after="", limit=STOCK_LOOKED_AT)
            async with shop.database.read() as connection:
                levels = await shop.tallies.levels(connection, [row.tally for row in rows])
        known = [Scarce(row, levels[row.tally]) for row in rows if row.tally in levels and levels[row.tally].capacity]
        return sorted(known, key=lambda one: (one.level.available, one.row.sku))[:SCARCE_SHOWN]

    async def pulse(self) -> Pulse:
        """How the house is. Raises Unavailable while the database is away, which the page then says."""
        shop = self._shop
        began = time.monotonic()
        async with shop.database.read() as connection:
            connections = await vitals.connections(connection)
            took = time.monotonic() - began
            lags = [await lag(connection, consumer, shop.clock) for consumer in consumers(shop)]
            queue = await messages.figures(connection, shop.clock.now())
            counts = await jobs.counts(connection)
        overdue = (shop.clock.now() - queue.due_since).total_seconds() if queue.due_since else 0.0
        return Pulse(
            database_ms=took * 1000,
            worker=any(one.application.startswith(WORKER_PREFIX) for one in connections),
            lags=lags,
            queued=queue.queued,
            failed=queue.failed,
            overdue_seconds=max(0.0, overdue),
            jobs=counts,
        )

    async def pulse_or_none(self) -> Pulse | None:
        """The pulse, or None while the database does not answer."""
        try:
            return await self.pulse()
        except Unavailable:
            return None
