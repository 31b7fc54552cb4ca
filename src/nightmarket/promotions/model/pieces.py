"""Pieces of lines and what they cost: where an offer makes single pieces cheaper, the rest of the line stays as it is.

Only pieces that still cost something count as pieces. They are kept in runs of the same price, so that a thousand
pieces are no more work than one.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from nightmarket.kernel.money import allocate

from .carts import PriceLine


class Run(NamedTuple):
    """So many pieces of the line at that place, at one price."""

    price: int
    place: int
    number: int


class Pieces:
    """The pieces of a cart while prices of pieces are being made."""

    def __init__(self, lines: Sequence[PriceLine]) -> None:
        self._lines = lines
        self._runs: dict[int, dict[int, int]] = {}

    def dearest_first(self, places: Iterable[int]) -> list[Run]:
        """The pieces of these lines that cost something, ties in the order of the places."""
        runs = [
            Run(price, place, count)
            for place in places
            for price, count in self._of(place).items()
            if price > 0 and count > 0
        ]
        runs.sort(key=lambda run: -run.price)
        return runs

    def reduce(self, chosen: Sequence[Run], amount: int) -> None:
        """Take an amount off these pieces of one line, each by its price, to the minor unit."""
        weights = [run.price * run.number for run in chosen]
        for run, off in zip(chosen, allocate(amount, weights), strict=True):
            runs = self._of(run.place)
            runs[run.price] -= run.number
            each, more = divmod(off, run.number)
            for price, count in ((run.price - each - 1, more), (run.price - each, run.number - more)):
                if count:
                    runs[price] = runs.get(price, 0) + count

    def _of(self, place: int) -> dict[int, int]:
        runs = self._runs.get(place)
        if runs is None:
            line = self._lines[place]
            runs = self._runs[place] = {line.unit_price: line.quantity}
        return runs


def count(runs: Iterable[Run]) -> int:
    """Pieces in all."""
    return sum(run.number for run in runs)


def worth(runs: Iterable[Run]) -> int:
    """What the pieces cost together."""
    return sum(run.price * run.number for run in runs)


def first(runs: Iterable[Run], wanted: int) -> list[Run]:
    """The first so many pieces."""
    return between(runs, 0, wanted)


def between(runs: Iterable[Run], start: int, end: int) -> list[Run]:
    """The pieces from the place `start` to before `end`."""
    found: list[Run] = []
    at = 0
    for run in runs:
        taken = min(at + run.number, end) - max(at, start)
        if taken > 0:
            found.append(Run(run.price, run.place, taken))
        at += run.number
        if at >= end:
            break
    return found


def without(runs: Iterable[Run], taken: Iterable[Run]) -> list[Run]:
    """The pieces that are left when those are taken."""
    gone: dict[tuple[int, int], int] = {}
    for run in taken:
        gone[run.price, run.place] = gone.get((run.price, run.place), 0) + run.number
    left = [Run(run.price, run.place, run.number - gone.get((run.price, run.place), 0)) for run in runs]
    return [run for run in left if run.number > 0]


def last_of_groups(runs: Iterable[Run], size: int, last: int, groups: int) -> list[Run]:
    """Of the first so many groups of `size` pieces, the `last` of each."""

    def chosen_before(position: int) -> int:
        position = min(position, groups * size)
        whole, rest = divmod(position, size)
        return whole * last + max(0, rest - (size - last))

    found: list[Run] = []
    at = 0
    for run in runs:
        taken = chosen_before(at + run.number) - chosen_before(at)
        if taken:
            found.append(Run(run.price, run.place, taken))
        at += run.number
    return found
