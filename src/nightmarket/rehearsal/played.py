"""What is asked of a rehearsal, and what is shown of it while it is played and afterwards. Pure."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from .records import Event, Plan, Sample
from .verdict.result import Result


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for."""

    seed: int
    minutes: float
    peak: float
    faults: str = ""
    processes: int = 1
    looks: float = 1.0
    language: str = "en"
    """Of the report."""
    keep: bool = False
    own_shop: bool = False
    asked_by: str = "nightmarket rehearse"
    address: str
    master: str | None = None
    """HOST:PORT at which the leader waits for workers of other machines; then none is started here."""
    currency: str = "EUR"


class Totals(msgspec.Struct):
    """All that was counted so far, for those who watch."""

    tried: int = 0
    placed: int = 0
    paid: int = 0
    refused: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    errors: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    requests: int = 0

    def add(self, sample: Sample) -> None:
        self.tried += sample.orders_tried
        self.placed += sample.orders_placed
        self.paid += sample.orders_paid
        self.requests += sample.requests
        for mine, theirs in ((self.refused, sample.refused), (self.errors, sample.errors)):
            for code, amount in theirs.items():
                mine[code] = mine.get(code, 0) + amount


class Moment(msgspec.Struct, frozen=True):
    """A second of the play, as it is shown. `seconds` are those of the whole play."""

    sample: Sample
    totals: Totals
    plan: Plan
    seconds: float
    events: Sequence[Event]


class Ended(msgspec.Struct, frozen=True):
    """How it ended: the verdict (None where nothing could be judged), what was counted, and where it is written."""

    result: Result | None
    totals: Totals
    folder: Path
    stopped: bool
    off_afterwards: int
    """What the audit found after everything was taken back."""

    @property
    def go(self) -> bool:
        return self.result is not None and self.result.go and not self.off_afterwards


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """A run as it stands, read from its folder."""

    plan: Plan
    totals: Totals
    last: Sample | None
    samples: Sequence[Sample]
    """Of a long run every so many seconds one; counts of the seconds between are added up in it."""
    every_seconds: int
    events: Sequence[Event]
    playing: bool
    result: Result | None
    has_report: bool


class RunLine(msgspec.Struct, frozen=True):
    """A run in the list: what was asked for, whether it is played now, and the verdict where there is one."""

    plan: Plan
    playing: bool
    result: Result | None
