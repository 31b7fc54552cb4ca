"""The report for people: one HTML file without anything from elsewhere, for a phone and a desk, by day and by night."""

from html import escape
from importlib.resources import files

from nightmarket.rehearsal.records import Sample

from . import measuring, plots
from .plots import Mark, Plot, Series, number
from .reading import Run
from .result import MICROSECONDS, Result

BUDGET_US = 134.0
"""What an order may cost on two cores at the goal, by DESIGN's aim: 14,931 a second."""

SAMPLES_KEPT = 20_000
DONE, TEXT = "What was done", ' class="text"'
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def render(result: Result, run: Run) -> str:
    """The whole page."""
    style = (files("nightmarket.rehearsal.verdict") / "report.css").read_text()
    word = "Go" if result.go else "No go"
    title = f"{word}: rehearsal {result.run}"
    sections = [_head(result, run, word), _reasons(result), _answers(result), _faults(result)]
    figures = "".join(plots.draw(plot) for plot in drawn(result, run))
    sections.append(f'<section class="plots" aria-label="Plots">{figures}</section>')
    sections += [_costs(result), _audit(result)]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><style>{style}</style></head>'
        f"<body><main>{''.join(sections)}</main></body></html>\n"
    )


def drawn(result: Result, run: Run) -> list[Plot]:
    """Throughput, latency, queue, stock, errors and processors; each title says the finding."""
    samples = run.samples[:SAMPLES_KEPT]
    marks = tuple(
        Mark(f"{one.fault} at {one.t:.0f} s", one.t, one.t + (one.down_seconds or 0.0))
        for one in result.faults
        if not one.refused
    )
    figures, times = result.figures, tuple(sample.t for sample in samples)

    def plot(id: str, title: str, unit: str, *series: Series) -> Plot:
        return Plot(id=id, title=title, unit=unit, times=times, series=series, marks=marks)

    refused, failed = sum(figures.refused.values()), sum(figures.errors.values())
    return [
        plot(
            "throughput",
            f"{number(figures.peak_per_second)} orders a second were placed over the best {measuring.WINDOW} seconds",
            "orders/s",
            _series("tried", samples, "orders_tried"),
            _series("placed", samples, "orders_placed"),
            _series("paid", samples, "orders_paid"),
        ),
        plot(
            "latency",
            f"Half of the answers took {number(figures.p50_ms)} ms, in the slowest seconds a hundredth over "
            f"{number(figures.p99_ms)} ms",
            "ms",
            Series("median", tuple(one.p50_ms if one.requests else None for one in samples)),
            Series("99th percentile", tuple(one.p99_ms if one.requests else None for one in samples)),
        ),
        plot(
            "queue",
            f"At most {max((one.waiting for one in samples), default=0):,} shoppers waited for their turn or an answer",
            "shoppers",
            _series("in the shop", samples, "users"),
            _series("waiting", samples, "waiting"),
        ),
        plot("stock", _stock_title(samples), "units", Series("units left", tuple(_stock(one) for one in samples))),
        plot(
            "errors",
            f"{failed:,} requests failed, {refused:,} were clearly refused",
            "per second",
            Series("failed", tuple(float(sum(one.errors.values())) for one in samples)),
            Series("refused", tuple(float(sum(one.refused.values())) for one in samples)),
        ),
        _processors(result, samples, times, marks),
        plot(
            "lag",
            f"Consumers of facts were {number(max((one.lag_seconds or 0.0 for one in samples), default=0.0))} s behind "
            f"at most, {number(figures.lag_seconds)} s at the end",
            "seconds",
            Series("behind", tuple(one.lag_seconds for one in samples)),
        ),
    ]


def _processors(result: Result, samples: list[Sample], times: tuple[float, ...], marks: tuple[Mark, ...]) -> Plot:
    names = {name for sample in samples for name in sample.cpu}
    shop = sorted(name for name in names if measuring.part_of(name) is not None)
    others = sorted(names - set(shop))
    series = [Series(name, tuple(sample.cpu.get(name, 0.0) for sample in samples)) for name in shop]
    series += [Series(f"{name} (plays shoppers)", tuple(one.cpu.get(name, 0.0) for one in samples)) for name in others]
    return Plot(
        id="processors",
        title=limit_words(result),
        unit="cores",
        times=times,
        series=tuple(series),
        marks=marks,
        stacked=True,
        ceiling=float(result.cores),
        ceiling_name=f"{result.cores} cores",
    )


def limit_words(result: Result) -> str:
    """Where the limit is and whose processor time it was."""
    limit = result.limit
    if limit is None:
        return "The play was too short to say where the limit is"
    whose = f"{limit.part} was the busiest part of the shop with {limit.cores:.2f} cores"
    generator = f"those who play the shoppers used {limit.generator_cores:.2f}"
    if limit.reached:
        return f"The {result.cores} cores were the limit: {whose}; {generator}"
    return f"The limit was not reached: {limit.machine_cores:.2f} of {result.cores} cores; {whose}; {generator}"


def _series(name: str, samples: list[Sample], member: str) -> Series:
    return Series(name, tuple(float(getattr(sample, member)) for sample in samples))


def _stock(sample: Sample) -> float | None:
    return None if sample.stock_left is None else float(sample.stock_left)


def _stock_title(samples: list[Sample]) -> str:
    known = [one.stock_left for one in samples if one.stock_left is not None]
    if not known:
        return "Nobody counted what was left"
    return f"{known[0]:,} units were there at first, {known[-1]:,} are left"


def _head(result: Result, run: Run, word: str) -> str:
    figures = result.figures
    facts = [
        ("acknowledged orders", f"{figures.present:,} of {figures.acknowledged:,} are there"),
        ("oversold", f"{figures.oversold_units:,} units"),
        ("undersold", f"{figures.undersold_units:,} units"),
        ("money without order", f"{figures.money_without_order:,}"),
        ("orders without money", f"{figures.order_without_money:,}"),
        ("best ten seconds", f"{number(figures.peak_per_second)} orders/s"),
        ("came to rest within", f"{number(figures.settled_seconds)} s"),
    ]
    cells = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    mood = "go" if result.go else "nogo"
    faults = ", ".join(run.plan.faults) or "none"
    return (
        f'<header class="{mood}"><p class="eyebrow">Rehearsal {escape(result.run)}</p><h1>{word}</h1>'
        f"<p>{number(result.minutes)} minutes against {escape(run.plan.against)}, seed {result.seed}, "
        f"{result.cores} cores, faults asked for: {escape(faults)}. Judged {escape(result.judged_at[:19])}Z, "
        f"Nightmarket {escape(result.version)}.</p></header><dl>{cells}</dl>"
    )


def _reasons(result: Result) -> str:
    said = ""
    for heading, lines in (("Why not", result.reasons), ("Worth knowing", result.worries)):
        if lines:
            said += f"<h2>{heading}</h2><ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"
    return f"<section>{said}</section>" if said else ""


def _answers(result: Result) -> str:
    rows = ""
    for one in result.answers:
        found = "".join(f"<li>{escape(line)}</li>" for line in one.found)
        rows += (
            f'<tr class="{"off" if one.off else "holds"}"><th scope="row">{escape(one.holds)}'
            f"{f'<ul>{found}</ul>' if found else ''}</th><td>{one.looked_at:,}</td>"
            f"<td>{f'{one.off:,} off' if one.off else 'holds'}</td></tr>"
        )
    return _table("Asked from outside", ("What must hold", "Looked at", "Answer"), rows)


def _faults(result: Result) -> str:
    if not result.faults:
        return ""
    rows = ""
    for one in result.faults:
        back = "could not strike" if one.refused else "not back"
        if one.down_seconds is not None:
            back = f"{number(one.down_seconds)} s"
        rows += (
            f'<tr><th scope="row">{escape(one.fault)}</th><td>{number(one.t)} s</td><td>{back}</td>'
            f'<td class="text">{escape(one.detail)}</td></tr>'
        )
    return _table("Faults", ("Fault", "Struck at", "Service back after", DONE), rows)


def _costs(result: Result) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(one.part)}</th><td>{number(one.mean_us)}</td>'
        f"<td>{number(one.low_us)} to {number(one.high_us)}</td></tr>"
        for one in result.costs
    )
    total = sum(one.mean_us for one in result.costs)
    if not rows:
        return ""
    rows += f'<tr><th scope="row">all</th><td>{number(total)}</td><td></td></tr>'
    words = f"An order with all that belongs to it cost {number(total)} µs of processor time"
    words += f"; an order alone may cost {BUDGET_US:.0f}"
    if result.capacity_per_second is not None:
        each = result.cores * MICROSECONDS / total
        taken = number(result.capacity_per_second)
        words += f". {result.cores} cores take {taken} orders/s of this kind ({number(each)} at most)"
    return _table(words, ("Part", "µs an order", "lowest and highest tenth"), rows)


def _audit(result: Result) -> str:
    rows = ""
    for line in result.audit:
        found = "".join(f"<li>{escape(text)}</li>" for text in line.found)
        rows += (
            f'<tr class="{"off" if line.off else "holds"}"><th scope="row">{escape(line.holds)}'
            f"{f'<ul>{found}</ul>' if found else ''}</th>"
            f"<td>{f'{line.off:,} off' if line.off else 'holds'}</td></tr>"
        )
    return _table("The shop's own audit", ("What must hold", "Answer"), rows)


def _table(title: str, heads: tuple[str, ...], rows: str) -> str:
    cells = "".join(f'<th scope="col"{TEXT if head == DONE else ""}>{escape(head)}</th>' for head in heads)
    return (
        f'<section><h2>{escape(title)}</h2><div class="scroll" tabindex="0" role="region" aria-label="{escape(title)}">'
        f"<table><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )
