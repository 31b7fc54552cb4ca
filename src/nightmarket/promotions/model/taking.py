"""What the offers beyond plain percentages, amounts and deliveries take off: one function an effect.

Each returns what it takes off every place of the meeting, and for effects on pieces the pieces that it chose.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from nightmarket.kernel.money import BASIS_POINTS, Rounding, allocate, share_of

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
from .pieces import Pieces, Run, between, count, first, last_of_groups, without, worth
from .resolving import NO_LIMIT, Plan, ResolvedStep


class Taken(NamedTuple):
    """Amounts by place of the meeting, and of effects on pieces the pieces chosen."""

    amounts: list[int]
    chosen: list[Run]


def take(plan: Plan, meeting: Meeting, left: Sequence[int], lines: Sequence[PriceLine], pieces: Pieces) -> Taken:
    """What the planned offer takes, before its cap."""
    effect, rule, places = plan.effect, meeting.rule, meeting.places
    match effect:
        case PercentOff() | AmountOff():
            return _of_each_line(effect, meeting, pieces)
        case FixedPrice():
            return _fixed(effect, meeting, pieces)
        case NthPiece():
            return _nth(effect, meeting, pieces)
        case BuyGet():
            return _buy_get(effect, meeting, pieces)
        case Bundle():
            return _bundle(effect, meeting, pieces)
        case Gift():
            bought = sum(lines[place].quantity for place in meeting.others[0])
            chosen = first(pieces.dearest_first(places), gifts_due(effect, bought))
            return _percent(chosen, places, BASIS_POINTS, Rounding.DOWN)
        case EveryOff():
            return Taken(_every(effect, plan, meeting, left, lines), [])
        case Tiers():
            return Taken(_tiers(plan, meeting, left, lines), [])
        case FreeShipping():
            weights = [share_of(left[place], effect.basis_points, rule.rounding) for place in places]
            if effect.together and rule.value != NO_LIMIT:
                return Taken(allocate(min(rule.value, sum(weights)), weights), [])
            most = rule.value
            return Taken(weights if most == NO_LIMIT else [min(most, weight) for weight in weights], [])


def gifts_due(effect: Gift, bought: int) -> int:
    """Pieces that are free for so many qualifying pieces."""
    sets = bought // effect.buy if effect.buy else 1
    return effect.units * (sets if effect.times is None else min(sets, effect.times))


def reached_step(steps: Sequence[ResolvedStep], units: int, amount: int) -> ResolvedStep | None:
    """The highest step that so many units and so much money reach."""
    reached = [step for step in steps if units >= step.units and amount >= step.amount]
    return reached[-1] if reached else None


def _by_place(chosen: Sequence[Run], places: Sequence[int], amount: Callable[[list[Run]], int]) -> list[int]:
    """The amount of each place's chosen pieces."""
    mine: dict[int, list[Run]] = {}
    for run in chosen:
        mine.setdefault(run.place, []).append(run)
    return [amount(mine[place]) if place in mine else 0 for place in places]


def _percent(chosen: list[Run], places: Sequence[int], basis_points: int, rounding: Rounding) -> Taken:
    """Basis points off the chosen pieces, rounded once per line."""
    return Taken(_by_place(chosen, places, lambda runs: share_of(worth(runs), basis_points, rounding)), chosen)


def _shared(chosen: list[Run], places: Sequence[int], total: int) -> Taken:
    """One amount off the chosen pieces, shared by what they cost."""
    return Taken(allocate(total, _by_place(chosen, places, worth)), chosen)


def _of_each_line(effect: PercentOff | AmountOff, meeting: Meeting, pieces: Pieces) -> Taken:
    rule = meeting.rule
    chosen: list[Run] = []
    for place in meeting.places:
        runs = pieces.dearest_first((place,))
        chosen += runs if effect.pieces is None else first(runs, effect.pieces)
    match effect:
        case PercentOff():
            return _percent(chosen, meeting.places, rule.value, rule.rounding)
        case AmountOff(each=Each.PIECE):
            off = _by_place(
                chosen, meeting.places, lambda runs: sum(min(rule.value, run.price) * run.number for run in runs)
            )
            return Taken(off, chosen)
        case AmountOff():
            return Taken(_by_place(chosen, meeting.places, lambda runs: min(rule.value, worth(runs))), chosen)


def _fixed(effect: FixedPrice, meeting: Meeting, pieces: Pieces) -> Taken:
    runs, price, size = pieces.dearest_first(meeting.places), meeting.rule.value, effect.pieces
    sets = count(runs) // size
    if effect.times is not None:
        sets = min(sets, effect.times)
    if size == 1:
        chosen = [run for run in first(runs, sets) if run.price > price]
        return Taken(
            _by_place(chosen, meeting.places, lambda mine: sum((run.price - price) * run.number for run in mine)),
            chosen,
        )
    worthwhile = _most(sets, lambda number: worth(between(runs, (number - 1) * size, number * size)) > price)
    chosen = first(runs, worthwhile * size)
    return _shared(chosen, meeting.places, worth(chosen) - worthwhile * price)


def _nth(effect: NthPiece, meeting: Meeting, pieces: Pieces) -> Taken:
    runs = pieces.dearest_first(meeting.places)
    groups = count(runs) // effect.every
    if effect.times is not None:
        groups = min(groups, effect.times)
    match effect.which:
        case Which.GROUPS:
            chosen = last_of_groups(runs, effect.every, effect.pieces, groups)
        case Which.CHEAPEST:
            chosen = between(runs, count(runs) - groups * effect.pieces, count(runs))
        case Which.DEAREST:
            chosen = first(runs, groups * effect.pieces)
    return _percent(chosen, meeting.places, meeting.rule.value, meeting.rule.rounding)


def _buy_get(effect: BuyGet, meeting: Meeting, pieces: Pieces) -> Taken:
    buyable, gettable = (pieces.dearest_first(part) for part in meeting.others)
    everything = pieces.dearest_first(meeting.places)
    sets = min(
        count(buyable) // effect.buy,
        count(gettable) // effect.get,
        count(everything) // (effect.buy + effect.get),
    )
    if effect.times is not None:
        sets = min(sets, effect.times)
    only = without(buyable, gettable)  # what cannot be got is bought first, so that enough is left to get
    bought = first(only, sets * effect.buy)
    bought += first(without(buyable, only), sets * effect.buy - count(bought))
    left = without(gettable, bought)
    wanted = sets * effect.get
    chosen = first(left, wanted)
    if effect.which is not Which.DEAREST:
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

    bound = min(count(runs) // part.units for runs, part in zip(parts, effect.parts, strict=True))
    if effect.times is not None:
        bound = min(bound, effect.times)
    possible = _most(bound, lambda sets: pick(sets) is not None)

    def gain(sets: int) -> int:
        return worth(pick(sets) or ()) - sets * price

    sets = _most(possible, lambda number: gain(number) > gain(number - 1))
    chosen = pick(sets) or []
    return _shared(chosen, meeting.places, worth(chosen) - sets * price)


def _every(
    effect: EveryOff, plan: Plan, meeting: Meeting, left: Sequence[int], lines: Sequence[PriceLine]
) -> list[int]:
    places, minus = meeting.places, meeting.rule.value
    groups: dict[int, list[int]] = {}
    for number, place in enumerate(places):
        groups.setdefault(lines[place].merchant.int if effect.per_merchant else 0, []).append(number)
    amounts = [0] * len(places)
    for numbers in groups.values():
        weights = [left[places[number]] for number in numbers]
        times = sum(weights) // plan.every
        if effect.times is not None:
            times = min(times, effect.times)
        for number, amount in zip(numbers, allocate(min(times * minus, sum(weights)), weights), strict=True):
            amounts[number] = amount
    return amounts


def _tiers(plan: Plan, meeting: Meeting, left: Sequence[int], lines: Sequence[PriceLine]) -> list[int]:
    weights = [left[place] for place in meeting.places]
    step = reached_step(plan.steps, sum(lines[place].quantity for place in meeting.places), sum(weights))
    if step is None:
        return [0] * len(weights)
    if step.basis_points:
        return [share_of(weight, step.basis_points, meeting.rule.rounding) for weight in weights]
    return allocate(min(step.minus, sum(weights)), weights)


def _most(bound: int, holds: Callable[[int], bool]) -> int:
    """The largest number up to the bound for which it holds, as it does for all below; 0 where for none."""
    low, high = 0, bound
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low
