"""Capacity: enough machines and not one too many, more for more orders, and honest about what nobody has measured."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.measure import summed
from nightmarket.rehearsal.capacity import DATABASE, PARTS, Measured, capacity, machines, measured_at
from nightmarket.rehearsal.errors import NothingMeasured
from nightmarket.rehearsal.verdict.result import Cost, Figures, Limit, LimitOf
from nightmarket.rehearsal.verdict.summing_up import BEYOND_MEASURED, USABLE
from nightmarket.rehearsal.verdict.summing_up import capacity as of_machine


@st.composite
def costs(draw: st.DrawFn) -> Cost:
    low = draw(st.floats(1, 5_000))
    mean = low + draw(st.floats(0, 5_000))
    return Cost(
        part=draw(st.sampled_from([*PARTS, "supervisor"])),
        mean_us=mean,
        low_us=low,
        high_us=mean + draw(st.floats(0, 5_000)),
    )


MEASURED = st.builds(
    Measured,
    source=st.just("a run"),
    costs=st.lists(costs(), min_size=1, max_size=4, unique_by=lambda cost: cost.part).map(tuple),
    per_second=st.floats(0.1, 20_000),
    cores=st.integers(1, 64),
    spread=st.booleans(),
)
RATE = st.floats(0.1, 1_000_000)
CORES = st.integers(1, 192)


@given(MEASURED, RATE, CORES)
def test_enough_and_not_one_too_many(measured: Measured, rate: float, cores: int) -> None:
    """The machines hold the dearest tenth with a fifth of each free; one fewer would not, but there is at least one."""
    answer = capacity(measured, rate, cores)
    for need in answer.needs:
        assert need.mean_cores <= need.high_cores
        assert need.machines * need.cores_each * USABLE >= need.high_cores * (1 - 1e-6)
        assert need.machines == 1 or (need.machines - 1) * cores * USABLE < need.high_cores
        assert need.cores_each == cores or need.part == DATABASE
    total = sum(need.high_cores for need in answer.needs)
    assert answer.one_holds_all == (answer.one_cores <= cores)
    assert (answer.one_cores - 1) * USABLE < total * (1 + 1e-6) or answer.one_cores == 1
    assert answer.one_cores * USABLE >= total * (1 - 1e-6)


@given(MEASURED, RATE, CORES)
def test_every_cost_is_somewhere(measured: Measured, rate: float, cores: int) -> None:
    """Nothing that an order costs is forgotten: the parts' cores add up to all of it."""
    total = sum(cost.mean_us for cost in measured.costs) * rate / 1e6
    assert sum(need.mean_cores for need in capacity(measured, rate, cores).needs) == pytest.approx(total)


@given(MEASURED, RATE, st.floats(1, 10), CORES)
def test_more_orders_never_need_less(measured: Measured, rate: float, times: float, cores: int) -> None:
    """Machines grow with the peak, and shrink or stay with larger machines."""
    less, more = capacity(measured, rate, cores), capacity(measured, rate * times, cores)
    larger = capacity(measured, rate, cores + 1)
    assert less.one_cores <= more.one_cores
    for few, many, wide in zip(less.needs, more.needs, larger.needs, strict=True):
        assert few.machines <= many.machines
        assert wide.machines <= few.machines


@given(MEASURED, RATE, CORES)
def test_beyond_twice_the_measured_is_called_assumed(measured: Measured, rate: float, cores: int) -> None:
    """The answer says *assumed linear* exactly beyond twice the measured rate."""
    assert capacity(measured, rate, cores).assumed_linear == (rate / measured.per_second > BEYOND_MEASURED)


@given(st.floats(0, 1e6), CORES)
def test_at_least_one_machine(cores: float, machine: int) -> None:
    """Even nothing needs somewhere to run."""
    assert machines(cores, machine) >= 1


@given(
    st.lists(costs(), min_size=1, max_size=3).map(tuple),
    st.floats(0.1, 9_000),
    st.floats(0, 1),
    st.integers(1, 64),
    st.none() | st.sampled_from(LimitOf),
)
def test_capacity_is_what_was_seen(
    spent: tuple[Cost, ...], peak: float, share: float, cores: int, of: LimitOf | None
) -> None:
    """Where nothing came to its end it is what was held with quick answers, and no more; where the shop did, what it
    placed; where the machine did, that at least, and never more than twice of it."""
    figures = Figures(peak_per_second=peak, held_per_second=peak * share)
    reached = of in (LimitOf.MACHINE, LimitOf.SHOP)
    limit = None
    if of is not None:
        limit = Limit(part="web", cores=1, shop_cores=1, generator_cores=0, machine_cores=1, reached=reached, of=of)
    found = of_machine(figures, spent, limit, cores) or 0.0
    if not reached:
        assert abs(found - peak * share) < 0.01
    elif of is LimitOf.SHOP:
        assert abs(found - peak) < 0.01
    else:
        assert peak - 0.01 <= found <= BEYOND_MEASURED * peak + 0.01


def test_a_bench_file_is_read(tmp_path: Path) -> None:
    """What `make bench` writes is a measurement without spread, of the orders that are paid where there are some; wrk's
    own time is nobody's order."""
    parts = {"web": 100.0, "postgres": 50.0, "worker": 10.0, "supervisor": 1.0, "wrk": 20.0}
    paid = {"per_second": 500, "cpu_us_per_order": parts}
    created = {"per_second": 900, "cpu_us_per_order": {**parts, "web": 60.0}}
    for runs, rate, web in (({"created": created, "paid": paid}, 500, 101.0), ({"created": created}, 900, 61.0)):
        file = tmp_path / "latest.json"
        file.write_text(json.dumps(summed({"cores": 2, "pgbench_tpcb_16_per_second": 3_000.0}, runs)))
        measured = measured_at(str(file), tmp_path)
        assert (measured.per_second, measured.cores, measured.spread) == (rate, 2, False)
        costs = {need.part: need.mean_us for need in capacity(measured, 500, 2).needs}
        assert costs == {"web": web, "worker": 10.0, "postgres": 50.0}


@pytest.mark.parametrize("content", ["{}", "[]", "no json", '{"runs": {"paid": {"per_second": 3}}}'])
def test_what_measures_nothing_is_refused(tmp_path: Path, content: str) -> None:
    """No figure is made up for a file that says nothing of an order's cost."""
    file = tmp_path / "bench.json"
    file.write_text(content)
    with pytest.raises(NothingMeasured):
        measured_at(str(file), tmp_path)
    with pytest.raises(NothingMeasured):
        measured_at("", tmp_path)
    with pytest.raises(NothingMeasured):
        capacity(Measured(source="x", costs=(), per_second=1, cores=1, spread=False), 1, 1)
