"""A merchant's figures, made of its rows of orders. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from nightmarket.kernel.money import share_of
from nightmarket.orders.contract import OrderRow, OrderState

BEST_SHOWN = 10
NOTHING: Mapping[UUID, int] = {}


class Span(NamedTuple):
    """A stretch of time in the chart: from `at` for as long as the steps are, what was sold in it."""

    at: datetime
    orders: int
    units: int
    revenue: int


class Best(NamedTuple):
    """An item and what was sold of it."""

    sku: str
    title: str
    units: int
    revenue: int


class Sums(NamedTuple):
    """What one currency came to: paid orders, their units, their lines, their delivery, and the steps in between."""

    currency: str
    orders: int
    units: int
    revenue: int
    delivery: int
    waiting: int
    spans: Sequence[Span]
    best: Sequence[Best]


def sums_of(rows: Iterable[OrderRow], since: datetime, step: timedelta, steps: int) -> list[Sums]:
    """Sums per currency, the one with the most orders first. Revenue is what lines came to after discounts, as buyers
    paid it, without delivery; only paid orders count, those that wait for payment are said beside them."""
    by_currency: dict[str, list[OrderRow]] = {}
    for row in rows:
        by_currency.setdefault(row.currency, []).append(row)
    found = [_sums(currency, some, since, step, steps) for currency, some in by_currency.items()]
    return sorted((one for one in found if one.orders or one.waiting), key=lambda one: (-one.orders, one.currency))


def _sums(currency: str, rows: Sequence[OrderRow], since: datetime, step: timedelta, steps: int) -> Sums:
    paid = [row for row in rows if row.state is OrderState.PAID]
    places: list[list[int]] = [[0, 0, 0] for _ in range(steps)]
    best: dict[str, list[int]] = {}
    titles: dict[str, str] = {}
    for row in paid:
        place = places[min(max(0, int((row.placed_at - since) / step)), steps - 1)]
        place[0] += 1
        for line in row.body.lines:
            place[1] += line.quantity
            place[2] += line.total
            item = best.setdefault(line.sku, [0, 0])
            item[0] += line.quantity
            item[1] += line.total
            titles.setdefault(line.sku, line.title)
    ranked = sorted(best.items(), key=lambda pair: (-pair[1][0], pair[0]))[:BEST_SHOWN]
    return Sums(
        currency=currency,
        orders=len(paid),
        units=sum(place[1] for place in places),
        revenue=sum(place[2] for place in places),
        delivery=sum(row.body.shipping.total for row in paid if row.body.shipping is not None),
        waiting=sum(1 for row in rows if row.state is OrderState.PENDING),
        spans=[Span(since + step * number, *place) for number, place in enumerate(places)],
        best=[Best(sku, titles[sku], units, revenue) for sku, (units, revenue) in ranked],
    )


class Due(NamedTuple):
    """What the journal owes the merchant, the market's commission of it, and what is left to pay out."""

    currency: str
    owed: int
    commission: int
    between: int = 0
    """Of what is owed: what partners pay of this merchant's discounts, less what it pays of theirs."""

    @property
    def payout(self) -> int:
        return self.owed - self.commission


def dues_of(
    rows: Iterable[OrderRow], owed: Mapping[UUID, int], basis_points: int, between: Mapping[UUID, int] = NOTHING
) -> list[Due]:
    """Per currency. The commission is rounded once per order, half up; an order by which the merchant owes, since it
    pays more of a partner's discount than its own goods came to, bears none."""
    sums: dict[str, list[int]] = {}
    for row in rows:
        amount = owed.get(row.id, 0)
        if row.state is OrderState.PAID and amount:
            found = sums.setdefault(row.currency, [0, 0, 0])
            found[0] += amount
            found[1] += share_of(max(0, amount), basis_points)
            found[2] += between.get(row.id, 0)
    return [Due(currency, *found) for currency, found in sorted(sums.items())]
