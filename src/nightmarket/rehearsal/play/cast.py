"""Who comes when: each shopper with a number, an instant and a part to play. The same seed gives the same cast."""

import random
from bisect import bisect_right
from collections.abc import Iterator
from enum import StrEnum
from itertools import accumulate

import msgspec

from .curve import RUSH_ENDS, Timing, orders_by_second

EARLY_CARTS = 0.4
"""Of those who order in the first five minutes, how many have filled their cart in the week before."""


class Part(StrEnum):
    """What a shopper does. All but the last three mean to order."""

    BUYER = "buyer"
    EARLY = "early"
    """Fills a cart in the week before and comes back for it when the day begins."""
    DECLINED = "declined"
    """Whose card is declined; half of them try another one."""
    LATE = "late"
    """Whose provider answers only after a while."""
    TRANSFER = "transfer"
    """Pays by bank transfer: most of them later, some never."""
    CANCELLER = "canceller"
    """Orders, and takes it back."""
    LOOKER = "looker"
    """Browses and searches, buys nothing."""
    ABANDONER = "abandoner"
    """Fills a cart and leaves it."""
    BOT = "bot"
    """Hammers the hottest article: the same click again and again, with the same and with other keys."""


ORDERING = ((Part.BUYER, 0.80), (Part.DECLINED, 0.06), (Part.LATE, 0.05), (Part.TRANSFER, 0.05), (Part.CANCELLER, 0.04))
LOOKERS_PER_ORDER = 0.6
ABANDONERS_PER_ORDER = 0.3
BOTS_PER_ORDER = 0.1
BOTS_IN_RUSH = 0.3
"""Bots for each order of the first five minutes: they come when there is something to get."""

_COMPANY = ((Part.LOOKER, LOOKERS_PER_ORDER), (Part.ABANDONER, ABANDONERS_PER_ORDER))
_LOOKING = frozenset(part for part, _ in _COMPANY)


class Arrival(msgspec.Struct, frozen=True):
    """One visit: when it begins (seconds from midnight), who comes and why. An early shopper arrives twice."""

    at: float
    number: int
    part: Part
    filling: bool = False
    """The first of an early shopper's two visits: the cart is filled, and nothing is ordered yet."""


def chance_of(seed: int, number: int, what: str = "") -> random.Random:
    """All that one shopper leaves to chance, which no other shopper's doings change."""
    return random.Random(f"{seed}:{number}:{what}")  # noqa: S311 (a play, no secrets)


def cast(seed: int, orders: int, timing: Timing, looks: float = 1.0) -> Iterator[Arrival]:
    """All visits, of each who means to order first; `in_time` puts them in order. `looks` is the share of those who
    only look, or leave a full cart, that come."""
    counts = list(accumulate(orders_by_second(orders, timing.day_seconds)))
    for index in range(orders):
        second = bisect_right(counts, index)
        for one in _visits(seed, index, second, timing):
            if one.part not in _LOOKING or looks >= 1 or chance_of(seed, one.number, "looks").random() < looks:
                yield one


def in_time(seed: int, orders: int, timing: Timing, looks: float = 1.0) -> list[Arrival]:
    """All visits by the instant at which they begin."""
    return sorted(cast(seed, orders, timing, looks), key=lambda one: (one.at, one.number))


def _visits(seed: int, index: int, second: int, timing: Timing) -> Iterator[Arrival]:
    chance = chance_of(seed, index)
    at = min(second + chance.random(), timing.day_seconds)
    rush = at < RUSH_ENDS * timing.day_seconds
    number = index * 4
    part = chance.choices([part for part, _ in ORDERING], [weight for _, weight in ORDERING])[0]
    if part is Part.BUYER and rush and chance.random() < EARLY_CARTS:
        part = Part.EARLY
        yield Arrival(-timing.carts_seconds * chance.uniform(0.08, 1.0), number, part, filling=True)
    yield Arrival(at, number, part)
    for offset, (company, each) in enumerate(_COMPANY, 1):
        if chance.random() < each:
            yield Arrival(min(at + chance.random() * 2, timing.day_seconds), number + offset, company)
    if chance.random() < (BOTS_IN_RUSH if rush else BOTS_PER_ORDER):
        yield Arrival(at, number + 3, Part.BOT)
