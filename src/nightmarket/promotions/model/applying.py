"""The published order of application: percentages, then amounts, then shipping.

1. Percentages, merchants' own before the operator's, then by id; each of what the ones before left of the line,
   rounded once per line.
2. Amounts, from the one with the fewest qualifying lines to the one with the most, then as above; each shared over
   what is left of its lines by largest remainder.
3. Shipping, merchants' own before the operator's, then by id; each of what is left of a delivery.

Every step takes less, never more, when less is left. Narrow amounts first means: where two amounts never overlap
in part, nothing that an amount could take off is lost to one that had other lines to choose from.
"""

from collections.abc import Sequence
from typing import NamedTuple

from nightmarket.kernel.money import allocate, share_of

from .compiled import NO_LIMIT, Stage
from .meeting import Meeting


class Take(NamedTuple):
    """What an applied offer takes off each of its places, and in all."""

    meeting: Meeting
    amounts: list[int]
    amount: int


class Outcome(NamedTuple):
    """What a choice of offers comes to: all that they take off, and each one's part in order of application."""

    amount: int
    takes: list[Take]


def rank(meeting: Meeting) -> tuple[int, int, bool, int]:
    """Sorts meetings into the order of application."""
    rule = meeting.rule
    return (rule.stage, len(meeting.places) if rule.stage == Stage.AMOUNT else 0, *rule.tie)


def apply(meetings: Sequence[Meeting], line_amounts: Sequence[int], shipping_amounts: Sequence[int]) -> Outcome:
    """Apply the offers one after another, as they stand in the sequence."""
    lines, shipping = list(line_amounts), list(shipping_amounts)
    total = 0
    takes: list[Take] = []
    for meeting in meetings:
        left = shipping if meeting.rule.stage is Stage.SHIPPING else lines
        amounts = _amounts(meeting, left)
        amount = sum(amounts)
        if not amount:
            continue
        for place, taken in zip(meeting.places, amounts, strict=True):
            left[place] -= taken
        total += amount
        takes.append(Take(meeting, amounts, amount))
    return Outcome(total, takes)


def _amounts(meeting: Meeting, left: list[int]) -> list[int]:
    rule, places = meeting
    if rule.stage is Stage.PERCENT:
        return [share_of(left[place], rule.value, rule.rounding) for place in places]
    weights = [left[place] for place in places]
    if rule.stage is Stage.AMOUNT:
        return allocate(min(rule.value, sum(weights)), weights)
    return weights if rule.value == NO_LIMIT else [min(rule.value, weight) for weight in weights]
