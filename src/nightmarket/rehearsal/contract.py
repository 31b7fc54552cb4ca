"""What others may ask of a rehearsal: a crowd of buyers, what it sees, and what the database says to it."""

from datetime import datetime

import msgspec

from .capacity import Capacity, Measured, Need, measured_at
from .capacity import capacity as capacity_for
from .faults.plan import read_faults
from .model import (
    BEAT_SECONDS,
    MOST_BUYERS,
    MOST_SECONDS,
    MOST_UNITS,
    NOBODY,
    USUAL_BUYERS,
    USUAL_SECONDS,
    Beat,
    CheckLine,
    CrowdFigures,
    Kill,
    Proof,
    Seen,
    State,
    Wish,
)
from .play.curve import Timing
from .played import Ended, Moment, Progress, RunLine, Totals, Wishes
from .ports import Auditor
from .records import REPORT, Acknowledged, Event, EventKind, Phase, Plan, Sample
from .verdict import measuring, plots
from .verdict.reading import Run
from .verdict.result import MICROSECONDS, LimitOf, Result
from .verdict.saying import Said, tell
from .verdict.summing_up import BEYOND_MEASURED, reasons_of, worries_of

__all__ = [
    "BEAT_SECONDS",
    "BEYOND_MEASURED",
    "MICROSECONDS",
    "MOST_BUYERS",
    "MOST_SECONDS",
    "MOST_UNITS",
    "NOBODY",
    "REPORT",
    "USUAL_BUYERS",
    "USUAL_SECONDS",
    "Acknowledged",
    "Article",
    "Auditor",
    "Beat",
    "Capacity",
    "CheckLine",
    "CrowdFigures",
    "Ended",
    "Event",
    "EventKind",
    "Kill",
    "LimitOf",
    "Measured",
    "Moment",
    "Need",
    "Phase",
    "Plan",
    "Progress",
    "Proof",
    "Result",
    "Run",
    "RunLine",
    "Said",
    "Sample",
    "Scene",
    "Seen",
    "Size",
    "State",
    "Timing",
    "Totals",
    "Wish",
    "Wishes",
    "capacity_for",
    "measured_at",
    "measuring",
    "plots",
    "read_faults",
    "reasons_of",
    "tell",
    "worries_of",
]


class Article(msgspec.Struct, frozen=True):
    """What a crowd comes for, as the demo's `front.json` names it."""

    merchant: str
    product: str
    sku: str
    units: int
    percent_off: int


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How large a crowd is: buyers, units on the shelf, how long it swells, and when the first come (None: now)."""

    buyers: int = USUAL_BUYERS
    units: int
    within_seconds: float = 0.0
    begins_at: datetime | None = None


class Scene(msgspec.Struct, frozen=True):
    """All that is known of the rush at this moment, read from files: it can be shown while the database is away."""

    wish: Wish | None
    crowd: CrowdFigures | None
    seen: Seen | None
    kill: Kill | None

    @property
    def state(self) -> State:
        """How far the crowd is; one that was asked for and is not heard of yet waits."""
        if self.wish is None:
            return State.NONE
        return self.crowd.state if self.crowd and self.crowd.run == self.wish.run else State.WAITING

    @property
    def busy(self) -> bool:
        return self.state in (State.WAITING, State.RUNNING)

    @property
    def proof(self) -> Proof | None:
        """What was proven about this run, since the database came back the last time."""
        proof = self.seen.proof if self.seen else None
        run = self.wish.run if self.wish else NOBODY
        return proof if proof and proof.run == run else None

    @property
    def down(self) -> bool:
        """Whether the database is away: killed and not seen since, or it does not answer."""
        if self.seen is None:
            return False
        if self.seen.away_since is not None:
            return True
        return self.kill is not None and (self.seen.back_at is None or self.seen.back_at < self.kill.at)

    @property
    def down_seconds(self) -> float | None:
        """How long the database was away after the last kill; None while it still is, or was never killed."""
        if self.kill is None or self.seen is None or self.seen.back_at is None or self.seen.back_at < self.kill.at:
            return None
        return (self.seen.back_at - self.kill.at).total_seconds()
