"""Whatever comes and goes, the bounds of shedding hold."""

from hypothesis import given
from hypothesis import strategies as st

from nightmarket.platform.http import ShedLimits
from nightmarket.platform.http.shedding import SPREAD_SECONDS_LIMIT, Shedder

STEPS = st.lists(
    st.tuples(
        st.floats(0, 5, allow_nan=False),  # seconds that pass
        st.integers(0, 60),  # answered, if so many wait
        st.booleans(),  # changing
        st.integers(0, 120),  # come
    ),
    max_size=60,
)


@given(STEPS, st.integers(0, 20), st.integers(0, 60), st.floats(0.01, 3))
def test_nobody_is_refused_below_enough_and_never_more_than_most_wait(
    steps: list[tuple[float, int, bool, int]], enough: int, more: int, patience: float
) -> None:
    """Below `enough` everybody is let in; at `most` nobody is; in between the bound is in between; and whoever is
    refused is told a time within its bounds."""
    now = 0.0
    limits = ShedLimits(most=enough + more, enough=enough, patience_seconds=patience)
    shedder = Shedder(limits, lambda: now)
    for seconds, answered, changing, come in steps:
        now += seconds
        for _ in range(min(answered, shedder.waiting)):
            shedder.answered(seconds, changing=changing)
        for _ in range(come):
            full = shedder.full()
            assert limits.enough <= shedder.limit <= limits.most
            assert not (full and shedder.waiting < limits.enough)
            assert full or shedder.waiting < limits.most
            if full:
                told = shedder.retry_after() - limits.retry_after_seconds
                assert 0 <= told < SPREAD_SECONDS_LIMIT
            else:
                shedder.waiting += 1
