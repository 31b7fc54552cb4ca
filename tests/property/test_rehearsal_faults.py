"""Faults on request: the same words and seed give the same strikes, within the play and within the bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightmarket.rehearsal.errors import FaultRefused
from nightmarket.rehearsal.faults import Fault, possible, read_faults
from nightmarket.rehearsal.faults.plan import LASTING, MOST_STRIKES

NAMES = (
    st.lists(st.sampled_from([*map(str, Fault), "random"]), max_size=6)
    .map(",".join)
    .filter(lambda asked: asked.count("random") <= 2)
)
SECONDS = st.floats(10, 600)


@given(NAMES, st.integers(0, 2**32), SECONDS)
def test_strikes_are_in_order_and_within_the_play(asked: str, seed: int, seconds: float) -> None:
    """Each strikes after the play began and before it ends, in order of time, and lasts only where that means
    something."""
    strikes = read_faults(asked, seed, seconds)
    assert [one.at_seconds for one in strikes] == sorted(one.at_seconds for one in strikes)
    assert all(0 < one.at_seconds < seconds for one in strikes)
    assert all((one.lasts_seconds > 0) == (one.fault in LASTING) for one in strikes)
    assert len(strikes) <= MOST_STRIKES


@given(NAMES, st.integers(0, 2**32), SECONDS)
def test_a_seed_is_a_plan(asked: str, seed: int, seconds: float) -> None:
    """The same words, seed and length give the same strikes."""
    assert read_faults(asked, seed, seconds) == read_faults(asked, seed, seconds)


@given(st.integers(0, 2**32), SECONDS, st.sets(st.sampled_from(list(Fault)), min_size=1))
def test_random_draws_among_what_is_possible(seed: int, seconds: float, among: set[Fault]) -> None:
    """`random` strikes at least once, with nothing that cannot strike here, and with everything before again with
    one."""
    strikes = read_faults("random", seed, seconds, tuple(sorted(among)))
    assert strikes
    times = [sum(one.fault is fault for one in strikes) for fault in among]
    assert sum(times) == len(strikes)
    assert max(times) - min(times) <= 1


@given(st.sampled_from(list(Fault)), st.integers(0, 59))
def test_a_time_is_kept(fault: Fault, at: int) -> None:
    """`NAME@SECONDS` strikes then; minutes and how long it lasts are read too."""
    assert read_faults(f"{fault}@{at}s", 1, 60)[0].at_seconds == at
    assert read_faults(f"{fault}@1m", 1, 60)[0].at_seconds == 60
    if fault in LASTING:
        assert read_faults(f" {fault}@{at}+7s ", 1, 60)[0].lasts_seconds == 7


@pytest.mark.parametrize(
    "asked",
    ["kill", "kill-worker@", "kill-worker@61s", "kill-web+3s", "fill-disk+61s", "kill-web@1.2.3", "," + "random," * 61],
)
def test_what_cannot_be_is_refused(asked: str) -> None:
    """Unknown names, times after the end, a kill that lasts, too much at once: refused with a reason."""
    with pytest.raises(FaultRefused):
        read_faults(asked, 1, 60)


def test_what_is_not_ours_cannot_be_struck() -> None:
    """A database by URL is neither killed nor filled, and random never draws it."""
    ours = possible(may_fill_disk=True, own_database=False)
    assert set(ours) == {Fault.KILL_WEB, Fault.KILL_WORKER, Fault.SILENCE_PROVIDER}
    assert Fault.FILL_DISK not in possible(may_fill_disk=False)
    assert set(possible(may_fill_disk=True)) == set(Fault)
