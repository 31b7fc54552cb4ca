"""The play of a rehearsal: the curve sums up to the day, and a seed gives everything."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from nightmarket.rehearsal.play.brief import Score
from nightmarket.rehearsal.play.cast import Part, cast, in_time
from nightmarket.rehearsal.play.curve import HIGHEST, RUSH_ENDS, RUSH_SHARE, Timing, orders_by_second, share_until
from nightmarket.rehearsal.records import Phase

PLACES = st.floats(-0.5, 1.5, allow_nan=False)
MINUTES = st.floats(0.2, 60)


@given(PLACES, PLACES)
def test_the_share_of_the_day_only_grows(one: float, other: float) -> None:
    """From nothing at midnight to all of it at the end."""
    early, late = sorted((one, other))
    assert 0.0 <= share_until(early) <= share_until(late) <= 1.0
    assert (share_until(0), share_until(1)) == (0.0, 1.0)


def test_a_tenth_of_the_day_comes_in_its_first_five_minutes() -> None:
    """And the highest rate of all lies within them."""
    assert abs(share_until(RUSH_ENDS) - RUSH_SHARE) < 1e-9
    steps = 10_000
    rates = [(share_until((n + 1) / steps) - share_until(n / steps)) * steps for n in range(steps)]
    assert rates.index(max(rates)) / steps < RUSH_ENDS
    assert abs(max(rates) - HIGHEST) < 0.05


def test_the_evening_has_three_waves_higher_than_noon() -> None:
    """Each with a valley before it."""
    rate = [share_until((n + 1) / 200) - share_until(n / 200) for n in range(200)]
    noon = max(rate[80:110])
    waves = [n for n in range(140, 199) if rate[n] >= rate[n - 1] and rate[n] > rate[n + 1] and rate[n] > noon]
    assert len(waves) == 3


@given(st.integers(1, 20_000), st.floats(1, 40_000))
def test_the_seconds_sum_up_to_the_day(orders: int, seconds: float) -> None:
    """Exactly, however the day is cut into seconds; no second is negative."""
    counts = orders_by_second(orders, seconds)
    assert sum(counts) == orders
    assert min(counts) >= 0


@given(MINUTES, st.floats(0.5, 200))
def test_no_second_asks_for_more_than_the_peak(minutes: float, peak: float) -> None:
    """The peak that was asked for is the highest second, give or take an order of rounding."""
    timing = Timing.of(minutes)
    assert max(orders_by_second(timing.orders(peak), timing.day_seconds)) <= peak + 2


@given(MINUTES)
def test_phases_follow_one_another(minutes: float) -> None:
    """Carts before midnight, then the rush, the day, the evening, and afterwards."""
    timing = Timing.of(minutes)
    whole = timing.day_seconds
    seen = [timing.phase(whole * n / 100) for n in range(-15, 110)]
    assert list(dict.fromkeys(seen)) == [Phase.CARTS, Phase.RUSH, Phase.DAY, Phase.EVENING, Phase.AFTER]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**53), st.integers(1, 400), MINUTES)
def test_a_seed_gives_the_same_cast(seed: int, orders: int, minutes: float) -> None:
    """Number by number, instant by instant; and each who means to order is there once."""
    timing = Timing.of(minutes)
    people = in_time(seed, orders, timing)
    assert people == in_time(seed, orders, timing)
    assert all(-timing.carts_seconds <= one.at <= timing.day_seconds for one in people)
    meaning = Counter(one.number for one in people if one.number % 4 == 0 and not one.filling)
    assert len(meaning) == orders
    assert set(meaning.values()) == {1}


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1_000), st.integers(1, 300))
def test_who_filled_a_cart_before_comes_back_for_it(seed: int, orders: int) -> None:
    """In the first five minutes, and with the number of before."""
    timing = Timing.of(3)
    people = list(cast(seed, orders, timing))
    filling = {one.number for one in people if one.filling}
    assert all(one.at < 0 for one in people if one.filling)
    back = {one.number: one for one in people if one.part is Part.EARLY and not one.filling}
    assert filling == set(back)
    assert all(one.at < RUSH_ENDS * timing.day_seconds for one in back.values())


@given(st.lists(st.floats(0.1, 30_000), min_size=1, max_size=60), st.integers(1, 5))
def test_scores_of_several_workers_add_up(took: list[float], workers: int) -> None:
    """As if one had seen it all."""
    whole, parts = Score(), [Score() for _ in range(workers)]
    for index, milliseconds in enumerate(took):
        whole.answered(milliseconds)
        parts[index % workers].answered(milliseconds)
    together = Score()
    for part in parts:
        together.add(part)
    assert together == whole
    assert whole.requests == len(took)
    assert whole.quantile(0.5) <= whole.quantile(0.99)
