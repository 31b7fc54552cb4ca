"""The published order of application: prices, pieces, percentages, amounts, deliveries.

1. Prices: what pieces, sets of pieces and bundles cost, from the list price down.
2. Pieces: nth pieces, what comes with what is bought, gifts, and what is off single pieces or lines.
3. Percentages of what is left of each line, rounded once per line.
4. Amounts, from the one with the fewest qualifying lines to the one with the most: plain ones, every X minus Y, and
   tiers; each shared over what is left of its lines by largest remainder.
5. Deliveries, of what is left of each.

Within a step merchants' own stand before the operator's, then they go by id. Of plain percentages, amounts and
deliveries every step takes less, never more, when less is left. Narrow amounts first means: where two amounts never
overlap in part, nothing that an amount could take off is lost to one that had other lines to choose from.
"""

from collections.abc import Sequence
from typing import NamedTuple

from nightmarket.kernel.money import allocate, share_of

from .carts import PriceLine
from .meeting import Meeting
from .pieces import Pieces, Run
from .resolving import NO_LIMIT, Stage
from .taking import take


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


def apply(
    meetings: Sequence[Meeting], line_amounts: Sequence[int], shipping_amounts: Sequence[int], cart: Sequence[PriceLine]
) -> Outcome:
    """Apply the offers one after another, as they stand in the sequence."""
    lines, shipping = list(line_amounts), list(shipping_amounts)
    pieces: Pieces | None = None
    total = 0
    takes: list[Take] = []
    for meeting in meetings:
        rule = meeting.rule
        left = shipping if rule.stage is Stage.SHIPPING else lines
        if rule.steady:
            amounts = _amounts(meeting, left)
        else:
            pieces = pieces or Pieces(cart)
            amounts = _planned(meeting, left, cart, pieces)
        amount = sum(amounts)
        if not amount:
            continue
        for place, taken in zip(meeting.places, amounts, strict=True):
            left[place] -= taken
        total += amount
        takes.append(Take(meeting, amounts, amount))
    return Outcome(total, takes)


def _planned(meeting: Meeting, left: list[int], cart: Sequence[PriceLine], pieces: Pieces) -> list[int]:
    """What an offer with a plan or a cap takes; pieces that it makes cheaper are noted."""
    rule = meeting.rule
    chosen: list[Run] = []
    if rule.plan is None:
        amounts = _amounts(meeting, left)
    else:
        amounts, chosen = take(rule.plan, meeting, left, cart, pieces)
    if rule.cap != NO_LIMIT and sum(amounts) > rule.cap:
        amounts = allocate(rule.cap, amounts)
    if chosen:
        for place, amount in zip(meeting.places, amounts, strict=True):
            if amount:
                pieces.reduce([run for run in chosen if run.place == place], amount)
    return amounts


def _amounts(meeting: Meeting, left: list[int]) -> list[int]:
    rule, places = meeting.rule, meeting.places
    if rule.stage is Stage.PERCENT:
        return [share_of(left[place], rule.value, rule.rounding) for place in places]
    weights = [left[place] for place in places]
    if rule.stage is Stage.AMOUNT:
        return allocate(min(rule.value, sum(weights)), weights)
    return weights if rule.value == NO_LIMIT else [min(rule.value, weight) for weight in weights]
