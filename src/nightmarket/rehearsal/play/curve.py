"""The day of 11.11 as a curve: a tenth of its orders at once after midnight, then the day, then waves in the evening.

Orders per second of 11 November are not published; the shape follows what is: the highest second within the first
minute, a tenth of the day's orders in its first five minutes, and evening hours busier than noon. Those five minutes
take a twentieth of the played day instead of a three-hundredth, else they would be over before a machine has warmed up.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

import msgspec

from nightmarket.rehearsal.records import Phase

RUSH_SHARE = 0.10
"""Of the day's orders that come in its first five minutes."""
RUSH_ENDS = 0.05
"""Where those five minutes end in the played day, whose length is 1."""
EVENING_BEGINS = 0.70
CARTS_LAST = 0.15
"""The share of the whole play in which the carts of the week before are filled."""

_RUSH = ((0.0, 0.45), (0.004, 1.0), (0.012, 0.95), (0.05, 0.45))
_REST = (
    (0.05, 1.2),
    (0.12, 0.6),
    (0.30, 0.45),
    (0.48, 0.85),
    (0.58, 0.65),
    (0.70, 0.9),
    (0.76, 1.45),
    (0.81, 0.95),
    (0.87, 1.55),
    (0.92, 1.0),
    (0.96, 1.65),
    (1.0, 0.6),
)
"""Heights relative to each other at places of the day; straight lines between them."""

Knot = tuple[float, float]


def _area(knots: Sequence[Knot]) -> float:
    return sum((right - left) * (low + high) / 2 for (left, low), (right, high) in pairwise(knots))


def _scaled(knots: Sequence[Knot], share: float) -> list[Knot]:
    return [(place, height * share / _area(knots)) for place, height in knots]


_KNOTS = [*_scaled(_RUSH, RUSH_SHARE), *_scaled(_REST, 1 - RUSH_SHARE)]
HIGHEST = max(height for _, height in _KNOTS)
"""The highest rate, where 1 is the day's mean."""
_PLACES = [place for place, _ in _KNOTS]
_SUMS = [0.0, *accumulate((right - left) * (low + high) / 2 for (left, low), (right, high) in pairwise(_KNOTS))]


def share_until(place: float) -> float:
    """Which share of the day's orders has come until a place of the day (0 to 1)."""
    if place <= 0:
        return 0.0
    if place >= 1:
        return 1.0
    index = bisect_right(_PLACES, place) - 1
    (left, low), (right, high) = _KNOTS[index], _KNOTS[index + 1]
    width = place - left
    at = low + (high - low) * width / (right - left)
    return min(1.0, _SUMS[index] + width * (low + at) / 2)


class Timing(msgspec.Struct, frozen=True):
    """How long a play takes: `carts_seconds` before midnight, `day_seconds` after it."""

    carts_seconds: float
    day_seconds: float

    @staticmethod
    def of(minutes: float) -> "Timing":
        seconds = minutes * 60
        return Timing(seconds * CARTS_LAST, seconds * (1 - CARTS_LAST))

    def phase(self, t: float) -> Phase:
        """The phase of a second; `t` counts from midnight."""
        place = t / self.day_seconds
        if place < 0:
            return Phase.CARTS
        if place < RUSH_ENDS:
            return Phase.RUSH
        if place < EVENING_BEGINS:
            return Phase.DAY
        return Phase.EVENING if place < 1 else Phase.AFTER

    def orders(self, peak: float) -> int:
        """How many orders a day has whose highest second asks for `peak`; at least one."""
        return max(1, round(peak * self.day_seconds / HIGHEST))


def orders_by_second(orders: int, day_seconds: float) -> list[int]:
    """How many orders begin in each second of the day; they sum up to `orders` exactly."""
    seconds = max(1, -(-int(day_seconds * 1000) // 1000))
    until = [round(orders * share_until(second / day_seconds)) for second in range(seconds)]
    return [later - earlier for earlier, later in pairwise([*until, orders])]
