"""How many machines a peak needs, from what an order cost where it was measured. Pure, but for reading the measurement.

The cost of an order is taken for the same up to `BEYOND_MEASURED` times the measured rate; beyond that nobody has
looked, and the answer says *assumed linear*.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from nightmarket.rehearsal.errors import NothingMeasured
from nightmarket.rehearsal.records import RESULT
from nightmarket.rehearsal.verdict.reading import read_result
from nightmarket.rehearsal.verdict.result import MICROSECONDS, Cost, Result
from nightmarket.rehearsal.verdict.summing_up import BEYOND_MEASURED, USABLE

DATABASE = "postgres"
PARTS = ("web", "worker", DATABASE)
"""What can stand on machines of its own; everything else of the shop goes with the web processes."""

LARGEST_CORES = 192
"""Of one database machine that can be rented; beyond it PostgreSQL has to become several (Citus)."""

FOLDER = "rehearsals"


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What an order cost by part, at so many orders per second; `spread`: whether it was measured several times."""

    source: str
    costs: tuple[Cost, ...]
    per_second: float
    cores: int
    spread: bool


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What one part needs at a peak: cores on average and in the dearest tenth, and machines that hold the latter.

    PostgreSQL is one machine, which has to have so many cores.
    """

    part: str
    mean_us: float
    high_us: float
    mean_cores: float
    high_cores: float
    machines: int
    cores_each: int


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: by part on machines of their own, and whether one machine holds all of it."""

    orders_per_second: float
    machine_cores: int
    needs: tuple[Need, ...]
    one_holds_all: bool
    """Whether a single machine of that size is enough for everything together."""
    one_cores: int
    """The cores that a single machine for everything would need."""
    assumed_linear: bool
    times_measured: float
    database_is_too_large: bool
    """Whether no single machine holds the database any more."""


def capacity(measured: Measured, orders_per_second: float, machine_cores: int) -> Capacity:
    """What so many orders per second need, with a fifth of every machine left free.

    Raises NothingMeasured where nothing is known of an order's cost.
    """
    assert orders_per_second > 0
    assert machine_cores > 0
    if not measured.costs or measured.per_second <= 0:
        raise NothingMeasured(f"{measured.source} does not say what an order costs: too little was sold.")
    by_part = _by_part(measured.costs)
    needs = tuple(
        _need(part, mean, high, orders_per_second, machine_cores) for part, (mean, high) in by_part.items() if high > 0
    )
    together = cores_of(sum(need.high_cores for need in needs))
    times = orders_per_second / measured.per_second
    database = next((need.high_cores for need in needs if need.part == DATABASE), 0.0)
    return Capacity(
        orders_per_second=orders_per_second,
        machine_cores=machine_cores,
        needs=needs,
        one_holds_all=together <= machine_cores,
        one_cores=together,
        assumed_linear=times > BEYOND_MEASURED,
        times_measured=times,
        database_is_too_large=database > LARGEST_CORES * USABLE,
    )


def machines(cores: float, machine_cores: int) -> int:
    """The fewest machines that give so many cores while a fifth of each stays free; at least one."""
    return max(1, math.ceil(round(cores / (machine_cores * USABLE), 9)))


def cores_of(cores: float) -> int:
    """The fewest whole cores of one machine that give so many while a fifth stays free; at least one."""
    return machines(cores, 1)


def _need(part: str, mean_us: float, high_us: float, orders_per_second: float, machine_cores: int) -> Need:
    mean, high = (us / MICROSECONDS * orders_per_second for us in (mean_us, high_us))
    database = part == DATABASE
    return Need(
        part=part,
        mean_us=mean_us,
        high_us=high_us,
        mean_cores=mean,
        high_cores=high,
        machines=1 if database else machines(high, machine_cores),
        cores_each=max(machine_cores, cores_of(high)) if database else machine_cores,
    )


def _by_part(costs: Sequence[Cost]) -> Mapping[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = dict.fromkeys(PARTS, (0.0, 0.0))
    for cost in costs:
        part = cost.part if cost.part in PARTS else "web"
        mean, high = found[part]
        found[part] = (mean + cost.mean_us, high + cost.high_us)
    return found


def of_result(result: Result) -> Measured:
    """What a rehearsal measured."""
    return Measured(
        source=f"rehearsal {result.run}",
        costs=result.costs,
        per_second=result.figures.peak_per_second,
        cores=result.cores,
        spread=True,
    )


def measured_at(where: str, home: Path) -> Measured:
    """The measurement that is meant: a run's id, a folder, a `result.json`, or what `nightmarket bench` wrote; with an
    empty text the newest rehearsal of this home that can say anything. Raises NothingMeasured."""
    if not where:
        return _newest(home)
    path = next((one for one in (Path(where), home / FOLDER / where) if one.exists()), None)
    if path is None:
        raise NothingMeasured(f"There is no rehearsal {where} in {home / FOLDER}, and no such file.")
    if path.is_dir():
        return of_result(read_result(path))
    return of_result(read_result(path.parent)) if path.name == RESULT else of_bench(path)


def _newest(home: Path) -> Measured:
    for file in sorted((home / FOLDER).glob(f"*/{RESULT}"), key=lambda one: one.stat().st_mtime, reverse=True):
        result = read_result(file.parent)
        if result.costs:
            return of_result(result)
    raise NothingMeasured(
        f"No rehearsal in {home / FOLDER} says what an order costs. Play one that sells enough: nightmarket rehearse"
    )


def of_bench(path: Path) -> Measured:
    """What `make bench` wrote: the orders that are paid, else those created. Only one run, so nothing of a spread."""
    try:
        told = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError) as error:
        raise NothingMeasured(f"{path} is no measurement: {error}.") from error
    runs = _section(told.get("runs"))
    for name in ("paid", "created"):
        section = _section(runs.get(name))
        if "cpu_us_per_order" in section:
            return _bench(path, told, section["cpu_us_per_order"], section.get("per_second", 0))
    raise NothingMeasured(f"{path} does not say what an order costs (`cpu_us_per_order`).")


def _section(value: object) -> dict[str, Any]:
    try:
        return msgspec.convert(value, dict[str, Any])
    except msgspec.ValidationError:
        return {}


def _bench(path: Path, told: Mapping[str, Any], each: Any, rate: Any) -> Measured:
    values = msgspec.convert(each, dict[str, float])
    costs = tuple(Cost(part=part, mean_us=us, low_us=us, high_us=us) for part, us in values.items() if part != "wrk")
    return Measured(
        source=str(path), costs=costs, per_second=float(rate), cores=int(told.get("cores") or 1), spread=False
    )
