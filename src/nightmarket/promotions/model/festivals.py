"""What a festival must fulfil, and what is on at an instant: pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from nightmarket.kernel.languages import LANGUAGES
from nightmarket.promotions.model.festival_plan import (
    MAX_NAME_LETTERS,
    MAX_PHASES,
    MAX_WINDOW_DAYS,
    MAX_WINDOWS,
    Festival,
    Moment,
    Phase,
    PhaseKind,
    Window,
    end_of,
    phase_order,
)

BESIDE = frozenset({PhaseKind.WARM_UP, PhaseKind.PRESALE, PhaseKind.DEPOSITS})
"""Kinds that may run beside others; only two of the same kind may not overlap."""

RANK = {
    PhaseKind.MIDNIGHT: 0,
    PhaseKind.WAVE: 1,
    PhaseKind.ENCORE: 2,
    PhaseKind.EVE: 3,
    PhaseKind.DEPOSITS: 4,
    PhaseKind.PRESALE: 5,
    PhaseKind.WARM_UP: 6,
}
"""Of several phases that are on, the one that a page speaks of comes first."""


class NoSuchTime(ValueError):
    """The clocks of the zone skip this time of day."""


class TimeTwice(ValueError):
    """The clocks of the zone show this time of day twice, before and after they are put back."""


class FestivalFlaw(msgspec.Struct, frozen=True):
    """What is wrong: where (`windows[0].phases[2].ends_at`), a stable word, and a sentence that says how to mend it."""

    field: str
    reason: str
    detail: str


def local_instant(text: str, zone: ZoneInfo) -> datetime:
    """The instant of a local time such as `2026-11-11T00:00`.

    Raises NoSuchTime for a time that the zone's clocks skip, TimeTwice for one that they show twice, and ValueError for
    what is no time.
    """
    local = datetime.fromisoformat(text)
    if local.tzinfo is not None:
        return local.astimezone(UTC)
    at = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) != local:
        raise NoSuchTime(text)
    if local.replace(tzinfo=zone, fold=1).astimezone(UTC) != at:
        raise TimeTwice(text)
    return at


def local_text(at: datetime, zone: ZoneInfo) -> str:
    """The instant as a field of day and time shows it by the zone's clocks, to the minute."""
    return at.astimezone(zone).replace(tzinfo=None).isoformat(timespec="minutes")


def flaws(festival: Festival) -> list[FestivalFlaw]:
    """Everything that is wrong with a festival; empty when it can be saved."""
    found = list(_names(festival.name, "name"))
    if festival.zone not in available_timezones():
        found.append(FestivalFlaw("zone", "unknown_zone", "Choose a time zone such as Europe/Berlin."))
    if len(festival.windows) > MAX_WINDOWS:
        found.append(FestivalFlaw("windows", "too_many", f"A festival has at most {MAX_WINDOWS} windows."))
    for place, window in enumerate(festival.windows):
        found.extend(_window(window, f"windows[{place}]"))
    placed = sorted(enumerate(festival.windows), key=lambda pair: pair[1].starts_at)
    for (_, before), (place, window) in pairwise(placed):
        if window.starts_at < before.ends_at:
            words = "Two windows overlap; let one end before the other begins."
            found.append(FestivalFlaw(f"windows[{place}].starts_at", "windows_overlap", words))
    ids = [phase.id for phase in festival.phases] + [window.id for window in festival.windows]
    if len(ids) != len(set(ids)):
        found.append(FestivalFlaw("windows", "named_twice", "Each window and phase stands in a festival once."))
    return found


def _names(names: Mapping[str, str], field: str) -> Iterator[FestivalFlaw]:
    if not names.get("en", "").strip():
        yield FestivalFlaw(f"{field}.en", "no_name", "Give it a name in English.")
    for language, text in names.items():
        if language not in LANGUAGES or len(text) > MAX_NAME_LETTERS or not text.isprintable():
            yield FestivalFlaw(
                f"{field}.{language}", "bad_name", f"A name has at most {MAX_NAME_LETTERS} visible letters."
            )


def _window(window: Window, field: str) -> Iterator[FestivalFlaw]:
    yield from _names(window.name, f"{field}.name")
    if window.ends_at <= window.starts_at:
        yield FestivalFlaw(f"{field}.ends_at", "ends_before_start", "This window ends before it starts.")
    elif window.ends_at - window.starts_at > timedelta(days=MAX_WINDOW_DAYS):
        words = f"A window lasts at most {MAX_WINDOW_DAYS} days; make several."
        yield FestivalFlaw(f"{field}.ends_at", "too_long", words)
    if len(window.phases) > MAX_PHASES:
        yield FestivalFlaw(f"{field}.phases", "too_many", f"A window has at most {MAX_PHASES} phases.")
    for place, phase in enumerate(window.phases):
        where = f"{field}.phases[{place}]"
        yield from _names(phase.name, f"{where}.name")
        if phase.ends_at <= phase.starts_at:
            yield FestivalFlaw(f"{where}.ends_at", "ends_before_start", "This phase ends before it starts.")
        if not window.starts_at <= phase.starts_at < window.ends_at:
            yield FestivalFlaw(f"{where}.starts_at", "outside_window", "This phase begins outside of its window.")
        elif phase.ends_at > window.ends_at:
            yield FestivalFlaw(f"{where}.ends_at", "outside_window", "This phase ends after its window.")
    yield from _overlaps(window.phases, field)


def _overlaps(phases: Sequence[Phase], field: str) -> Iterator[FestivalFlaw]:
    """Of the main kinds one is on at a time; of those beside them, one of each kind."""
    lanes: dict[PhaseKind | None, list[tuple[int, Phase]]] = {}
    for place, phase in enumerate(phases):
        lanes.setdefault(phase.kind if phase.kind in BESIDE else None, []).append((place, phase))
    for lane in lanes.values():
        last: Phase | None = None
        for place, phase in sorted(lane, key=lambda pair: phase_order(pair[1])):
            if last is not None and phase.starts_at < last.ends_at:
                name = last.name.get("en", "")
                words = f"This phase begins before “{name}” has ended; the two may not overlap."
                yield FestivalFlaw(f"{field}.phases[{place}].starts_at", "phases_overlap", words)
            if last is None or phase.ends_at > last.ends_at:
                last = phase


def counted(new: Festival, before: Festival | None) -> Festival:
    """The festival with its phases in order, each with the number of its changes so far."""
    known = {phase.id: phase for phase in before.phases} if before else {}
    windows = [
        msgspec.structs.replace(
            window,
            phases=tuple(_counted(phase, known.get(phase.id)) for phase in sorted(window.phases, key=phase_order)),
        )
        for window in sorted(new.windows, key=lambda one: (one.starts_at, one.id.int))
    ]
    return msgspec.structs.replace(new, windows=tuple(windows))


def _counted(phase: Phase, before: Phase | None) -> Phase:
    if before is None:
        return msgspec.structs.replace(phase, sequence=0)
    same = (phase.name, phase.kind, phase.starts_at, phase.ends_at) == (
        before.name,
        before.kind,
        before.starts_at,
        before.ends_at,
    )
    return msgspec.structs.replace(phase, sequence=before.sequence if same else before.sequence + 1)


def moment_of(festivals: Iterable[Festival], at: datetime) -> Moment | None:
    """What is on and next, of the shown festival with a phase on, else of the one whose phase begins first."""
    found: list[tuple[tuple[bool, datetime, int], Moment]] = []
    for festival in festivals:
        phases = festival.phases if festival.shown else []
        on = sorted((one for one in phases if one.starts_at <= at < one.ends_at), key=lambda one: RANK[one.kind])
        coming = next((one for one in phases if one.starts_at > at), None)
        if on or coming:
            moment = Moment(festival, tuple(on), on[0] if on else None, coming)
            first = coming.starts_at if coming else on[0].ends_at
            found.append(((not on, first, festival.id.int), moment))
    return min(found, key=lambda pair: pair[0])[1] if found else None


def zone_of(festivals: Iterable[Festival], ends_at: datetime, at: datetime, otherwise: ZoneInfo) -> ZoneInfo:
    """In which zone is said what ends with a festival: in that festival's, else in that of the one which is on or comes
    next, else in another."""
    festivals = list(festivals)
    own = next((one for one in festivals if end_of(one) == ends_at), None)
    moment = None if own else moment_of(festivals, at)
    found = own or (moment.festival if moment else None)
    return found.zone_info if found else otherwise


def bounds_of(festivals: Iterable[Festival]) -> list[datetime]:
    """Every instant at which a phase of a shown festival begins or ends, in order."""
    phases = [phase for festival in festivals if festival.shown for phase in festival.phases]
    return sorted({at for phase in phases for at in (phase.starts_at, phase.ends_at)})
