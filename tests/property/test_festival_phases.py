"""Phases and zones: what is on, what is next, and what no festival may be."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightmarket.entrypoints.console.reading import shown, time_of
from nightmarket.entrypoints.pages import Form
from nightmarket.kernel.ids import derive
from nightmarket.promotions.contract.festivals import Festival, Phase, PhaseKind, Window
from nightmarket.promotions.model.festivals import (
    NoSuchTime,
    TimeTwice,
    bounds_of,
    counted,
    flaws,
    local_instant,
    moment_of,
)

START = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
ZONES = ("Europe/Berlin", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "UTC")


def phase(number: int, kind: PhaseKind, start: int, hours: int) -> Phase:
    return Phase(
        id=derive("phase", number),
        kind=kind,
        name={"en": f"Phase {number}"},
        starts_at=START + start * HOUR,
        ends_at=START + (start + hours) * HOUR,
    )


def festival(*phases: Phase, hours: int = 2_000) -> Festival:
    window = Window(
        id=derive("window"), name={"en": "Window"}, starts_at=START, ends_at=START + hours * HOUR, phases=phases
    )
    return Festival(id=derive("festival"), revision=0, name={"en": "Night"}, zone="Europe/Berlin", windows=(window,))


phases = st.lists(
    st.tuples(st.sampled_from(PhaseKind), st.integers(-5, 200), st.integers(-3, 60)), min_size=1, max_size=8
).map(lambda rows: tuple(phase(number, *row) for number, row in enumerate(rows)))


@given(phases)
def test_what_passes_the_checks_has_one_main_phase_at_a_time(found: tuple[Phase, ...]) -> None:
    """In a festival without flaws every phase lies in its window, lasts, and no two of a lane are on together."""
    whole = festival(*found)
    beside = (PhaseKind.WARM_UP, PhaseKind.PRESALE, PhaseKind.DEPOSITS)
    lanes: dict[PhaseKind | None, list[Phase]] = {}
    for one in found:
        lanes.setdefault(one.kind if one.kind in beside else None, []).append(one)
    fits = all(one.starts_at < one.ends_at and one.starts_at >= START for one in found)
    apart = all(
        first.ends_at <= second.starts_at
        for lane in lanes.values()
        for first, second in pairwise(sorted(lane, key=lambda one: (one.starts_at, one.ends_at)))
    )
    if fits:
        assert (flaws(whole) == []) == apart
    else:
        assert flaws(whole)


@given(phases, st.integers(-10, 300))
def test_a_moment_says_what_is_on_and_next(found: tuple[Phase, ...], hour: int) -> None:
    """What is on has begun and not ended, next is the first to begin, and nothing changes between two bounds."""
    whole, at = festival(*found), START + hour * HOUR
    moment = moment_of([whole], at)
    on = {one.id for one in found if one.starts_at <= at < one.ends_at}
    coming = [one.starts_at for one in found if one.starts_at > at]
    if moment is None:
        assert not on
        assert not coming
        return
    assert {one.id for one in moment.on} == on
    assert (moment.next.starts_at if moment.next else None) == min(coming, default=None)
    later = next((bound for bound in bounds_of([whole]) if bound > at), None)
    if later is not None:
        assert moment_of([whole], later - timedelta(microseconds=1)) == moment


@given(st.integers(0, 180_000_000), st.sampled_from(ZONES))
def test_instants_come_back_from_their_local_text(seconds: int, name: str) -> None:
    """An instant that a form shows in any zone is, read again, the same to the second, also where a clock is put back;
    typed by itself it is the same to the minute, or refused because the clocks show it twice."""
    zone, instant = ZoneInfo(name), START - timedelta(days=700) + timedelta(seconds=seconds)
    form = Form(shown(zone, {"at": instant}))
    assert time_of(form, "at", zone) == instant
    try:
        assert time_of(Form({"at": form.get("at")}), "at", zone) == instant.replace(second=0)
    except TimeTwice:
        local = instant.astimezone(zone)
        assert local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def test_a_time_that_the_clocks_skip_or_show_twice_is_refused() -> None:
    """On the night of the change 02:30 in Berlin is no time in March, and two in October."""
    zone = ZoneInfo("Europe/Berlin")
    with pytest.raises(NoSuchTime):
        local_instant("2026-03-29T02:30", zone)
    with pytest.raises(TimeTwice):
        local_instant("2026-10-25T02:30", zone)
    assert local_instant("2026-10-25T03:00", zone) == datetime(2026, 10, 25, 2, tzinfo=UTC)
    assert local_instant("2026-11-11T00:00", zone) == datetime(2026, 11, 10, 23, tzinfo=UTC)


@given(found=phases, place=st.integers(0, 7), moved=st.booleans())
def test_only_what_changed_counts_on(found: tuple[Phase, ...], place: int, *, moved: bool) -> None:
    """A phase that moved has a sequence one higher; one that stayed keeps its own."""
    before = counted(festival(*found), None)
    [window] = before.windows
    changed = list(window.phases)
    place %= len(changed)
    if moved:
        changed[place] = msgspec.structs.replace(changed[place], ends_at=changed[place].ends_at + HOUR)
    after = counted(
        msgspec.structs.replace(before, windows=(msgspec.structs.replace(window, phases=tuple(changed)),)), before
    )
    was = {one.id: one.sequence for one in before.phases}
    for one in after.phases:
        assert one.sequence == was[one.id] + (moved and one.id == changed[place].id)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": {"de": "Nacht"}}, "no_name"),
        ({"zone": "Europe/Nowhere"}, "unknown_zone"),
        ({"name": {"en": "Night\nmarket"}}, "bad_name"),
    ],
)
def test_a_wrong_festival_is_refused_for_its_reason(change: dict[str, object], reason: str) -> None:
    """Each flaw has a stable word and a sentence."""
    found = flaws(msgspec.structs.replace(festival(), **change))
    assert [one.reason for one in found] == [reason]
    assert found[0].detail.endswith(".")
