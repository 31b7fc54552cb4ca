"""How the night goes: orders over time and by merchant, as charts with their tables."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import msgspec
from babel.dates import format_datetime
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.money import minor_digits
from nightmarket.orders.contract import CoursePoint, MerchantFigure, OrderState

from .charts import Chart, Series
from .desk import Desk
from .order_views import merchant_names
from .tables import table_file

MERCHANTS_SHOWN = 12
MERCHANTS_READ = 200


class Span(msgspec.Struct, frozen=True):
    """How far back, in steps of what length, and how an instant reads on the axis."""

    words: str
    steps: int
    step: timedelta
    pattern: str


SPANS = {
    "hour": Span(say_later("Last hour"), 60, timedelta(minutes=1), "HH:mm"),
    "day": Span(say_later("Last 24 hours"), 48, timedelta(minutes=30), "HH:mm"),
    "week": Span(say_later("Last 7 days"), 28, timedelta(hours=6), "EEE HH:mm"),
    "month": Span(say_later("Last 30 days"), 30, timedelta(days=1), "d MMM"),
}


async def show(desk: Desk) -> ASGIResponse:
    """Charts of a span of time."""
    key, span = _span(desk)
    points, merchants = await _read(desk, span)
    currencies = _currencies(points)
    charts = [_orders_chart(desk, span, points)]
    for currency in currencies[:2]:
        charts.append(_money_chart(desk, span, points, currency))
        if desk.merchant is None:
            charts.append(await _merchants_chart(desk, merchants, currency))
    return desk.page(
        "course.html",
        charts=charts,
        spans=[(one, desk.say(SPANS[one].words)) for one in SPANS],
        chosen=key,
        anything=bool(points),
    )


async def export(desk: Desk) -> ASGIResponse:
    """The same orders over time as CSV: one row for each step, state and currency."""
    _, span = _span(desk)
    points, _ = await _read(desk, span)
    cells = [
        [
            one.at.isoformat(),
            one.state.name.lower(),
            one.currency,
            str(one.orders),
            str(_amount(one.total, one.currency)),
        ]
        for one in points
    ]
    return table_file(["from", "state", "currency", "orders", "total"], cells, "figures.csv")


def _span(desk: Desk) -> tuple[str, Span]:
    key = desk.query("span")
    key = key if key in SPANS else "day"
    return key, SPANS[key]


def _since(now: datetime, span: Span) -> datetime:
    """The beginning of the first step: steps begin at whole multiples of their length."""
    seconds = int(span.step.total_seconds())
    start = int(now.timestamp()) // seconds * seconds - (span.steps - 1) * seconds
    return datetime.fromtimestamp(start, now.tzinfo)


async def _read(desk: Desk, span: Span) -> tuple[Sequence[CoursePoint], Sequence[MerchantFigure]]:
    since, seconds = _since(desk.now, span), int(span.step.total_seconds())
    async with desk.reading() as connection:
        points = await desk.shop.order_books.course(connection, since, seconds, merchant=desk.merchant)
        merchants = await desk.shop.order_books.by_merchant(connection, since, MERCHANTS_READ)
    return points, merchants


def _currencies(points: Sequence[CoursePoint]) -> list[str]:
    amounts: Counter[str] = Counter()
    for one in points:
        amounts[one.currency] += one.orders
    return [currency for currency, _ in amounts.most_common()]


def _amount(total: int, currency: str) -> Decimal:
    return Decimal(total).scaleb(-minor_digits(currency))


def _steps(desk: Desk, span: Span) -> tuple[list[datetime], list[str]]:
    since = _since(desk.now, span)
    steps = [since + n * span.step for n in range(span.steps)]
    locale = desk.visit.formats.locale
    return steps, [format_datetime(at, span.pattern, locale=locale) for at in steps]


def _along(steps: Sequence[datetime], points: Sequence[CoursePoint], value: Callable[[CoursePoint], int]) -> list[int]:
    sums: Counter[datetime] = Counter()
    for one in points:
        sums[one.at] += value(one)
    return [sums[at] for at in steps]


def _orders_chart(desk: Desk, span: Span, points: Sequence[CoursePoint]) -> Chart:
    steps, labels = _steps(desk, span)
    groups: Mapping[str, Callable[[OrderState], bool]] = {
        desk.say(say_later("Paid")): lambda state: state is OrderState.PAID,
        desk.say(say_later("Waiting")): lambda state: state is OrderState.PENDING,
        desk.say(say_later("Not bought")): lambda state: state not in (OrderState.PAID, OrderState.PENDING),
    }
    number = desk.visit.formats.number
    series: list[Series] = []
    for name, belongs in groups.items():
        values = _along(steps, [one for one in points if belongs(one.state)], lambda one: one.orders)
        series.append(Series(name, values, [number(value) for value in values]))
    whole = [sum(values) for values in zip(*(one.values for one in series), strict=True)]
    title = desk.say(say_later("No orders yet in this time"))
    if any(whole):
        peak = max(range(len(whole)), key=whole.__getitem__)
        text = say_later("%(orders)s orders, most of them at %(when)s")
        title = desk.say(text, orders=number(int(sum(whole))), when=labels[peak])
    return Chart("orders", title, "bar", desk.say(TIME), desk.say(say_later("orders")), labels, series, stacked=True)


TIME = say_later("Time (UTC)")


def _money_chart(desk: Desk, span: Span, points: Sequence[CoursePoint], currency: str) -> Chart:
    steps, labels = _steps(desk, span)
    paid = [one for one in points if one.state is OrderState.PAID and one.currency == currency]
    values = _along(steps, paid, lambda one: one.total)
    money = desk.visit.formats.money
    orders = sum(one.orders for one in paid)
    title = desk.say(say_later("Nothing was paid in %(currency)s in this time"), currency=currency)
    if orders:
        text = say_later("%(money)s paid, %(each)s an order")
        title = desk.say(text, money=money(sum(values), currency), each=money(round(sum(values) / orders), currency))
    series = Series(
        desk.say(say_later("Paid")),
        [float(_amount(value, currency)) for value in values],
        [money(value, currency) for value in values],
    )
    return Chart(f"money-{currency}", title, "line", desk.say(TIME), currency, labels, [series], stacked=True)


async def _merchants_chart(desk: Desk, merchants: Sequence[MerchantFigure], currency: str) -> Chart:
    names: Mapping[UUID, str] = await merchant_names(desk)
    found = sorted((one for one in merchants if one.currency == currency), key=lambda one: -one.total)
    shown, money = found[:MERCHANTS_SHOWN], desk.visit.formats.money
    title = desk.say(say_later("No merchant has sold anything in %(currency)s in this time"), currency=currency)
    if shown:
        share = round(100 * shown[0].total / max(1, sum(one.total for one in found)))
        text = say_later("%(name)s sells most: %(share)s %% of what was paid in %(currency)s")
        title = desk.say(text, name=names.get(shown[0].merchant, "–"), share=share, currency=currency)
    series = Series(
        desk.say(say_later("Paid")),
        [float(_amount(one.total, currency)) for one in shown],
        [money(one.total, currency) for one in shown],
    )
    labels = [names.get(one.merchant, "–") for one in shown]
    return Chart(f"merchants-{currency}", title, "rows", desk.say(say_later("Merchant")), currency, labels, [series])
