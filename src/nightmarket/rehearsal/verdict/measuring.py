"""What the samples of a rehearsal say: rates, percentiles, processor time by part, and where the limit is. Pure."""

from collections.abc import Mapping, Sequence

from nightmarket.rehearsal.records import Event, EventKind, Phase, Sample

from .result import MICROSECONDS, Cost, FaultLine, Limit

WINDOW = 10
"""Seconds over which a rate is averaged."""

LEAST_ORDERS = 20
"""Fewer orders in a stretch say nothing about the cost of one."""

LEAST_STRETCHES = 3
USED_UP = 0.85
"""A machine of which so much is used at its busiest counts as used up."""

GENERATORS = frozenset({"locust", "rehearse", "crowd"})
"""What plays the shoppers; it is no part of the shop."""


def stretches(samples: Sequence[Sample], seconds: int = WINDOW) -> list[list[Sample]]:
    """The play cut into stretches that do not overlap; the rest at the end and the time after the play are left out."""
    played = [sample for sample in samples if sample.phase is not Phase.AFTER]
    return [played[at : at + seconds] for at in range(0, len(played) - seconds + 1, seconds)]


def peak(samples: Sequence[Sample], seconds: int = WINDOW) -> float:
    """Orders placed per second over the best stretch of that length, wherever it begins."""
    placed = [sample.orders_placed for sample in samples]
    span = min(seconds, len(placed))
    if not span:
        return 0.0
    return max(sum(placed[at : at + span]) for at in range(len(placed) - span + 1)) / span


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed; 0 of none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def costs(samples: Sequence[Sample], outside: Sequence[tuple[float, float]] = ()) -> tuple[Cost, ...]:
    """Processor time per order by part of the shop, over the stretches in which enough was sold.

    Stretches that touch a span of `outside` (while a fault lasted) are left out. What shoppers look at before they buy
    is in it: it is the cost of an order with all that belongs to it.
    """
    used: dict[str, list[tuple[float, int]]] = {}
    for stretch in stretches(samples):
        orders = sum(sample.orders_placed for sample in stretch)
        struck = any(stretch[0].t < end and begin < stretch[-1].t for begin, end in outside)
        if orders < LEAST_ORDERS or struck:
            continue
        for part in {name for sample in stretch for name in sample.cpu if part_of(name) is not None}:
            seconds = sum(sample.cpu.get(part, 0.0) for sample in stretch)
            used.setdefault(part, []).append((seconds, orders))
    found: list[Cost] = []
    for part, pairs in sorted(used.items()):
        if len(pairs) < LEAST_STRETCHES:
            continue
        each = [seconds / orders * MICROSECONDS for seconds, orders in pairs]
        mean = sum(seconds for seconds, _ in pairs) / sum(orders for _, orders in pairs) * MICROSECONDS
        low, high = percentile(each, 0.1), percentile(each, 0.9)
        found.append(
            Cost(part=part, mean_us=round(mean, 1), low_us=round(min(low, mean), 1), high_us=round(max(high, mean), 1))
        )
    return tuple(found)


def part_of(process: str) -> str | None:
    """The part of the shop that a process is; None for those who play shoppers."""
    return None if process in GENERATORS else process


def limit(samples: Sequence[Sample], cores: int) -> Limit | None:
    """The busiest stretch: who was busiest there, and whether the machine was used up. None of too short a play."""
    cut = stretches(samples)
    if not cut or not cores:
        return None
    busiest = max(cut, key=lambda stretch: sum(sum(sample.cpu.values()) for sample in stretch))
    mean = mean_cores(busiest)
    shop = {part: used for part, used in mean.items() if part_of(part) is not None}
    generator = sum(used for part, used in mean.items() if part_of(part) is None)
    part = max(shop, key=lambda name: shop[name], default="")
    machine = sum(mean.values())
    return Limit(
        part=part,
        cores=round(shop.get(part, 0.0), 2),
        shop_cores=round(sum(shop.values()), 2),
        generator_cores=round(generator, 2),
        machine_cores=round(machine, 2),
        reached=machine >= USED_UP * cores,
    )


def mean_cores(stretch: Sequence[Sample]) -> Mapping[str, float]:
    """Cores used by each process, on average."""
    names = sorted({name for sample in stretch for name in sample.cpu})
    return {name: sum(sample.cpu.get(name, 0.0) for sample in stretch) / len(stretch) for name in names}


def faults(events: Sequence[Event]) -> tuple[FaultLine, ...]:
    """Each fault with the recovery that followed it, and the notes on faults that could not strike."""
    found: list[FaultLine] = []
    for event in events:
        if event.kind is EventKind.FAULT:
            found.append(FaultLine(fault=event.what, t=event.t, detail=event.detail))
        elif event.kind is EventKind.NOTE and event.detail.startswith("could not strike"):
            found.append(FaultLine(fault=event.what, t=event.t, detail=event.detail, refused=True))
        elif event.kind is EventKind.RECOVERY:
            for number, line in enumerate(found):
                if line.fault == event.what and line.down_seconds is None and not line.refused:
                    found[number] = FaultLine(
                        fault=line.fault, t=line.t, detail=line.detail, down_seconds=round(event.t - line.t, 2)
                    )
                    break
    return tuple(found)


def spans(lines: Sequence[FaultLine]) -> list[tuple[float, float]]:
    """From when to when each fault was felt; one that never ended lasts for ever."""
    return [
        (one.t, one.t + (one.down_seconds if one.down_seconds is not None else 1e9)) for one in lines if not one.refused
    ]
