"""What a festival is: windows, phases, and what is on at an instant."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

MAX_WINDOWS = 12
"""Windows of one festival."""

MAX_PHASES = 40
"""Phases of one window."""

MAX_FESTIVALS = 50
MAX_NAME_LETTERS = 80
MAX_WINDOW_DAYS = 120
REVISIONS_SHOWN = 50

FESTIVAL, WINDOW, PHASE = "fes", "win", "pha"
"""Prefixes of ids in public."""


class PhaseKind(StrEnum):
    """What a phase is. Warm-up, presale and deposits may run beside others; of the rest one is on at a time."""

    WARM_UP = "warm_up"
    PRESALE = "presale"
    DEPOSITS = "deposits"
    EVE = "eve"
    MIDNIGHT = "midnight"
    WAVE = "wave"
    ENCORE = "encore"


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a window, on in [starts_at, ends_at). `sequence` counts how often its name or its instants changed,
    as calendars want it (RFC 5545, 3.8.7.4)."""

    id: UUID
    kind: PhaseKind
    name: dict[str, str]
    starts_at: datetime
    ends_at: datetime
    sequence: int = 0


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """One of a festival's times, such as 11.11 and 12.12; phases in order of their beginning."""

    id: UUID
    name: dict[str, str]
    starts_at: datetime
    ends_at: datetime
    phases: tuple[Phase, ...] = ()


class Festival(msgspec.Struct, frozen=True, kw_only=True):
    """An immutable revision of a festival. `zone` is the name of a time zone (IANA) in which it is planned and shown;
    only a `shown` one is told to shoppers."""

    id: UUID
    revision: int
    name: dict[str, str]
    zone: str
    windows: tuple[Window, ...] = ()
    shown: bool = True

    @property
    def zone_info(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @property
    def phases(self) -> list[Phase]:
        """The phases of all windows, in order of their beginning."""
        return sorted((phase for window in self.windows for phase in window.phases), key=phase_order)


def end_of(festival: Festival) -> datetime | None:
    """When its last phase ends; None where nothing is planned."""
    return max((phase.ends_at for phase in festival.phases), default=None)


def phase_order(phase: Phase) -> tuple[datetime, datetime, int]:
    """What is listed first: what begins first, ends first, and then by id."""
    return phase.starts_at, phase.ends_at, phase.id.int


class Revision(msgspec.Struct, frozen=True):
    """A festival as somebody left it."""

    festival: Festival
    at: datetime
    by: str


class Moment(msgspec.Struct, frozen=True):
    """What a festival is at an instant: the phases that are on, the one that all look at, and what comes next."""

    festival: Festival
    on: tuple[Phase, ...]
    main: Phase | None
    next: Phase | None

    @property
    def counts_to(self) -> datetime | None:
        """The instant that a countdown counts to: the next beginning, else the end of what is on."""
        if self.next is not None:
            return self.next.starts_at
        return self.main.ends_at if self.main else None
