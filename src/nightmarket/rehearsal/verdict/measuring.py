"""What the samples of a rehearsal say: rates, percentiles, processor time by part, and where the limit is. Pure."""

from collections.abc import Mapping, Sequence

from nightmarket.rehearsal.records import NOT_STRUCK, Event, EventKind, Phase, Sample

from .result import MICROSECONDS, Cost, FaultLine, Limit, LimitOf

WINDOW = 10
"""Seconds over which a rate is averaged."""

LEAST_ORDERS = 20
"""Fewer orders in a stretch say nothing about the cost of one."""

LEAST_STRETCHES = 3
USED_UP = 0.85
"""A machine of which so much is used at its busiest counts as used up."""

LEAST_REQUESTS = 200
AFTER_SECONDS = 60.0
"""After a fault those who were struck by it may still give up: they ask for 45 s."""

GENERATORS = frozenset({"locust", "rehearse", "crowd"})
"""What plays the shoppers; it is no part of the shop."""

PLAYERS, OTHERS = "locust", "others"
SLOW_MS = 1_000.0
"""Beyond this for a hundredth of the answers, over most of a stretch, the shop does not keep up."""


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
        if orders < LEAST_ORDERS or _touched(stretch, outside):
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
    """The part of the shop that a process is; None for those who play shoppers, and for strangers."""
    return None if process in GENERATORS or process == OTHERS else process


def limit(
    samples: Sequence[Sample], cores: int, processes: int = 1, outside: Sequence[tuple[float, float]] = ()
) -> Limit | None:
    """The busiest stretch that no fault touched: who was busiest there, and what came to its end. None of too short a
    play. `processes` are those of the players, each of which has one core at most."""
    cut = [one for one in stretches(samples) if not _touched(one, outside)]
    if not cut or not cores:
        return None
    busiest = max(cut, key=lambda stretch: (overrun(stretch), sum(sum(sample.cpu.values()) for sample in stretch)))
    mean = mean_cores(busiest)
    shop = {part: used for part, used in mean.items() if part_of(part) is not None}
    others = mean.get(OTHERS, 0.0)
    generator = sum(used for part, used in mean.items() if part in GENERATORS)
    part = max(shop, key=lambda name: shop[name], default="")
    machine = sum(mean.values())
    found = LimitOf.NOTHING
    if mean.get(PLAYERS, 0.0) >= USED_UP * processes:
        found = LimitOf.PLAYERS
    elif machine - others >= USED_UP * cores or (overrun(busiest) and machine >= USED_UP * cores):
        found = LimitOf.MACHINE  # strangers on a machine that still answers quickly say nothing about the shop
    elif overrun(busiest):
        found = LimitOf.SHOP
    return Limit(
        part=part,
        cores=round(shop.get(part, 0.0), 2),
        shop_cores=round(sum(shop.values()), 2),
        generator_cores=round(generator, 2),
        others_cores=round(others, 2),
        machine_cores=round(machine, 2),
        of=found,
        reached=found in (LimitOf.MACHINE, LimitOf.SHOP),
    )


def overrun(stretch: Sequence[Sample]) -> bool:
    """Whether answers took long over most of it: then more was asked for than there was to give."""
    return sum(sample.p99_ms > SLOW_MS for sample in stretch) * 2 > len(stretch)


def held(samples: Sequence[Sample]) -> float:
    """The most orders per second over a stretch that the shop kept up with; 0 where there was none."""
    return max(
        (sum(one.orders_placed for one in cut) / len(cut) for cut in stretches(samples) if not overrun(cut)),
        default=0.0,
    )


def failed_in_quiet(samples: Sequence[Sample], outside: Sequence[tuple[float, float]]) -> float:
    """The share of the requests without an answer, away from faults and what they still did afterwards."""
    quiet = [one for one in samples if not any(begin <= one.t < end + AFTER_SECONDS for begin, end in outside)]
    asked = sum(one.requests for one in quiet)
    failed = sum(sum(one.errors.values()) for one in quiet)
    return round(failed / asked, 4) if asked >= LEAST_REQUESTS else 0.0


def _touched(stretch: Sequence[Sample], outside: Sequence[tuple[float, float]]) -> bool:
    return any(stretch[0].t < end and begin < stretch[-1].t for begin, end in outside)


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
        elif event.kind is EventKind.NOTE and event.detail.startswith(NOT_STRUCK):
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
