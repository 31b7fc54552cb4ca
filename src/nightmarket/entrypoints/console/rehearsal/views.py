"""A run in words, cards and charts."""

from collections.abc import Mapping, Sequence

import msgspec

from nightmarket.entrypoints.console.charts import Chart, Series
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.rehearsal.contract import EventKind, Phase, Progress, RunLine, Sample, Timing

from .refusals import counted
from .speech import speech_for

CODES_SHOWN = 5
EVENTS_SHOWN = 12

PHASES = {
    Phase.CARTS: say_later("The week before: carts are filled"),
    Phase.RUSH: say_later("Midnight: the first five minutes"),
    Phase.DAY: say_later("The day"),
    Phase.EVENING: say_later("The evening waves"),
    Phase.AFTER: say_later("Afterwards: the last answers"),
}
PARTS = {
    "web": say_later("Web processes"),
    "worker": say_later("Worker"),
    "postgres": say_later("PostgreSQL"),
    "locust": say_later("The shoppers themselves"),
    "others": say_later("Others on this machine"),
}


class Word(msgspec.Struct, frozen=True):
    """How a run stands: a word and its tone."""

    text: str
    tone: str


class Line(msgspec.Struct, frozen=True):
    """A run in the list."""

    run: str
    at: str
    by: str
    seed: int
    minutes: str
    peak: str
    faults: str
    own: bool
    word: Word


class Card(msgspec.Struct, frozen=True):
    """A figure with its name and what stands behind it."""

    name: str
    figure: str
    more: str = ""


class EventLine(msgspec.Struct, frozen=True):
    at: str
    what: str
    detail: str
    tone: str


def line_of(desk: Desk, one: RunLine) -> Line:
    plan = one.plan
    return Line(
        run=plan.run,
        at=plan.asked_at[:16].replace("T", " "),
        by=plan.asked_by,
        seed=plan.seed,
        minutes=f"{plan.minutes:g}",
        peak=f"{plan.peak:g}",
        faults=", ".join(plan.faults),
        own=plan.own_shop,
        word=_word(desk, playing=one.playing, go=one.result.go if one.result else None),
    )


def word_of(desk: Desk, progress: Progress) -> Word:
    return _word(desk, playing=progress.playing, go=progress.result.go if progress.result else None)


def _word(desk: Desk, *, playing: bool, go: bool | None) -> Word:
    if playing:
        return Word(desk.say(say_later("is being played")), "warn")
    if go is None:
        return Word(desk.say(say_later("no verdict")), "")
    return Word(desk.say(say_later("go")), "good") if go else Word(desk.say(say_later("no-go")), "danger")


def cards_of(desk: Desk, progress: Progress) -> list[Card]:
    """What is told in figures, beginning with what matters most."""
    number, totals, last = desk.visit.formats.number, progress.totals, progress.last
    timing = Timing.of(progress.plan.minutes)
    away = desk.say(say_later("away"))
    cards = [
        Card(desk.say(say_later("Phase")), _phase(desk, progress), _clock(last.t if last else -timing.carts_seconds)),
        Card(
            desk.say(say_later("Orders placed")),
            number(totals.placed),
            desk.say(say_later("%(tried)s tried, %(paid)s paid"), tried=number(totals.tried), paid=number(totals.paid)),
        ),
        Card(desk.say(say_later("Refused")), number(sum(totals.refused.values())), _codes(desk, totals.refused)),
        Card(desk.say(say_later("Errors")), number(sum(totals.errors.values())), _codes(desk, totals.errors)),
    ]
    if last is not None:
        seconds = "–" if last.lag_seconds is None else f"{last.lag_seconds:.1f} s"
        stock = away if last.stock_left is None else number(last.stock_left)
        cards += [
            Card(desk.say(say_later("Shoppers in the shop")), number(last.users), _waiting(desk, last)),
            Card(desk.say(say_later("Units left")), stock),
            Card(desk.say(say_later("Consumers behind")), seconds),
        ]
    return cards


def charts_of(desk: Desk, progress: Progress) -> list[Chart]:
    """Throughput, answer times, who waits, and whose cores they are; each with its finding as title."""
    samples, every = progress.samples, progress.every_seconds
    say, number = desk.say, desk.visit.formats.number
    placed = [round(one.orders_placed / every, 2) for one in samples]
    tried = [round(one.orders_tried / every, 2) for one in samples]
    most = _figure(max(placed, default=0.0))
    slowest = number(round(max((one.p99_ms for one in samples), default=0.0)))
    longest = number(max((one.waiting for one in samples), default=0))
    axis = Axis(say(say_later("Time")), [_clock(one.t) for one in samples])
    cores = {say(words): [round(one.cpu.get(part, 0.0), 2) for one in samples] for part, words in PARTS.items()}
    return [
        axis.chart(
            "orders",
            say(say_later("Orders per second: at most %(most)s placed"), most=most),
            "/s",
            {say(say_later("Orders placed")): placed, say(say_later("Tried")): tried},
        ),
        axis.chart(
            "answers",
            say(say_later("Answer times: at most %(most)s ms for 99 of 100"), most=slowest),
            "ms",
            {"p50": [one.p50_ms for one in samples], "p99": [one.p99_ms for one in samples]},
        ),
        axis.chart(
            "waiting",
            say(say_later("Waiting for an answer: at most %(most)s"), most=longest),
            "",
            {say(say_later("Who waits")): [float(one.waiting) for one in samples]},
        ),
        axis.chart("cores", say(say_later("Cores in use, those of the shoppers apart")), "", cores, stacked=True),
    ]


class Axis(msgspec.Struct, frozen=True):
    """The time along which all charts of a run go."""

    name: str
    labels: Sequence[str]

    def chart(
        self, id: str, title: str, unit: str, series: Mapping[str, Sequence[float]], *, stacked: bool = False
    ) -> Chart:
        return Chart(
            id=f"rehearsal-{id}",
            title=title,
            kind="line",
            axis=self.name,
            unit=unit,
            labels=self.labels,
            series=[Series(name, values, [_figure(value) for value in values]) for name, values in series.items()],
            stacked=stacked,
            live=True,
        )


def events_of(desk: Desk, progress: Progress) -> list[EventLine]:
    """The newest first, without the phases, which the clock tells."""
    tones = {EventKind.FAULT: "danger", EventKind.RECOVERY: "good", EventKind.NOTE: ""}
    found = [one for one in progress.events if one.kind is not EventKind.PHASE]
    return [
        EventLine(_clock(one.t), desk.say(one.what), desk.say(one.detail), tones.get(one.kind, ""))
        for one in reversed(found[-EVENTS_SHOWN:])
    ]


def _phase(desk: Desk, progress: Progress) -> str:
    last = progress.last
    if last is None:
        return desk.say(say_later("It begins"))
    return desk.say(PHASES[last.phase])


def _waiting(desk: Desk, last: Sample) -> str:
    return desk.say(say_later("%(waiting)s wait for an answer"), waiting=desk.visit.formats.number(last.waiting))


def _codes(desk: Desk, counts: dict[str, int]) -> str:
    return ", ".join(counted(speech_for(desk.visit), counts, CODES_SHOWN))


def _clock(t: float) -> str:
    sign, seconds = ("−" if t < 0 else ""), round(abs(t))
    return f"{sign}{seconds // 60}:{seconds % 60:02d}"


def _figure(value: float) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".")
