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

import msgspec

from nightmarket.kernel.money import allocate, shares_of

from .carts import PriceLine
from .meeting import Meeting
from .pieces import Pieces
from .resolving import NO_LIMIT, Stage
from .taking import of_pieces, of_rest

_PERCENT, _AMOUNT = Stage.PERCENT, Stage.AMOUNT


class Take(msgspec.Struct, gc=False, frozen=True):
    """What an applied offer takes off each of its places, and in all."""

    meeting: Meeting
    amounts: list[int]
    amount: int


class Outcome(msgspec.Struct, gc=False, frozen=True):
    """What a choice of offers comes to: all that they take off, and each one's part in order of application."""

    amount: int
    takes: list[Take]


def rank(meeting: Meeting) -> tuple[int, int, bool, int]:
    """Sorts meetings into the order of application."""
    rule = meeting.rule
    return rule.turn or (rule.stage, len(meeting.places), rule.tie[0], rule.number)


class Till:
    """What is left of lines and deliveries, and of the pieces, while offers are applied one after another. It works on
    the lists that it is given; a `fork` has its own."""

    __slots__ = ("_pieces", "cart", "lines", "shipping")

    def __init__(
        self, lines: list[int], shipping: list[int], cart: Sequence[PriceLine], pieces: Pieces | None = None
    ) -> None:
        self.lines = lines
        self.shipping = shipping
        self.cart = cart
        self._pieces = pieces

    def fork(self) -> "Till":
        """The same state, which goes its own way from here on."""
        pieces = self._pieces
        return Till(self.lines.copy(), self.shipping.copy(), self.cart, pieces.fork() if pieces is not None else None)

    def state(self, *, pieces: bool) -> tuple[object, ...]:
        """What decides what later offers take; with or without the prices of single pieces."""
        priced = None if self._pieces is None or not pieces else self._pieces.state()
        return (*self.lines, *self.shipping, priced)

    def take(self, meeting: Meeting) -> Take | None:
        """Let the offer take what it takes, None where that is nothing."""
        rule, places = meeting.rule, meeting.places
        plan, cap = rule.plan, rule.cap
        left = self.shipping if rule.delivers else self.lines
        pieces, chosen = None, None
        if plan is None:
            amounts = _amounts(meeting, left)
        elif rule.by_pieces:
            pieces = self._pieces
            if pieces is None:
                pieces = self._pieces = Pieces(self.cart)
            amounts, chosen = of_pieces(plan, meeting, self.cart, pieces)
        else:
            amounts = of_rest(plan, meeting, left, self.cart)
        amount = sum(amounts)
        if amount > cap != NO_LIMIT:
            amount, amounts = cap, allocate(cap, amounts)
        if not amount:
            return None
        if pieces is not None and chosen:
            pieces.reduce(chosen, places, amounts)
        for number, place in enumerate(places):
            left[place] -= amounts[number]
        return Take(meeting, amounts, amount)


def apply(meetings: Sequence[Meeting], till: Till) -> Outcome:
    """Apply the offers one after another, as they stand in the sequence."""
    total = 0
    takes: list[Take] = []
    for meeting in meetings:
        taken = till.take(meeting)
        if taken is not None:
            total += taken.amount
            takes.append(taken)
    return Outcome(total, takes)


def last_of_pieces(meetings: Sequence[Meeting]) -> int:
    """The place of the last offer that asks for pieces, 0 where none does; they stand before all others."""
    last = 0
    for place, meeting in enumerate(meetings):
        if not meeting.rule.by_pieces:
            break
        last = place
    return last


def _amounts(meeting: Meeting, left: list[int]) -> list[int]:
    rule = meeting.rule
    stage, value = rule.stage, rule.value
    weights = [left[place] for place in meeting.places]
    if stage == _PERCENT:
        return shares_of(weights, value, rule.rounding)
    if stage == _AMOUNT:
        return allocate(min(value, sum(weights)), weights)
    return weights if value == NO_LIMIT else [min(value, weight) for weight in weights]
