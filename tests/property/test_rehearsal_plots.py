"""Plots: whatever was measured becomes well-formed markup inside its frame, with its table, and no peak is lost."""

import re
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from nightmarket.rehearsal.records import Phase, Sample
from nightmarket.rehearsal.verdict.measuring import peak, percentile, stretches
from nightmarket.rehearsal.verdict.plots import HEIGHT, POINTS_DRAWN, WIDTH, Mark, Plot, Series, draw, nice_top, thin

VALUE = st.floats(0, 1e9)
VALUES = st.lists(st.none() | VALUE, max_size=900)
NAME = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)


@st.composite
def plots(draw: st.DrawFn) -> Plot:
    amount = draw(st.integers(0, 400))
    lines = st.lists(st.none() | VALUE, min_size=amount, max_size=amount).map(tuple)
    begin = draw(st.floats(-100, 100))
    return Plot(
        id="plot",
        title=draw(NAME),
        unit=draw(NAME),
        times=tuple(begin + n for n in range(amount)),
        series=tuple(draw(st.lists(st.builds(Series, NAME, lines), min_size=1, max_size=3))),
        marks=tuple(draw(st.lists(st.builds(Mark, NAME, st.floats(-200, 600), st.floats(-200, 600)), max_size=2))),
        stacked=draw(st.booleans()),
        ceiling=draw(st.none() | st.floats(0.1, 100)),
        ceiling_name=draw(NAME),
    )


@given(plots())
def test_every_plot_is_well_formed_and_stays_in_its_frame(plot: Plot) -> None:
    """Well-formed XML whatever the names; a title, a table with a head for each series; no point outside."""
    figure = ET.fromstring(draw(plot))
    assert figure.find("figcaption") is not None
    heads = figure.findall(".//table/thead/tr/th")
    assert len(heads) == 1 + len(plot.series)
    for path in figure.iter("path"):
        for x, y in re.findall(r"[ML](-?[\d.]+(?:e-?\d+)?) (-?[\d.]+)", path.get("d", "")):
            assert 0 <= float(x) <= WIDTH
            assert 0 <= float(y) <= HEIGHT


@given(VALUES)
def test_thinning_keeps_the_highest(values: list[float | None]) -> None:
    """Few enough points, in order, and the highest of all among them."""
    thinned = thin(values)
    assert len(thinned) <= POINTS_DRAWN
    assert [at for at, _ in thinned] == sorted({at for at, _ in thinned})
    known = [value for value in values if value is not None]
    assert max(known, default=None) == max((value for _, value in thinned if value is not None), default=None)


@given(st.floats(1e-9, 1e12))
def test_the_axis_ends_just_above(value: float) -> None:
    """The top of an axis is not below the highest value and not more than two and a half times of it."""
    top = nice_top(value)
    assert value * (1 - 1e-6) <= top <= value * 2.5 * (1 + 1e-6)


@given(st.lists(VALUE, min_size=1, max_size=200), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values(values: list[float], share: float) -> None:
    """And at least that share of them does not exceed it."""
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9


@given(st.lists(st.integers(0, 500), max_size=80), st.integers(1, 20))
def test_the_peak_is_no_less_than_any_stretch(placed: list[int], seconds: int) -> None:
    """The best stretch anywhere is at least as good as the best of those that do not overlap, and no better than the
    best second."""
    samples = [Sample(t=float(t), phase=Phase.DAY, users=1, orders_placed=n) for t, n in enumerate(placed)]
    best = peak(samples, seconds)
    cut = [sum(one.orders_placed for one in stretch) / seconds for stretch in stretches(samples, seconds)]
    assert best >= max(cut, default=0.0) - 1e-9
    assert best <= max(placed, default=0)
