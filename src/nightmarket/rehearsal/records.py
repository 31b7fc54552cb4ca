"""What a rehearsal leaves behind, line by line: the shapes of the files in `<home>/rehearsals/<run>/`.

`plan.json` is one Plan; `samples.jsonl`, `acknowledged.jsonl` and `events.jsonl` hold one struct a line, in order of
time. `t` is always seconds since the first second of the festival; what happens before (carts) has a negative `t`.
"""

from enum import StrEnum

import msgspec

PLAN = "plan.json"
SAMPLES = "samples.jsonl"
ACKNOWLEDGED = "acknowledged.jsonl"
EVENTS = "events.jsonl"
RESULT = "result.json"
REPORT = "report.html"


class Phase(StrEnum):
    """Where in the festival a second lies. `carts` is the week before, `after` the time until all is quiet again."""

    CARTS = "carts"
    RUSH = "rush"
    DAY = "day"
    EVENING = "evening"
    AFTER = "after"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for. `scale` is minutes of a real festival in one minute of the rehearsal."""

    run: str
    """The run's id, `reh_...`; its folder's name."""
    seed: int
    minutes: float
    peak: float
    """Orders per second that the first five minutes of the day ask for at their highest."""
    scale: float
    orders: int
    """Orders that shoppers will try to place over the whole of it, bots not counted."""
    processes: int
    looks: float = 1.0
    """How much was looked at beside what was ordered; 1 as on a usual night."""
    faults: tuple[str, ...] = ()
    against: str
    own_shop: bool
    """Whether the shop was opened for this rehearsal alone, in a temporary home."""
    keep: bool = False
    home: str
    cores: int
    asked_at: str
    """RFC 3339."""
    asked_by: str


class Sample(msgspec.Struct, kw_only=True):
    """One second, as shoppers and the machine saw it. Counts are of this second alone."""

    t: float
    phase: Phase
    users: int
    """Shoppers who are in the shop."""
    orders_tried: int = 0
    orders_placed: int = 0
    """Answered as placed: paid, or waiting for their money."""
    orders_paid: int = 0
    refused: dict[str, int] = {}
    """Clear refusals by code: `out_of_stock`, `payment_failed`, ..."""
    errors: dict[str, int] = {}
    """Answers that were none: 5xx, a lost line, a time-out, an answer nobody can read."""
    requests: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    cpu: dict[str, float] = {}
    """Cores used by process: `web`, `worker`, `postgres`, `supervisor`, `crowd`, and apart the generator: `locust`,
    `rehearse`, and `others`: whatever else this machine did."""
    waiting: int = 0
    """Shoppers due who could not start yet, and requests without an answer."""
    stock_left: int | None = None
    """Units free over all variants that the plan sells; None while the database is away."""
    lag_seconds: float | None = None
    """The furthest that a consumer is behind; None while the database is away."""


class Acknowledged(msgspec.Struct, frozen=True, kw_only=True):
    """An order whose placing was answered: from now on it must exist. `state` is UCP's: `completed` is paid,
    `complete_in_progress` waits for its money. A later line of the same order tells that it was paid or cancelled."""

    order: str
    total: int
    currency: str
    state: str
    t: float


NOT_STRUCK = "could not strike:"
"""How the note of a fault begins that found no victim."""

STOPPED = "stopped"
"""What the note says of a play that somebody ended."""


class EventKind(StrEnum):
    PHASE = "phase"
    FAULT = "fault"
    RECOVERY = "recovery"
    NOTE = "note"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened once. `what` is a sentence or a phase's or fault's name; `detail` tells more."""

    t: float
    kind: EventKind
    what: str
    detail: str = ""
