"""A rehearsal in the terminal: one screenful while it goes on, or plain lines where nobody looks at a screen."""

import shutil
import sys
from collections import deque

import click

from nightmarket.rehearsal.contract import Moment, Phase, Timing

BLOCKS = " ▁▂▃▄▅▆▇█"
PLAIN_EVERY_SECONDS = 2
CODES_SHOWN = 4
WORDS = {
    Phase.CARTS: "the week before: carts are filled",
    Phase.RUSH: "midnight: the first five minutes",
    Phase.DAY: "the day",
    Phase.EVENING: "the evening waves",
    Phase.AFTER: "afterwards",
}


class Screen:
    """Draws each second anew on a terminal, else writes a line every other second."""

    def __init__(self, *, plain: bool) -> None:
        self.plain = plain or not sys.stdout.isatty()
        self._placed: deque[int] = deque(maxlen=600)
        self._seconds = 0
        self._drawn = 0
        self._told = 0

    def show(self, moment: Moment) -> None:
        self._placed.append(moment.sample.orders_placed)
        self._seconds += 1
        if not self.plain:
            self._draw(moment)
        elif self._seconds % PLAIN_EVERY_SECONDS == 0:
            click.echo(line_of(moment))

    def say(self, text: str) -> None:
        """Something between or after the seconds."""
        self._drawn = 0
        click.echo(text)

    def _draw(self, moment: Moment) -> None:
        width = max(40, min(100, shutil.get_terminal_size().columns - 1))
        lines = [line[:width] for line in screenful(moment, list(self._placed), width)]
        if self._drawn:
            sys.stdout.write(f"\x1b[{self._drawn}A")
        sys.stdout.write("".join(f"\x1b[2K{line}\n" for line in lines))
        sys.stdout.flush()
        self._drawn = len(lines)


def screenful(moment: Moment, placed: list[int], width: int) -> list[str]:
    """The lines of one second; always as many."""
    sample, totals, plan = moment.sample, moment.totals, moment.plan
    timing = Timing.of(plan.minutes)
    done = min(1.0, max(0.0, (sample.t + timing.carts_seconds) / moment.seconds))
    bar = "█" * round(done * (width - 10))
    events = [f"  {one.t:6.1f} s  {one.what}  {one.detail}" for one in moment.events if one.kind.value != "phase"][-3:]
    cpu = "   ".join(f"{part} {cores:.2f}" for part, cores in sample.cpu.items())
    return [
        f"Rehearsal {plan.run}   seed {plan.seed}   {plan.against}",
        f"{bar:░<{width - 10}} {done:4.0%}",
        f"{_clock(sample.t)}   {WORDS[sample.phase]}",
        "",
        f"orders a second, highest {max(placed, default=0)}",
        f"{curve_of(placed, width)}",
        "",
        f"orders     {totals.tried:,} tried   {totals.placed:,} placed   {totals.paid:,} paid",
        f"refused    {_codes(totals.refused)}",
        f"errors     {_codes(totals.errors)}",
        f"answers    p50 {sample.p50_ms:.0f} ms   p99 {sample.p99_ms:.0f} ms   {sample.requests:,} this second",
        f"shoppers   {sample.users:,} in the shop   {sample.waiting:,} waiting",
        f"stock      {_or_away(sample.stock_left)} units left   consumers {_or_away(sample.lag_seconds)} s behind",
        f"cores      {cpu}",
        *events,
        *[""] * (3 - len(events)),
        "Ctrl-C ends it with what was measured.",
    ]


def line_of(moment: Moment) -> str:
    """A second as one line."""
    sample, totals = moment.sample, moment.totals
    return (
        f"{_clock(sample.t)}  {sample.phase:7}  {totals.placed:,} placed  {totals.paid:,} paid  "
        f"{sum(totals.refused.values()):,} refused  {sum(totals.errors.values()):,} errors  "
        f"{sample.users:,} in the shop  {sample.waiting:,} waiting  p50 {sample.p50_ms:.0f} ms  "
        f"p99 {sample.p99_ms:.0f} ms  stock {_or_away(sample.stock_left)}  lag {_or_away(sample.lag_seconds)}"
    )


def curve_of(values: list[int], width: int) -> str:
    """Values as small bars; of more than fit, each bar shows the highest of several."""
    if not values:
        return ""
    per = -(-len(values) // width)
    heights = [max(values[start : start + per]) for start in range(0, len(values), per)]
    most = max(*heights, 1)
    return "".join(BLOCKS[round(height * (len(BLOCKS) - 1) / most)] for height in heights)


def _clock(t: float) -> str:
    sign, seconds = ("-" if t < 0 else " "), round(abs(t))
    return f"{sign}{seconds // 60:02d}:{seconds % 60:02d}"


def _codes(counts: dict[str, int]) -> str:
    from nightmarket.entrypoints.console.rehearsal.refusals import counted
    from nightmarket.entrypoints.console.rehearsal.speech import speech_of

    said = "   ".join(counted(speech_of("en"), counts, CODES_SHOWN))
    return f"{sum(counts.values()):,}   {said}".rstrip()


def _or_away(value: float | None) -> str:
    return "?" if value is None else f"{value:,}"
