"""Pieces of lines and what they cost: where an offer makes single pieces cheaper, the rest of the line stays as it is.

Only pieces that still cost something count as pieces. They are kept in runs of the same price, so that a thousand
pieces are no more work than one.
"""

from collections.abc import Iterable, Sequence
from operator import itemgetter

from nightmarket.kernel.money import allocate

from .carts import PriceLine

Run = tuple[int, int, int]
"""A price, the place of a line, and how many of its pieces have that price."""

_price = itemgetter(0)


class Pieces:
    """The pieces of a cart while prices of pieces are being made."""

    def __init__(self, lines: Sequence[PriceLine]) -> None:
        self._lines = lines
        self._runs: dict[int, dict[int, int]] = {}
        """By place, numbers by price; only of lines that have become cheaper. What is in here is never changed."""
        self._owed: tuple[Sequence[Run], Sequence[int], Sequence[int]] | None = None
        """What was taken last; it is worked out when somebody asks for pieces again, which most often nobody does."""

    def fork(self) -> "Pieces":
        """The same pieces, which go their own way from here on."""
        other = Pieces(self._lines)
        other._runs, other._owed = dict(self._runs), self._owed
        return other

    def state(self) -> tuple[tuple[int, tuple[tuple[int, int], ...]], ...]:
        """The prices of pieces, equal where they are."""
        self._settle()
        return tuple(
            (place, tuple(sorted((price, number) for price, number in prices.items() if number)))
            for place, prices in sorted(self._runs.items())
        )

    def dearest_first(self, places: Iterable[int]) -> list[Run]:
        """The pieces of these lines that cost something, ties in the order of the places."""
        if self._owed is not None:
            self._settle()
        lines, cheaper = self._lines, self._runs
        runs: list[Run] = []
        for place in places:
            if place in cheaper:
                for price, number in cheaper[place].items():
                    if price > 0 and number > 0:
                        runs.append((price, place, number))
            else:
                line = lines[place]
                if line.unit_price > 0:
                    runs.append((line.unit_price, place, line.quantity))
        if len(runs) > 1:
            runs.sort(key=_price, reverse=True)
        return runs

    def reduce(self, chosen: Sequence[Run], places: Sequence[int], amounts: Sequence[int]) -> None:
        """Take from each place its amount, each piece by its price, to the minor unit."""
        if self._owed is not None:
            self._settle()
        self._owed = chosen, places, amounts

    def _settle(self) -> None:
        if self._owed is None:
            return
        chosen, places, amounts = self._owed
        self._owed = None
        mine: dict[int, list[Run]] = {}
        for run in chosen:
            mine.setdefault(run[1], []).append(run)
        for place, amount in zip(places, amounts, strict=True):
            if amount:
                self._reduce(place, mine[place], amount)

    def _reduce(self, place: int, chosen: Sequence[Run], amount: int) -> None:
        line = self._lines[place]
        known = self._runs.get(place)
        prices = {line.unit_price: line.quantity} if known is None else dict(known)
        offs = allocate(amount, [price * number for price, _, number in chosen])
        for (price, _, number), off in zip(chosen, offs, strict=True):
            prices[price] -= number
            each, more = divmod(off, number)
            for cheaper, count in ((price - each - 1, more), (price - each, number - more)):
                if count:
                    prices[cheaper] = prices.get(cheaper, 0) + count
        self._runs[place] = prices


def count(runs: Iterable[Run]) -> int:
    """Pieces in all."""
    found = 0
    for _, _, number in runs:
        found += number
    return found


def worth(runs: Iterable[Run]) -> int:
    """What the pieces cost together."""
    return sum([price * number for price, _, number in runs])


def worths(runs: Iterable[Run], places: Sequence[int]) -> list[int]:
    """What the pieces of each place cost together."""
    sums = dict.fromkeys(places, 0)
    for price, place, number in runs:
        sums[place] += price * number
    return list(sums.values())


def first(runs: Iterable[Run], wanted: int) -> list[Run]:
    """The first so many pieces."""
    found: list[Run] = []
    for run in runs:
        if wanted <= 0:
            break
        found.append(run if run[2] <= wanted else (run[0], run[1], wanted))
        wanted -= run[2]
    return found


def between(runs: Iterable[Run], start: int, end: int) -> list[Run]:
    """The pieces from the place `start` to before `end`."""
    found: list[Run] = []
    at = 0
    for price, place, number in runs:
        taken = min(at + number, end) - max(at, start)
        if taken > 0:
            found.append((price, place, taken))
        at += number
        if at >= end:
            break
    return found


def without(runs: Iterable[Run], taken: Iterable[Run]) -> list[Run]:
    """The pieces that are left when those are taken."""
    gone: dict[tuple[int, int], int] = {}
    for price, place, number in taken:
        gone[price, place] = gone.get((price, place), 0) + number
    left = [(price, place, number - gone.get((price, place), 0)) for price, place, number in runs]
    return [run for run in left if run[2] > 0]


def last_of_groups(runs: Iterable[Run], size: int, last: int, groups: int) -> list[Run]:
    """Of the first so many groups of `size` pieces, the `last` of each."""
    found: list[Run] = []
    at, chosen, end = 0, 0, groups * size
    for price, place, number in runs:
        at = min(at + number, end)
        whole, rest = divmod(at, size)
        before, chosen = chosen, whole * last + max(0, rest - (size - last))
        if chosen > before:
            found.append((price, place, chosen - before))
    return found
