"""Line and area plots as SVG text. Pure: points in, markup out; colours are classes, so that the page sets its mood."""

from collections.abc import Callable, Sequence
from html import escape

import msgspec

from .saying import plain

WIDTH, HEIGHT = 480, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 14, 30, 34
POINTS_DRAWN = 360
"""More points than this are drawn as the highest of each few, so that no peak is lost."""

ROWS_SHOWN = 24
TIMES_SHOWN = 5


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """The words around a plot in the reader's language, and how it writes numbers."""

    nothing: str = "Nothing was measured."
    table: str = "Table"
    time: str = "Time"
    mean: str = "mean of every %(seconds)s s"
    fault: str = "a fault, until service was back"
    number: Callable[[float], str] = plain


ENGLISH = Wording()


class Series(msgspec.Struct, frozen=True):
    """A named line; a point without a value leaves a gap."""

    name: str
    values: tuple[float | None, ...]


class Mark(msgspec.Struct, frozen=True):
    """A span of time that is shaded, such as a fault from its strike until service was back."""

    name: str
    begins: float
    ends: float


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """A plot: its title says the finding. `times` in seconds; `stacked` piles the series up."""

    id: str
    title: str
    unit: str
    times: tuple[float, ...]
    series: tuple[Series, ...]
    marks: tuple[Mark, ...] = ()
    stacked: bool = False
    ceiling: float | None = None
    """A line that cannot be crossed, such as the machine's cores."""
    ceiling_name: str = ""


def nice_top(value: float) -> float:
    """The smallest of 1, 2, 2.5, 5 x 10^n that is not below the value; 1 of nothing."""
    if value <= 0:
        return 1.0
    step = 1.0
    while step * 10 < value:
        step *= 10
    while step > value:
        step /= 10
    return next(step * factor for factor in (1, 2, 2.5, 5, 10) if step * factor >= value * (1 - 1e-9))


def marks_on(top: float) -> list[float]:
    """Where lines cross a plot that ends at such a top: four or five equal steps of round figures."""
    steps = 5 if f"{top:e}"[0] in "25" and f"{top:e}"[:3] != "2.0" else 4
    return [top * step / steps for step in range(steps + 1)]


def times_on(first: float, last: float) -> list[float]:
    """Round instants within a span, at most `TIMES_SHOWN`."""
    step = nice_top((last - first) / TIMES_SHOWN)
    begin = -int(-first // step)
    found = [at * step for at in range(begin, begin + TIMES_SHOWN + 1) if first <= at * step <= last]
    return found[:TIMES_SHOWN]


def thin(values: Sequence[float | None], most: int = POINTS_DRAWN) -> list[tuple[int, float | None]]:
    """At most so many points, each with its index: of each few neighbours the highest."""
    every = max(1, -(-len(values) // most))
    found: list[tuple[int, float | None]] = []
    for start in range(0, len(values), every):
        some = [(at, value) for at, value in enumerate(values[start : start + every], start) if value is not None]
        found.append(max(some, key=lambda pair: (pair[1], -pair[0])) if some else (start, None))
    return found


def draw(plot: Plot, words: Wording = ENGLISH) -> str:
    """A `figure`: title, legend, plot, and its table one press away."""
    body = _svg(plot, words) if plot.times else f'<p class="none">{escape(words.nothing)}</p>'
    name, title = escape(plot.id), escape(plot.title)
    return (
        f'<figure id="{name}"><figcaption id="{name}-title">{title}</figcaption>{_legend(plot, words)}{body}'
        f"<details><summary>{escape(words.table)}</summary>{table(plot, words)}</details></figure>"
    )


def table(plot: Plot, words: Wording = ENGLISH) -> str:
    """What the plot shows, as rows: the mean over each stretch of time."""
    every = max(1, -(-len(plot.times) // ROWS_SHOWN))
    heads = "".join(f'<th scope="col">{escape(series.name)}</th>' for series in plot.series)
    rows = ""
    for start in range(0, len(plot.times), every):
        cells = ""
        for series in plot.series:
            some = [value for value in series.values[start : start + every] if value is not None]
            cells += f"<td>{words.number(sum(some) / len(some)) if some else '–'}</td>"
        rows += f'<tr><th scope="row">{words.number(plot.times[start])} s</th>{cells}</tr>'
    label = f"{escape(plot.title)}: {escape(plot.unit)}, {escape(words.mean % {'seconds': every})}"
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{label}"><table><caption>{label}</caption>'
        f'<thead><tr><th scope="col">{escape(words.time)}</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _legend(plot: Plot, words: Wording) -> str:
    entries = "".join(f'<li class="c{at}"><i></i>{escape(one.name)}</li>' for at, one in enumerate(plot.series, 1))
    entries += f'<li class="ceiling"><i></i>{escape(plot.ceiling_name)}</li>' if plot.ceiling else ""
    entries += f'<li class="mark"><i></i>{escape(words.fault)}</li>' if plot.marks else ""
    return f'<ul class="legend">{entries}</ul>'


def _svg(plot: Plot, words: Wording) -> str:
    lines = _piled(plot) if plot.stacked else [list(series.values) for series in plot.series]
    highest = max((value for line in lines for value in line if value is not None), default=0.0)
    top = nice_top(max(highest, plot.ceiling or 0.0))
    first, last = plot.times[0], max(plot.times[-1], plot.times[0] + 1)

    def x(t: float) -> float:
        return round(LEFT + (min(max(t, first), last) - first) / (last - first) * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - min(value, top) / top * (HEIGHT - TOP - BOTTOM), 1)

    parts = [_shade(mark, x(mark.begins), x(mark.ends)) for mark in plot.marks]
    for value in marks_on(top):
        height = y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height}" y2="{height}"/>')
        parts.append(f'<text class="tick end" x="{LEFT - 6}" y="{height + 4}">{words.number(value)}</text>')
    under = times_on(first, last)
    parts += [f'<text class="tick mid" x="{x(at)}" y="{HEIGHT - 12}">{words.number(at)} s</text>' for at in under]
    if plot.ceiling:
        height = y(plot.ceiling)
        parts.append(f'<line class="ceiling" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height}" y2="{height}"/>')
    for number_, line in reversed(list(enumerate(lines, 1))):
        points = [(x(plot.times[at]), None if value is None else y(value)) for at, value in thin(line)]
        if plot.stacked:
            parts.append(f'<path class="area c{number_}" d="{_area(points, y(0))}"/>')
        parts.append(f'<path class="line c{number_}" d="{_path(points)}"/>')
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{escape(plot.id)}-title">'
        f'<text class="tick" x="0" y="14">{escape(plot.unit)}</text>{"".join(parts)}</svg>'
    )


def _piled(plot: Plot) -> list[list[float | None]]:
    below = [0.0] * len(plot.times)
    lines: list[list[float | None]] = []
    for series in plot.series:
        below = [under + (value or 0.0) for under, value in zip(below, series.values, strict=True)]
        lines.append([*below])
    return lines


def _shade(mark: Mark, left: float, right: float) -> str:
    width = max(2.0, round(right - left, 1))
    return (
        f'<rect class="mark" x="{left}" y="{TOP}" width="{width}" height="{HEIGHT - TOP - BOTTOM}">'
        f"<title>{escape(mark.name)}</title></rect>"
    )


def _path(points: Sequence[tuple[float, float | None]]) -> str:
    text, pen = "", "M"
    for x, y in points:
        if y is None:
            pen = "M"
            continue
        text += f"{pen}{x} {y}"
        pen = "L"
    return text


def _area(points: Sequence[tuple[float, float | None]], ground: float) -> str:
    known = [(x, y) for x, y in points if y is not None]
    if not known:
        return ""
    return f"{_path(known)}L{known[-1][0]} {ground}L{known[0][0]} {ground}Z"
