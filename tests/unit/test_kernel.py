"""The small words: clocks, quantities, languages, problems."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from nightmarket.kernel.clock import SystemClock, VirtualClock
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import STATUS, InvalidInput, Kind, NotFound, Problem, Unavailable
from nightmarket.kernel.quantity import MAX_LINE_QUANTITY, check_line_quantity

NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)


def test_clocks_tell_utc() -> None:
    """Both clocks tell aware instants in UTC, wherever they were started."""
    shanghai = timezone(timedelta(hours=8))
    assert SystemClock().now().tzinfo is UTC
    clock = VirtualClock(NOON.astimezone(shanghai))
    assert clock.now() == NOON
    assert clock.now().tzinfo is UTC


def test_virtual_time_moves_forward_only() -> None:
    """A virtual clock stands still until moved, and is never moved back or started without a zone."""
    clock = VirtualClock(NOON)
    assert clock.now() == clock.now()
    assert clock.advance(timedelta(seconds=5)) == clock.now() == NOON + timedelta(seconds=5)
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(timedelta(microseconds=-1))
    with pytest.raises(ValueError, match="aware"):
        VirtualClock(NOON.replace(tzinfo=None))


@pytest.mark.parametrize("value", [1, 2, MAX_LINE_QUANTITY])
def test_lines_have_units(value: int) -> None:
    """A line has from one unit to the bound."""
    assert check_line_quantity(value) == value


@pytest.mark.parametrize("value", [0, -1, MAX_LINE_QUANTITY + 1, 10**30])
def test_absurd_quantities_are_refused(value: int) -> None:
    """None, negative and absurd quantities are refused with field and reason."""
    with pytest.raises(InvalidInput, match="between 1 and 999") as refused:
        check_line_quantity(value, field="lines.0.quantity")
    assert refused.value.field == "lines.0.quantity"


def test_texts_fall_back() -> None:
    """A missing text is shown in English, else in any language there is, else not at all."""
    assert pick({"de": "Licht", "en": "light"}, "de") == "Licht"
    assert pick({"de": "Licht", "en": "light"}, "zh") == "light"
    assert pick({"de": "Licht"}, "zh") == "Licht"
    assert pick({}, "zh") is None


def test_each_kind_has_a_status() -> None:
    """Every kind of problem has its own HTTP status of the 4xx class."""
    assert set(STATUS) == set(Kind)
    assert len(set(STATUS.values())) == len(Kind)
    assert all(400 <= status < 500 for status in STATUS.values())


def test_problems_carry_particulars() -> None:
    """A problem tells code, status, field and typed particulars; what is unavailable tells when to come back."""
    problem = NotFound("No such stall.", field="stall", stall="lamps")
    assert isinstance(problem, Problem)
    assert (problem.code, problem.status, problem.field, problem.fields) == (
        "not_found",
        404,
        "stall",
        {"stall": "lamps"},
    )
    assert str(problem) == problem.detail == "No such stall."
    assert Unavailable("away", retry_after_seconds=7).retry_after_seconds == 7
