"""A crowd as words and figures: who its buyers are, what they send, what an answer means, and how they are counted."""

from collections import deque
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import derive

USUAL_BUYERS = 3_000
USUAL_SECONDS = 12.0
MOST_SECONDS = 120.0
MOST_BUYERS = 10_000
MOST_UNITS = 10_000

BEAT_SECONDS = 0.25
BEATS_KEPT = 400
"""Beats that are drawn; of a longer rush the newest."""

ORDERS_KEPT = MOST_BUYERS
FAILURES_KEPT = 20
SOLD_OUT = "out_of_stock"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A crowd that was asked for: how many come, for what, and when the door opens to them (None: at once)."""

    run: UUID
    variant: UUID
    item: str
    """The variant as the order API names it."""
    sku: str
    title: dict[str, str]
    tally: UUID
    buyers: int
    units: int
    currency: str
    asked_at: datetime
    asked_by: str
    begins_at: datetime | None = None
    within_seconds: float = 0.0
    """How long the crowd swells; 0: everybody stands at the door at once."""
    cursor: tuple[int, int, int] = (0, 0, 0)
    """The place in the log of facts before which nobody of this crowd can have bought."""


class Option(msgspec.Struct, frozen=True):
    """How the parcel comes, as the shop offered it to the first who asked: a group of lines and the option's id."""

    group: str
    id: str


class Outcome(StrEnum):
    """What became of a request. AGAIN: nothing is known, so the same is sent again with the same key."""

    READY = "ready"
    BOUGHT = "bought"
    SOLD_OUT = "sold_out"
    AGAIN = "again"
    FAILED = "failed"


class Verdict(msgspec.Struct, frozen=True):
    """An answer, understood: `id` is the session's or the order's, `why` a refusal's words."""

    outcome: Outcome
    id: str = ""
    why: str = ""


class _Confirmation(msgspec.Struct):
    id: str


class _Message(msgspec.Struct):
    type: str
    code: str = ""
    content: str = ""


class _Choice(msgspec.Struct):
    id: str


class _Group(msgspec.Struct):
    id: str
    options: list[_Choice] = []


class _Method(msgspec.Struct):
    groups: list[_Group] = []


class _Fulfillment(msgspec.Struct):
    methods: list[_Method] = []


class _Answer(msgspec.Struct):
    """What of a checkout a buyer reads."""

    id: str = ""
    status: str = ""
    order: _Confirmation | None = None
    messages: list[_Message] = []


class _Offered(msgspec.Struct):
    fulfillment: _Fulfillment


_ANSWER = msgspec.json.Decoder(_Answer)
_OFFERED = msgspec.json.Decoder(_Offered)
_ENCODE = msgspec.json.Encoder()

PAYMENT = _ENCODE.encode(
    {
        "payment": {
            "instruments": [
                {
                    "id": "card",
                    "handler_id": "testpay",
                    "type": "card",
                    "credential": {"type": "token", "token": "success_token"},
                }
            ]
        }
    }
)
"""The test card that is always good."""


def agent_of(run: UUID, number: int) -> str:
    """The header by which a buyer is known: each their own, so that nobody's keys or sessions are another's."""
    return f'profile="http://127.0.0.1/crowd/{run.hex}/{number}"'


def owner_of(run: UUID, number: int) -> UUID:
    """Whose orders those of a buyer are, by the same rule as the order API's."""
    return derive("agent", agent_of(run, number))


def key_of(run: UUID, number: int) -> str:
    """The idempotency key of a buyer, the same however often they ask."""
    return str(derive("crowd-key", run, number))


def arrival_of(wish: Wish, number: int) -> float:
    """When a buyer comes, in seconds from the first: few at the start, most at the end, as a crowd swells.

    The number of those who have come grows with the third power of time.
    """
    return wish.within_seconds * (number / wish.buyers) ** (1 / 3)


def session_of(wish: Wish, number: int, option: Option | None) -> bytes:
    """What a buyer sends to begin a checkout: one unit, where to, and by which parcel, once that is known."""
    method: dict[str, Any] = {
        "type": "shipping",
        "destinations": [
            {
                "id": "home",
                "street_address": f"Lampengasse {number % 111 + 1}",
                "address_locality": "Nachtstadt",
                "address_country": "DE",
                "postal_code": "11111",
            }
        ],
        "selected_destination_id": "home",
    }
    if option is not None:
        method["groups"] = [{"id": option.group, "selected_option_id": option.id}]
    return _ENCODE.encode(
        {
            "line_items": [{"item": {"id": wish.item}, "quantity": 1}],
            "buyer": {"email": f"crowd-{number}@example.com", "first_name": "Buyer", "last_name": str(number)},
            "context": {"currency": wish.currency, "language": "en"},
            "fulfillment": {"methods": [method]},
        }
    )


def offered_option(body: bytes) -> Option | None:
    """The first way of delivery that a checkout offers."""
    try:
        found = _OFFERED.decode(body)
    except msgspec.MsgspecError:
        return None
    for method in found.fulfillment.methods:
        for group in method.groups:
            if group.options:
                return Option(group.id, group.options[0].id)
    return None


def judge(status: int, body: bytes) -> Verdict:
    """What an answer means to a buyer. Only what is surely refused is taken for refused."""
    if status >= 500 or status in (408, 425, 429):
        return Verdict(Outcome.AGAIN)
    try:
        answer = _ANSWER.decode(body)
    except msgspec.MsgspecError:
        return Verdict(Outcome.FAILED, why=f"{status}, and no answer that could be read")
    if answer.status == "completed" and answer.order is not None:
        return Verdict(Outcome.BOUGHT, answer.order.id)
    if answer.status == "complete_in_progress":
        return Verdict(Outcome.AGAIN)
    refusal = next((one for one in answer.messages if one.type == "error"), None)
    if refusal is not None and refusal.code == SOLD_OUT:
        return Verdict(Outcome.SOLD_OUT)
    if refusal is not None:
        return Verdict(Outcome.FAILED, why=f"{refusal.code}: {refusal.content}")
    if status < 300 and answer.id:
        return Verdict(Outcome.READY, answer.id)
    return Verdict(Outcome.FAILED, why=f"{status} {answer.status}")


class State(StrEnum):
    """How far a crowd is."""

    NONE = "none"
    WAITING = "waiting"
    RUNNING = "running"
    OVER = "over"
    STOPPED = "stopped"


class Beat(msgspec.Struct, array_like=True):
    """A quarter of a second: orders acknowledged, refusals, and how many buyers were without an answer at its end."""

    bought: int = 0
    refused: int = 0
    waiting: int = 0


class CrowdFigures(msgspec.Struct, kw_only=True):
    """What the crowd itself knows, from its side of the door. `at` tells that its process lives."""

    at: datetime
    run: UUID | None = None
    state: State = State.NONE
    buyers: int = 0
    arrived: int = 0
    bought: int = 0
    sold_out: int = 0
    failed: int = 0
    repeating: int = 0
    """Buyers who got no answer and are about to ask again."""
    retries: int = 0
    answers: int = 0
    answers_per_second: int = 0
    orders_per_second: int = 0
    """Orders acknowledged in the last full second; after the rush, in the best one."""
    best_second: int = 0
    began_at: datetime | None = None
    seconds: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    longest_ms: float = 0.0
    beats: list[Beat] = msgspec.field(default_factory=list[Beat])
    orders: list[str] = msgspec.field(default_factory=list[str])
    """The orders that were acknowledged, one entry per buyer who was told so."""
    failures: list[str] = msgspec.field(default_factory=list[str])

    @property
    def waiting(self) -> int:
        """Buyers at the door without a final answer."""
        return self.arrived - self.bought - self.sold_out - self.failed

    @property
    def coming(self) -> int:
        """Buyers who are still on their way."""
        return self.buyers - self.arrived


class Score:
    """Counts a crowd while it goes on. `began` and every `now` are seconds of a monotonic clock."""

    def __init__(self, wish: Wish, began: float, began_at: datetime) -> None:
        self.wish = wish
        self.began_at = began_at
        self.began = began
        self.ended: float | None = None
        self.arrived = 0
        self.retries = 0
        self.repeating = 0
        self.orders: list[str] = []
        self.sold_out = 0
        self.failures: list[str] = []
        self.failed = 0
        self._took: list[float] = []
        self._beats: deque[Beat] = deque(maxlen=BEATS_KEPT)
        self._by_beat: dict[int, list[int]] = {}
        self._drawn = 0

    @property
    def waiting(self) -> int:
        return self.arrived - len(self.orders) - self.sold_out - self.failed

    def answered(self, seconds: float) -> None:
        """An answer came, after so long."""
        self._took.append(seconds)

    def decided(self, verdict: Verdict, now: float) -> None:
        """A buyer knows what became of them."""
        counts = self._by_beat.setdefault(int((now - self.began) / BEAT_SECONDS), [0, 0])
        match verdict.outcome:
            case Outcome.BOUGHT:
                self.orders.append(verdict.id)
                counts[0] += 1
            case Outcome.SOLD_OUT:
                self.sold_out += 1
                counts[1] += 1
            case _:
                self.failed += 1
                counts[1] += 1
                if len(self.failures) < FAILURES_KEPT:
                    self.failures.append(verdict.why[:200])

    def figures(self, at: datetime, now: float, state: State) -> CrowdFigures:
        """All of it, as it stands."""
        end = self.ended if self.ended is not None else now
        beat = int((end - self.began) / BEAT_SECONDS)
        while self._drawn <= beat:
            bought, refused = self._by_beat.get(self._drawn, (0, 0))
            self._beats.append(Beat(bought, refused, self.waiting))
            self._drawn += 1
        for back in range(1, min(len(self._beats), 3) + 1):  # the newest beats may still have grown
            bought, refused = self._by_beat.get(self._drawn - back, (0, 0))
            self._beats[-back] = Beat(bought, refused, self._beats[-back].waiting)
        took = sorted(self._took)
        last = self._window(beat)
        best = max((self._window(start + 3)[0] for start in self._by_beat), default=0)
        return CrowdFigures(
            at=at,
            run=self.wish.run,
            state=state,
            buyers=self.wish.buyers,
            arrived=self.arrived,
            bought=len(self.orders),
            sold_out=self.sold_out,
            failed=self.failed,
            repeating=self.repeating,
            retries=self.retries,
            answers=len(took),
            answers_per_second=sum(last) if self.ended is None else self._mean(end),
            orders_per_second=last[0] if self.ended is None else best,
            best_second=best,
            began_at=self.began_at,
            seconds=end - self.began,
            p50_ms=percentile(took, 0.50) * 1_000,
            p99_ms=percentile(took, 0.99) * 1_000,
            longest_ms=took[-1] * 1_000 if took else 0.0,
            beats=list(self._beats),
            orders=self.orders[:ORDERS_KEPT],
            failures=self.failures,
        )

    def _window(self, last_beat: int) -> tuple[int, int]:
        """Orders and refusals of the second that ends with a beat."""
        found = [self._by_beat.get(last_beat - back, [0, 0]) for back in range(round(1 / BEAT_SECONDS))]
        return sum(one[0] for one in found), sum(one[1] for one in found)

    def _mean(self, end: float) -> int:
        decided = len(self.orders) + self.sold_out + self.failed
        return round(decided / max(end - self.began, BEAT_SECONDS))


def percentile(ordered: list[float], share: float) -> float:
    """The value below which that share of the values lies (nearest rank); 0 where there are none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


class CheckLine(msgspec.Struct, frozen=True):
    """One check of the audit, as it came out: rows off, and the first of them in words."""

    name: str
    holds: str
    off: int
    seconds: float
    found: list[str] = []


NOBODY = UUID(int=0)
"""The run of a proof after a kill that met no crowd."""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked up in the database after the rush. `present` and `paid` of `acknowledged` orders; `doubled`
    counts orders beyond one a buyer; `oversold` units sold beyond what there ever was, by adding up claims and
    adjustments anew. `final` once nothing is off, or it stays off.
    """

    run: UUID
    at: datetime
    acknowledged: int
    present: int
    paid: int
    doubled: int
    unknown: int
    """Orders of the crowd in the database that no buyer was told of."""
    capacity: int
    sold: int
    checks: list[CheckLine] = []
    audited: bool = False
    """Whether every check of the audit has run."""
    looks: int = 1
    final: bool = False

    @property
    def oversold(self) -> int:
        return max(0, self.sold - self.capacity)

    @property
    def lost(self) -> int:
        return self.acknowledged - self.present

    @property
    def off(self) -> int:
        """Rows that the audit found off."""
        return sum(check.off for check in self.checks)

    @property
    def clean(self) -> bool:
        return self.audited and not (self.off or self.oversold or self.lost or self.doubled or self.unknown)


class Kill(msgspec.Struct, frozen=True):
    """The database was killed by hand: when, which process, by whom."""

    at: datetime
    pid: int
    by: str


class Seen(msgspec.Struct, kw_only=True):
    """What the witness reads in the database; while it is away, what was read last."""

    at: datetime
    run: UUID | None = None
    available: int = 0
    at_start: int = 0
    """Units that were free when the crowd came."""
    placed: int = 0
    paid: int = 0
    away_since: datetime | None = None
    back_at: datetime | None = None
    """When the database answered again after it was away the last time."""
    proof: Proof | None = None
    proven_after: datetime | None = None
    """The last return of the database that the proof comes after."""
