"""A merchant's own figures: what was sold, of what, what runs out, what is owed."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.stalls import merchant_of, own
from nightmarket.entrypoints.console.tables import table_file
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.money import decimal_of
from nightmarket.orders.contract import OrderRow, OrderState

from .sums import Span, Sums, dues_of, sums_of

ROWS_LIMIT = 20_000
"""Orders that the figures are made of, the newest; the page says when there are more."""

BAR_WIDTH, BAR_ROOM, CHART_HEIGHT = 20, 24, 120


class Period(NamedTuple):
    """A choice of time: its word, how long one bar of the chart is, and how many there are."""

    key: str
    words: str
    step: timedelta
    steps: int


PERIODS = (
    Period("1", say_later("Today"), timedelta(hours=1), 24),
    Period("7", say_later("7 days"), timedelta(days=1), 7),
    Period("30", say_later("30 days"), timedelta(days=1), 30),
)


class Bar(NamedTuple):
    """A bar of the chart in its own coordinates, and the span that it stands for."""

    x: int
    height: int
    name: str
    span: Span


class Chart(NamedTuple):
    """What one currency came to, with its bars and the finding in words."""

    sums: Sums
    bars: Sequence[Bar]
    width: int
    top: int


async def show(desk: Desk) -> ASGIResponse:
    """The figures of today, seven or thirty days, all in UTC."""
    merchant, period = await own(desk), _period(desk)
    since, rows = await _rows(desk, merchant.id, period)
    paid = [row.id for row in rows if row.state is OrderState.PAID]
    async with desk.shop.database.as_merchant(merchant.id) as connection:
        owed = await desk.shop.journal.owed(connection, paid)
        between = await desk.shop.journal.between(connection, paid)
    scarce = await desk.figures.scarce(merchant.id)
    sums = await asyncio.to_thread(sums_of, rows, since, period.step, period.steps)
    return desk.page(
        "selling/figures.html",
        merchant=merchant,
        periods=[(one.key, desk.say(one.words)) for one in PERIODS],
        period=period.key,
        charts=[_chart(desk, one, period) for one in sums],
        dues=dues_of(rows, owed, merchant.commission_basis_points, between),
        cut=len(rows) == ROWS_LIMIT,
        scarce=scarce,
    )


async def export(desk: Desk) -> ASGIResponse:
    """The lines of the paid orders in that time as CSV."""
    merchant = await merchant_of(desk)
    _, rows = await _rows(desk, merchant, _period(desk))
    cells = [
        [
            row.placed_at.isoformat(),
            line.sku,
            line.title,
            str(line.quantity),
            row.currency,
            str(decimal_of(line.total, row.currency)),
        ]
        for row in rows
        if row.state is OrderState.PAID
        for line in row.body.lines
    ]
    return table_file(["placed_at", "sku", "title", "units", "currency", "revenue"], cells, "sales.csv")


def _period(desk: Desk) -> Period:
    return next((one for one in PERIODS if one.key == desk.query("days")), PERIODS[0])


async def _rows(desk: Desk, merchant: UUID, period: Period) -> tuple[datetime, Sequence[OrderRow]]:
    midnight = desk.now.replace(hour=0, minute=0, second=0, microsecond=0)
    since = midnight if period.steps == 24 else midnight - timedelta(days=period.steps - 1)
    async with desk.shop.database.as_merchant(merchant) as connection:
        return since, await desk.shop.order_books.parts(connection, merchant, since, ROWS_LIMIT)


def _chart(desk: Desk, sums: Sums, period: Period) -> Chart:
    most = max((span.revenue for span in sums.spans), default=0)
    bars = [
        Bar(
            x=number * BAR_ROOM,
            height=round(CHART_HEIGHT * span.revenue / most) if most else 0,
            name=_name(desk, span.at, period),
            span=span,
        )
        for number, span in enumerate(sums.spans)
    ]
    return Chart(sums, bars, BAR_ROOM * len(bars) - (BAR_ROOM - BAR_WIDTH), most)


def _name(desk: Desk, at: datetime, period: Period) -> str:
    return f"{at:%H}:00" if period.steps == 24 else desk.visit.formats.date(at)
