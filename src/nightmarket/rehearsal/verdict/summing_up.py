"""Puts counted and measured things together into one result. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from nightmarket.orders.contract import OrderState
from nightmarket.rehearsal.model import CheckLine
from nightmarket.rehearsal.records import STOPPED, EventKind, Phase, Sample

from . import counting, measuring
from .counting import Known
from .reading import Run
from .result import MICROSECONDS, Answer, Cost, FaultLine, Figures, Limit, LimitOf, Result
from .saying import Said, english

GENERATOR_SHARE = 0.5
OTHERS_SHARE = 0.2
ASKED_SHARE = 0.5
"""Of the planned orders, that have to be asked for or clearly refused: a play whose shoppers got nowhere is none."""

FAILED_SHARE = 0.02
"""Of the requests, away from faults, that may go without an answer: those who shop try again, and leave at last."""

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
    spans = measuring.spans(faults)
    costs = measuring.costs(run.samples, spans)
    limit = measuring.limit(run.samples, run.plan.cores, run.plan.processes, spans)
    figures = _figures(run, seen, spans)
    reasons = tuple(map(english, reasons_of(seen.answers, seen.audit, figures, faults)))
    taken = capacity(figures, costs, limit, run.plan.cores)
    return Result(
        run=run.plan.run,
        seed=run.plan.seed,
        minutes=run.plan.minutes,
        version=seen.version,
        judged_at=seen.judged_at.isoformat(),
        go=not reasons,
        reasons=reasons,
        worries=tuple(map(english, worries_of(figures, limit, costs))),
        answers=seen.answers,
        audit=seen.audit,
        faults=faults,
        figures=figures,
        costs=costs,
        limit=limit,
        capacity_per_second=taken,
        capacity_at_least=taken is not None and (limit is None or not limit.reached),
        cores=run.plan.cores,
    )


def capacity(figures: Figures, costs: tuple[Cost, ...], limit: Limit | None, cores: int) -> float | None:
    """Orders per second that the shop takes on such a machine.

    Where the machine was used up, what those who play its shoppers took from it is the shop's on the night: the peak,
    or what the cost of an order says, at most BEYOND_MEASURED times the peak. Where the shop came to its end by itself,
    what it placed. Where nothing came to its end, what was held with quick answers, which it takes at least.
    """
    peak, held = figures.peak_per_second, figures.held_per_second
    if limit is None or not limit.reached:
        return round(held, 2) or None
    if limit.of is LimitOf.MACHINE and costs:
        each = sum(cost.mean_us for cost in costs) / MICROSECONDS
        ours = max(0.0, cores - limit.others_cores)
        peak = min(max(peak, USABLE * ours / each), BEYOND_MEASURED * peak)
    return round(peak, 2) or None


def _figures(run: Run, seen: Seen, spans: Sequence[tuple[float, float]]) -> Figures:
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
        planned=run.plan.orders,
        ended_early=any(event.kind is EventKind.NOTE and event.what == STOPPED for event in run.events),
        failed_in_quiet=measuring.failed_in_quiet(run.samples, spans),
        peak_per_second=round(measuring.peak(played), 2),
        held_per_second=round(measuring.held(played), 2),
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


def reasons_of(
    answers: Sequence[Answer], audit: Sequence[CheckLine], figures: Figures, faults: Sequence[FaultLine]
) -> list[Said]:
    """Why it is no go; nothing with a go."""
    reasons = [
        Said("%(what)s Off: %(amount)s.", {"what": Said(one.holds), "amount": one.off}) for one in answers if one.off
    ]
    reasons += [
        Said("The shop's own audit finds %(amount)s rows off: %(what)s", {"amount": line.off, "what": Said(line.holds)})
        for line in audit
        if line.off
    ]
    if not audit:
        reasons.append(Said("The shop's own audit looked at nothing."))
    for one in faults:
        if one.refused:
            words = {"fault": one.fault, "t": one.t, "why": Said(one.detail)}
            reasons.append(Said("%(fault)s was asked for and never struck (%(t)s s): %(why)s", words))
        elif one.down_seconds is None:
            words = {"fault": one.fault, "t": one.t}
            reasons.append(Said("%(fault)s at %(t)s s: service did not come back.", words))
    if not figures.acknowledged:
        reasons.append(Said("Nothing was sold, so nothing was rehearsed."))
    if figures.ended_early:
        reasons.append(Said("It was ended before its time, so what would have come then was not rehearsed."))
    elif max(figures.tried, figures.acknowledged) + sum(figures.refused.values()) < ASKED_SHARE * figures.planned:
        counts = {"planned": figures.planned, "tried": figures.tried}
        reasons.append(Said("Of %(planned)s orders that were planned only %(tried)s came to be asked for.", counts))
    if figures.failed_in_quiet > FAILED_SHARE:
        share = round(figures.failed_in_quiet * 100, 1)
        reasons.append(
            Said("While nothing was made to fail, %(share)s %% of the requests got no answer.", {"share": share})
        )
    return reasons


def worries_of(figures: Figures, limit: Limit | None, costs: Sequence[Cost]) -> list[Said]:
    """What holds, and is worth knowing before the day."""
    worries: list[Said] = []
    failed = sum(figures.errors.values())
    if failed and figures.failed_in_quiet:
        worries.append(
            Said("Requests that failed: %(failed)s; some of them though nothing was made to fail.", {"failed": failed})
        )
    if figures.p99_ms > measuring.SLOW_MS:
        seconds = {"seconds": round(figures.p99_ms / 1000, 1)}
        worries.append(Said("In the slowest seconds a hundredth of the answers took over %(seconds)s s.", seconds))
    if limit is not None:
        worries += _of_limit(limit)
    if not costs:
        worries.append(Said("Too little was sold in quiet stretches to say what an order costs."))
    if figures.unheard:
        text = "Orders that stand and of which no shopper was told to the end, since they left before: %(amount)s."
        worries.append(Said(text, {"amount": figures.unheard}))
    return worries


def _of_limit(limit: Limit) -> list[Said]:
    worries: list[Said] = []
    cores = {
        "cores": limit.machine_cores,
        "others": limit.others_cores,
        "players": limit.generator_cores,
        "shop": limit.shop_cores,
    }
    match limit.of:
        case LimitOf.MACHINE:
            worries.append(Said("The machine was used up: %(cores)s cores at the busiest.", cores))
        case LimitOf.SHOP:
            text = (
                "Answers took long though only %(cores)s cores were used: the shop waited for something else than a "
                "processor."
            )
            worries.append(Said(text, cores))
        case LimitOf.PLAYERS:
            text = "Those who play the shoppers could not ask for more (%(players)s cores); give them more --processes."
            worries.append(Said(text, cores))
        case LimitOf.NOTHING:
            pass
    if limit.generator_cores > GENERATOR_SHARE * max(limit.shop_cores, 0.01):
        text = (
            "Those who play the shoppers used %(players)s cores beside the shop's %(shop)s; play them from another "
            "machine to see the shop's own end."
        )
        worries.append(Said(text, cores))
    if limit.others_cores > OTHERS_SHARE * max(limit.machine_cores, 0.01):
        worries.append(Said("Others used %(others)s cores of this machine meanwhile, so the shop had less.", cores))
    return worries


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text) - timedelta(seconds=1)
