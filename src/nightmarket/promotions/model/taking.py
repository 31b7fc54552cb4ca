"""What the offers beyond plain percentages, amounts and deliveries take off: one function an effect.

Each returns what it takes off every place of the meeting, and for effects on pieces the pieces that it chose.
"""

from collections.abc import Callable, Sequence

from nightmarket.kernel.money import BASIS_POINTS, Rounding, allocate, shares_of

from .carts import PriceLine
from .effects import (
    AmountOff,
    Bundle,
    BuyGet,
    Each,
    EveryOff,
    FixedPrice,
    FreeShipping,
    Gift,
    NthPiece,
    PercentOff,
    Tiers,
    Which,
)
from .meeting import Meeting
from .pieces import Pieces, Run, between, count, first, last_of_groups, without, worth, worths
from .resolving import NO_LIMIT, Plan, ResolvedStep

_GROUPS, _CHEAPEST, _DEAREST = Which.GROUPS, Which.CHEAPEST, Which.DEAREST
"""To find a member in its enumeration takes as long as to sort the pieces of a small cart."""

Taken = tuple[list[int], list[Run]]
"""Amounts by place of the meeting, and of effects on pieces the pieces chosen."""


def of_rest(plan: Plan, meeting: Meeting, left: Sequence[int], lines: Sequence[PriceLine]) -> list[int]:
    """What a planned offer takes of what is left of lines or deliveries, before its cap."""
    effect = plan.effect
    if isinstance(effect, EveryOff):
        return _every(effect, plan, meeting, left, lines)
    if isinstance(effect, Tiers):
        return _tiers(plan, meeting, left, lines)
    if isinstance(effect, FreeShipping):
        return _delivery(effect, meeting, left)
    raise TypeError(effect)


def of_pieces(plan: Plan, meeting: Meeting, lines: Sequence[PriceLine], pieces: Pieces) -> Taken:
    """What a planned offer takes of single pieces, before its cap, and which."""
    effect, places = plan.effect, meeting.places
    if isinstance(effect, NthPiece):
        return _nth(effect, meeting, pieces)
    if isinstance(effect, FixedPrice):
        return _fixed(effect, meeting, pieces)
    if isinstance(effect, BuyGet):
        return _buy_get(effect, meeting, pieces)
    if isinstance(effect, Bundle):
        return _bundle(effect, meeting, pieces)
    if isinstance(effect, Gift):
        bought = sum(lines[place].quantity for place in meeting.others[0])
        chosen = first(pieces.dearest_first(places), gifts_due(effect, bought))
        return _percent(chosen, places, BASIS_POINTS, Rounding.DOWN)
    if isinstance(effect, PercentOff | AmountOff):
        return _of_each_line(effect, meeting, pieces)
    raise TypeError(effect)


def gifts_due(effect: Gift, bought: int) -> int:
    """Pieces that are free for so many qualifying pieces."""
    sets = bought // effect.buy if effect.buy else 1
    return effect.units * (sets if effect.times is None else min(sets, effect.times))


def reached_steps(steps: Sequence[ResolvedStep], units: int, amount: int) -> list[ResolvedStep]:
    """The steps that so many units and so much money reach; the last of them counts."""
    return [step for step in steps if units >= step.units and amount >= step.amount]


def _percent(chosen: list[Run], places: Sequence[int], basis_points: int, rounding: Rounding) -> Taken:
    """Basis points off the chosen pieces, rounded once per line."""
    return shares_of(worths(chosen, places), basis_points, rounding), chosen


def _shared(chosen: list[Run], places: Sequence[int], total: int) -> Taken:
    """One amount off the chosen pieces, shared by what they cost."""
    return allocate(total, worths(chosen, places)), chosen


def _of_each_line(effect: PercentOff | AmountOff, meeting: Meeting, pieces: Pieces) -> Taken:
    rule, places = meeting.rule, meeting.places
    chosen: list[Run] = []
    for place in places:
        runs = pieces.dearest_first((place,))
        chosen += runs if effect.pieces is None else first(runs, effect.pieces)
    if isinstance(effect, PercentOff):
        return _percent(chosen, places, rule.value, rule.rounding)
    if effect.each is Each.PIECE:
        off = [(min(rule.value, price), place, number) for price, place, number in chosen]
        return worths(off, places), chosen
    return [min(rule.value, amount) for amount in worths(chosen, places)], chosen


def _fixed(effect: FixedPrice, meeting: Meeting, pieces: Pieces) -> Taken:
    runs, fixed, size = pieces.dearest_first(meeting.places), meeting.rule.value, effect.pieces
    sets = count(runs) // size
    if effect.times is not None:
        sets = min(sets, effect.times)
    if size == 1:
        chosen = [run for run in first(runs, sets) if run[0] > fixed]
        off = [(price - fixed, place, number) for price, place, number in chosen]
        return worths(off, meeting.places), chosen
    worthwhile = most(sets, lambda number: worth(between(runs, (number - 1) * size, number * size)) > fixed)
    chosen = first(runs, worthwhile * size)
    return _shared(chosen, meeting.places, worth(chosen) - worthwhile * fixed)


def _nth(effect: NthPiece, meeting: Meeting, pieces: Pieces) -> Taken:
    runs = pieces.dearest_first(meeting.places)
    number = count(runs)
    groups = number // effect.every
    if effect.times is not None:
        groups = min(groups, effect.times)
    if effect.which is _GROUPS:
        chosen = last_of_groups(runs, effect.every, effect.pieces, groups)
    elif effect.which is _CHEAPEST:
        chosen = between(runs, number - groups * effect.pieces, number)
    else:
        chosen = first(runs, groups * effect.pieces)
    return _percent(chosen, meeting.places, meeting.rule.value, meeting.rule.rounding)


def sets_of(effect: BuyGet, buyable: list[Run], gettable: list[Run], everything: list[Run]) -> int:
    """Whole sets that these pieces make: bought ones, got ones, and both together."""
    sets = min(
        count(buyable) // effect.buy,
        count(gettable) // effect.get,
        count(everything) // (effect.buy + effect.get),
    )
    return sets if effect.times is None else min(sets, effect.times)


def _buy_get(effect: BuyGet, meeting: Meeting, pieces: Pieces) -> Taken:
    buyable, gettable = (pieces.dearest_first(part) for part in meeting.others)
    sets = sets_of(effect, buyable, gettable, pieces.dearest_first(meeting.places))
    if not sets:
        return [0] * len(meeting.places), []
    only = without(buyable, gettable)  # what cannot be got is bought first, so that enough is left to get
    bought = first(only, sets * effect.buy)
    bought += first(without(buyable, only), sets * effect.buy - count(bought))
    left = without(gettable, bought)
    wanted = sets * effect.get
    chosen = first(left, wanted)
    if effect.which is not _DEAREST:
        chosen = between(left, count(left) - wanted, count(left))
    return _percent(chosen, meeting.places, meeting.rule.value, meeting.rule.rounding)


def _bundle(effect: Bundle, meeting: Meeting, pieces: Pieces) -> Taken:
    parts = [pieces.dearest_first(part) for part in meeting.others]
    price = meeting.rule.value

    def pick(sets: int) -> list[Run] | None:
        """So many sets, each part the dearest of what the parts before it left."""
        picked: list[Run] = []
        for runs, part in zip(parts, effect.parts, strict=True):
            mine = first(without(runs, picked), sets * part.units)
            if count(mine) < sets * part.units:
                return None
            picked += mine
        return picked

    bound = bundles_at_most(effect, parts)
    possible = most(bound, lambda sets: pick(sets) is not None)

    def gain(sets: int) -> int:
        return worth(pick(sets) or ()) - sets * price

    sets = most(possible, lambda number: gain(number) > gain(number - 1))
    chosen = pick(sets) or []
    return _shared(chosen, meeting.places, worth(chosen) - sets * price)


def bundles_at_most(effect: Bundle, parts: Sequence[list[Run]]) -> int:
    """Sets for which each part by itself has enough pieces."""
    bound = min(count(runs) // part.units for runs, part in zip(parts, effect.parts, strict=True))
    return bound if effect.times is None else min(bound, effect.times)


def _every(
    effect: EveryOff, plan: Plan, meeting: Meeting, left: Sequence[int], lines: Sequence[PriceLine]
) -> list[int]:
    places = meeting.places
    if not effect.per_merchant:
        return _every_of(effect, plan, meeting, [left[place] for place in places])
    groups: dict[int, list[int]] = {}
    for number, place in enumerate(places):
        groups.setdefault(lines[place].merchant.int, []).append(number)
    amounts = [0] * len(places)
    for numbers in groups.values():
        off = _every_of(effect, plan, meeting, [left[places[number]] for number in numbers])
        for number, amount in zip(numbers, off, strict=True):
            amounts[number] = amount
    return amounts


def _every_of(effect: EveryOff, plan: Plan, meeting: Meeting, weights: list[int]) -> list[int]:
    whole = sum(weights)
    times = whole // plan.every
    if effect.times is not None:
        times = min(times, effect.times)
    return allocate(min(times * meeting.rule.value, whole), weights) if times else [0] * len(weights)


def _tiers(plan: Plan, meeting: Meeting, left: Sequence[int], lines: Sequence[PriceLine]) -> list[int]:
    weights = [left[place] for place in meeting.places]
    whole = sum(weights)
    reached = reached_steps(plan.steps, sum([lines[place].quantity for place in meeting.places]), whole)
    if not reached:
        return [0] * len(weights)
    step = reached[-1]
    if step.basis_points:
        return shares_of(weights, step.basis_points, meeting.rule.rounding)
    return allocate(min(step.minus, whole), weights)


def _delivery(effect: FreeShipping, meeting: Meeting, left: Sequence[int]) -> list[int]:
    limit = meeting.rule.value
    weights = shares_of([left[place] for place in meeting.places], effect.basis_points, meeting.rule.rounding)
    if limit == NO_LIMIT:
        return weights
    if effect.together:
        return allocate(min(limit, sum(weights)), weights)
    return [min(limit, weight) for weight in weights]


def most(bound: int, holds: Callable[[int], bool]) -> int:
    """The largest number up to the bound for which it holds, as it does for all below; 0 where for none."""
    low, high = 0, bound
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low
