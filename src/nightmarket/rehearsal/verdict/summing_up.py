"""Puts counted and measured things together into one result. Pure."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from nightmarket.orders.contract import OrderState
from nightmarket.rehearsal.model import CheckLine
from nightmarket.rehearsal.records import Phase, Sample

from . import counting, measuring
from .counting import Known
from .reading import Run
from .result import MICROSECONDS, Answer, Cost, FaultLine, Figures, Limit, Result

SLOW_MS = 1_000.0
GENERATOR_SHARE = 0.5
BEYOND_MEASURED = 2.0
"""Up to this multiple of what was measured the cost of an order is taken for the same; beyond it is assumed."""

STANDING = frozenset({OrderState.PAID, OrderState.PENDING})

USABLE = 0.8
"""The part of a machine that may be planned with."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the judge saw when all was quiet."""

    answers: tuple[Answer, ...]
    audit: tuple[CheckLine, ...]
    known: Mapping[UUID, Known]
    placed_at: Mapping[UUID, datetime]
    lag_seconds: float
    settled_seconds: float
    judged_at: datetime
    version: str


def sum_up(run: Run, seen: Seen) -> Result:
    """The result of a run."""
    faults = measuring.faults(run.events)
    costs = measuring.costs(run.samples, measuring.spans(faults))
    limit = measuring.limit(run.samples, run.plan.cores)
    figures = _figures(run, seen)
    reasons = _reasons(seen, figures, faults)
    return Result(
        run=run.plan.run,
        seed=run.plan.seed,
        minutes=run.plan.minutes,
        version=seen.version,
        judged_at=seen.judged_at.isoformat(),
        go=not reasons,
        reasons=reasons,
        worries=_worries(figures, limit, costs, faults),
        answers=seen.answers,
        audit=seen.audit,
        faults=faults,
        figures=figures,
        costs=costs,
        limit=limit,
        capacity_per_second=capacity(figures.peak_per_second, costs, limit, run.plan.cores),
        cores=run.plan.cores,
    )


def capacity(peak: float, costs: tuple[Cost, ...], limit: Limit | None, cores: int) -> float | None:
    """Orders per second that the shop takes on such a machine, without those who play its shoppers on it.

    Known only where the machine was used up: the peak, times what the shoppers' own processes took from it; at most
    BEYOND_MEASURED times the peak. A rehearsal that the machine hardly felt says nothing about its end.
    """
    if limit is None or not limit.reached or not costs or peak <= 0:
        return None
    each = sum(cost.mean_us for cost in costs) / MICROSECONDS
    return round(min(max(peak, USABLE * cores / each), BEYOND_MEASURED * peak), 1)


def _figures(run: Run, seen: Seen) -> Figures:
    told = counting.last_words(run.acknowledged)
    orders = {text: seen.known.get(id) if (id := counting.order_of(text)) else None for text in told}
    states = Counter(there.state for there in orders.values() if there is not None)
    ids = {counting.order_of(text) for text in told}
    since = _instant(run.plan.asked_at)
    standing = {id for id, there in seen.known.items() if there.state is not OrderState.DECLINED}  # that is an answer
    unheard = [id for id, at in seen.placed_at.items() if id not in ids and id in standing and at >= since]
    off = {one.name: one.off for one in seen.answers}
    played = [sample for sample in run.samples if sample.phase is not Phase.AFTER]
    answered = [sample for sample in played if sample.requests]
    return Figures(
        acknowledged=len(told),
        present=sum(there is not None for there in orders.values()),
        paid=states[OrderState.PAID],
        waiting=states[OrderState.PENDING],
        taken_back=states[OrderState.CANCELLED] + states[OrderState.LAPSED] + states[OrderState.DECLINED],
        unheard=len(unheard),
        tried=sum(sample.orders_tried for sample in run.samples),
        refused=_added(run.samples, "refused"),
        errors=_added(run.samples, "errors"),
        oversold_units=off.get("no oversell", 0),
        undersold_units=off.get("no undersell", 0),
        money_without_order=off.get("no money without order", 0),
        order_without_money=off.get("no order without money", 0),
        peak_per_second=round(measuring.peak(played), 2),
        p50_ms=round(measuring.percentile([sample.p50_ms for sample in answered], 0.5), 1),
        p99_ms=round(measuring.percentile([sample.p99_ms for sample in answered], 0.99), 1),
        lag_seconds=seen.lag_seconds,
        settled_seconds=round(seen.settled_seconds, 1),
    )


def _added(samples: list[Sample], name: str) -> dict[str, int]:
    total = Counter[str]()
    for sample in samples:
        total.update(sample.refused if name == "refused" else sample.errors)
    return dict(total.most_common())


def _reasons(seen: Seen, figures: Figures, faults: tuple[FaultLine, ...]) -> tuple[str, ...]:
    reasons = [f"{one.name}: {one.off:,} off. {one.holds}" for one in seen.answers if one.off]
    reasons += [f"audit of {line.name}: {line.off:,} rows off. {line.holds}" for line in seen.audit if line.off]
    reasons += [
        f"{one.fault} at {one.t:.0f} s: service did not come back"
        for one in faults
        if not one.refused and one.down_seconds is None
    ]
    if not figures.acknowledged:
        reasons.append("Nothing was sold, so nothing was rehearsed.")
    return tuple(reasons)


def _worries(
    figures: Figures, limit: Limit | None, costs: tuple[Cost, ...], faults: tuple[FaultLine, ...]
) -> tuple[str, ...]:
    worries: list[str] = []
    failed = sum(figures.errors.values())
    if failed and not any(not one.refused for one in faults):
        worries.append(f"{failed:,} requests failed though nothing was made to fail.")
    if figures.p99_ms > SLOW_MS:
        worries.append(f"In the slowest seconds a hundredth of the answers took over {figures.p99_ms / 1000:.1f} s.")
    if limit is not None and limit.reached:
        worries.append(f"The machine was used up: {limit.machine_cores:.2f} cores at the busiest.")
    if limit is not None and limit.generator_cores > GENERATOR_SHARE * max(limit.shop_cores, 0.01):
        worries.append(
            f"Those who play the shoppers used {limit.generator_cores:.2f} cores beside the shop's "
            f"{limit.shop_cores:.2f}; play them from another machine to see the shop's own end."
        )
    if not costs:
        worries.append("Too little was sold in quiet stretches to say what an order costs.")
    worries += [f"{one.fault} {one.detail}" for one in faults if one.refused]
    if figures.unheard:
        worries.append(f"{figures.unheard:,} orders stand of which no shopper was told to the end; they left before.")
    return tuple(worries)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text) - timedelta(seconds=1)
