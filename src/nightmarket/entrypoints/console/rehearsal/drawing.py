"""The plots of a report; each title says the finding."""

from nightmarket.entrypoints.pages.words import say_later
from nightmarket.rehearsal.contract import LimitOf, Result, Run, Sample, measuring, plots

from .speech import Speech

SAMPLES_KEPT = 20_000
Mark, Plot, Series = plots.Mark, plots.Plot, plots.Series


class Drawing:
    """What all plots of a run share: its samples, their times, the faults as marks, the reader's language."""

    def __init__(self, result: Result, run: Run, told: Speech) -> None:
        self.result, self.told = result, told
        self.samples = run.samples[:SAMPLES_KEPT]
        self.times = tuple(sample.t for sample in self.samples)
        self.marks = tuple(
            Mark(
                told.say("%(fault)s at %(t)s s", fault=one.fault, t=told.number(one.t)),
                one.t,
                one.t + (one.down_seconds or 0.0),
            )
            for one in result.faults
            if not one.refused
        )

    def plot(self, id: str, title: str, unit: str, *series: plots.Series) -> plots.Plot:
        return Plot(id=id, title=title, unit=unit, times=self.times, series=series, marks=self.marks)

    def series(self, name: str, member: str) -> plots.Series:
        return Series(name, tuple(float(getattr(sample, member)) for sample in self.samples))


def drawn(result: Result, run: Run, told: Speech) -> list[plots.Plot]:
    """Throughput, latency, queue, stock, errors, processors and lag."""
    one = Drawing(result, run, told)
    return [
        _throughput(one),
        _latency(one),
        _queue(one),
        one.plot(
            "stock",
            _stock_title(one.samples, told),
            told.say("units"),
            Series(told.say("units left"), tuple(_stock(sample) for sample in one.samples)),
        ),
        _errors(one),
        _processors(one),
        _lag(one),
    ]


def _throughput(one: Drawing) -> plots.Plot:
    say, figures = one.told.say, one.result.figures
    title = say(
        "%(rate)s orders a second were placed over the best %(seconds)s seconds",
        rate=one.told.number(figures.peak_per_second),
        seconds=measuring.WINDOW,
    )
    tried, placed, paid = say("Tried"), say("Orders placed"), say("Paid")
    lines = (one.series(tried, "orders_tried"), one.series(placed, "orders_placed"), one.series(paid, "orders_paid"))
    return one.plot("throughput", title, say("orders/s"), *lines)


def _latency(one: Drawing) -> plots.Plot:
    say, number, figures = one.told.say, one.told.number, one.result.figures
    title = say(
        "Half of the answers took %(half)s ms, in the slowest seconds a hundredth over %(most)s ms",
        half=number(figures.p50_ms),
        most=number(figures.p99_ms),
    )
    half = tuple(sample.p50_ms if sample.requests else None for sample in one.samples)
    most = tuple(sample.p99_ms if sample.requests else None for sample in one.samples)
    return one.plot("latency", title, "ms", Series(say("median"), half), Series(say("99th percentile"), most))


def _queue(one: Drawing) -> plots.Plot:
    say = one.told.say
    longest = max((sample.waiting for sample in one.samples), default=0)
    title = say("Shoppers who waited for their turn or an answer: at most %(most)s", most=one.told.number(longest))
    inside, waiting = one.series(say("in the shop"), "users"), one.series(say("Who waits"), "waiting")
    return one.plot("queue", title, say("shoppers"), inside, waiting)


def _errors(one: Drawing) -> plots.Plot:
    say, number, figures = one.told.say, one.told.number, one.result.figures
    failed, refused = sum(figures.errors.values()), sum(figures.refused.values())
    title = say(
        "Requests that failed: %(failed)s, that were clearly refused: %(refused)s",
        failed=number(failed),
        refused=number(refused),
    )
    errors = tuple(float(sum(sample.errors.values())) for sample in one.samples)
    refusals = tuple(float(sum(sample.refused.values())) for sample in one.samples)
    return one.plot("errors", title, say("per second"), Series(say("failed"), errors), Series(say("Refused"), refusals))


def limit_words(result: Result, told: Speech) -> str:
    """Where the limit is and whose processor time it was."""
    limit = result.limit
    if limit is None:
        return told.say("The play was too short to say where the limit is")
    words = {
        "cores": told.number(result.cores),
        "used": told.number(limit.machine_cores),
        "part": limit.part or "–",
        "busiest": told.number(limit.cores),
        "players": told.number(limit.generator_cores),
    }
    match limit.of:
        case LimitOf.MACHINE:
            text = say_later(
                "The %(cores)s cores were the limit: %(part)s was the busiest part of the shop with %(busiest)s; those "
                "who play the shoppers used %(players)s"
            )
        case LimitOf.SHOP:
            text = say_later(
                "The shop was the limit, not the processors (%(used)s of %(cores)s cores): %(part)s was its busiest "
                "part with %(busiest)s; those who play the shoppers used %(players)s"
            )
        case LimitOf.PLAYERS:
            text = say_later(
                "Those who play the shoppers were the limit with %(players)s cores; %(part)s was the busiest part of "
                "the shop with %(busiest)s"
            )
        case LimitOf.NOTHING:
            text = say_later(
                "The limit was not reached: %(used)s of %(cores)s cores; %(part)s was the busiest part of the shop "
                "with %(busiest)s; those who play the shoppers used %(players)s"
            )
    return told.say(text, **words)


def _processors(one: Drawing) -> plots.Plot:
    say, names = one.told.say, {name for sample in one.samples for name in sample.cpu}
    shop = sorted(name for name in names if measuring.part_of(name) is not None)
    players = sorted(names & measuring.GENERATORS)
    titles = {name: name for name in shop}
    titles |= {name: say("%(name)s (plays shoppers)", name=name) for name in players}
    if measuring.OTHERS in names:
        titles[measuring.OTHERS] = say("others on this machine")
    series = [
        Series(title, tuple(sample.cpu.get(name, 0.0) for sample in one.samples)) for name, title in titles.items()
    ]
    return Plot(
        id="processors",
        title=limit_words(one.result, one.told),
        unit=say("cores"),
        times=one.times,
        series=tuple(series),
        marks=one.marks,
        stacked=True,
        ceiling=float(one.result.cores),
        ceiling_name=say("%(cores)s cores", cores=one.result.cores),
    )


def _lag(one: Drawing) -> plots.Plot:
    say, number = one.told.say, one.told.number
    title = say(
        "Consumers of facts were %(most)s s behind at most, %(end)s s at the end",
        most=number(max((sample.lag_seconds or 0.0 for sample in one.samples), default=0.0)),
        end=number(one.result.figures.lag_seconds),
    )
    return one.plot("lag", title, say("seconds"), Series(say("behind"), tuple(s.lag_seconds for s in one.samples)))


def _stock(sample: Sample) -> float | None:
    return None if sample.stock_left is None else float(sample.stock_left)


def _stock_title(samples: list[Sample], told: Speech) -> str:
    known = [one.stock_left for one in samples if one.stock_left is not None]
    if not known:
        return told.say("Nobody counted what was left")
    words = {"first": told.number(known[0]), "last": told.number(known[-1])}
    return told.say("%(first)s units were there at first, %(last)s are left", **words)
