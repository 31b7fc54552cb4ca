"""What a rehearsal came to: `result.json`."""

from enum import StrEnum

import msgspec

from nightmarket.rehearsal.model import CheckLine

MICROSECONDS = 1e6


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One question about the shop, asked from outside: what must hold, how many cases were off, and some of them."""

    name: str
    holds: str
    off: int
    looked_at: int
    found: tuple[str, ...] = ()


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Processor time of one part for one order, in microseconds: the mean over all, and the lowest and highest tenth of
    the stretches that were measured."""

    part: str
    mean_us: float
    low_us: float
    high_us: float


class LimitOf(StrEnum):
    """What came to its end at the busiest."""

    NOTHING = "nothing"
    MACHINE = "machine"
    """Its processors were used up, by whomever."""

    SHOP = "shop"
    """Answers took long though processors were free: locks, a disk, or one process that cannot use more than a core."""

    PLAYERS = "players"
    """Those who play the shoppers: more of their processes would ask for more."""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """Where the end of the machine is: the busiest part in the busiest stretch, and what the whole machine did.

    `reached` says whether the shop could give no more then; if not, more shoppers would have been served.
    """

    part: str
    cores: float
    shop_cores: float
    generator_cores: float
    """What the rehearsal's own shoppers used; on a machine of its own the shop would have had it."""
    machine_cores: float
    reached: bool
    others_cores: float = 0.0
    """What this machine did beside the rehearsal, for strangers."""
    of: LimitOf = LimitOf.NOTHING


class FaultLine(msgspec.Struct, frozen=True, kw_only=True):
    """A fault: what, when in seconds of the play, and when service was back. Refused faults have no seconds."""

    fault: str
    t: float
    detail: str
    down_seconds: float | None = None
    refused: bool = False


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted: orders by the shoppers and by the shop, money in minor units."""

    acknowledged: int = 0
    present: int = 0
    paid: int = 0
    waiting: int = 0
    """Acknowledged orders that wait for their money, as bank transfers do."""
    taken_back: int = 0
    """Cancelled, declined or lapsed afterwards."""
    unheard: int = 0
    """Orders of this time that exist, and that nobody was told of (a shopper gave up asking)."""
    tried: int = 0
    refused: dict[str, int] = {}
    errors: dict[str, int] = {}
    planned: int = 0
    """Orders that the play was to ask for."""
    ended_early: bool = False
    failed_in_quiet: float = 0.0
    """The share of the requests without an answer, away from faults and what came soon after them."""
    oversold_units: int = 0
    undersold_units: int = 0
    money_without_order: int = 0
    order_without_money: int = 0
    peak_per_second: float = 0.0
    """Orders placed a second, over the best ten seconds."""
    held_per_second: float = 0.0
    """The same over the best ten seconds in which answers did not take long."""
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    """Of the second whose 99th percentile only one second in a hundred exceeds."""
    lag_seconds: float = 0.0
    """The furthest that a consumer was behind when everything was looked at."""
    settled_seconds: float = 0.0
    """From the end of the play until nothing was off any more."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict. `go` is False when any answer or any check of the audit is off, or nothing was sold at all."""

    run: str
    seed: int
    minutes: float
    version: str
    judged_at: str
    go: bool
    reasons: tuple[str, ...]
    """Why not; empty with a go."""
    worries: tuple[str, ...]
    """What holds, and is worth knowing before the day."""
    answers: tuple[Answer, ...]
    audit: tuple[CheckLine, ...]
    faults: tuple[FaultLine, ...]
    figures: Figures
    costs: tuple[Cost, ...]
    limit: Limit | None
    capacity_per_second: float | None
    """Orders per second that this machine can take, or at least those that it held: None where nothing was sold while
    answers were quick."""
    capacity_at_least: bool = False
    """Whether the limit was not reached, so that it may take more."""
    cores: int
