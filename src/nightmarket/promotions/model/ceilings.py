"""The most that an offer could take off a cart, whatever other offers do before it: what a search need not try to beat.

A ceiling may be too high, never too low. What most effects take only falls when the prices before them do, so their
ceiling is what they take at list prices. Those that can take more when some piece already costs nothing, because it is
not counted any more, get a simple bound instead.
"""

from collections.abc import Sequence

from nightmarket.kernel.money import BASIS_POINTS

from .applying import Till
from .carts import PriceLine
from .effects import Bundle, BuyGet, EveryOff, NthPiece, Tiers
from .meeting import Meeting
from .pieces import Pieces, Run, count, first, worth
from .resolving import NO_LIMIT, Plan, Stage
from .taking import bundles_at_most, most, of_pieces, of_rest, reached_steps, sets_of


def ceiling(meeting: Meeting, start: Till) -> int:
    """The most that it takes; `start` are the list prices."""
    rule = meeting.rule
    amounts = start.shipping if rule.delivers else start.lines
    if rule.plan is not None:
        found = _planned(rule.plan, meeting, amounts, start.cart)
    else:
        weights = [amounts[place] for place in meeting.places]
        if rule.stage == Stage.PERCENT:
            found = sum(weights) * rule.value // BASIS_POINTS + len(weights)
        elif rule.stage == Stage.AMOUNT:
            found = min(rule.value, sum(weights))
        else:
            found = sum(weights) if rule.value == NO_LIMIT else sum([min(rule.value, one) for one in weights])
    return found if rule.cap == NO_LIMIT else min(found, rule.cap)


def _planned(plan: Plan, meeting: Meeting, amounts: Sequence[int], lines: Sequence[PriceLine]) -> int:
    effect, places = plan.effect, meeting.places
    if isinstance(effect, EveryOff):
        whole = sum([amounts[place] for place in places])
        times = whole // plan.every
        if effect.times is not None and not effect.per_merchant:
            times = min(times, effect.times)
        return min(whole, times * meeting.rule.value)
    if isinstance(effect, Tiers):
        return _tiers(plan, meeting, amounts, lines)
    pieces = Pieces(lines)
    if isinstance(effect, NthPiece):
        runs = pieces.dearest_first(places)
        groups = count(runs) // effect.every
        groups = groups if effect.times is None else min(groups, effect.times)
        return _percent(first(runs, groups * effect.pieces), meeting)
    if isinstance(effect, BuyGet):
        buyable, gettable = (pieces.dearest_first(part) for part in meeting.others)
        sets = sets_of(effect, buyable, gettable, pieces.dearest_first(places))
        return _percent(first(gettable, sets * effect.get), meeting)
    if isinstance(effect, Bundle):
        return _bundle(effect, meeting, pieces)
    if not meeting.rule.by_pieces:
        return sum(of_rest(plan, meeting, amounts, lines))
    return sum(of_pieces(plan, meeting, lines, pieces)[0])


def _percent(dearest: list[Run], meeting: Meeting) -> int:
    """Of so many of the dearest pieces, each line rounded up at most."""
    return worth(dearest) * meeting.rule.value // BASIS_POINTS + len(meeting.places)


def _tiers(plan: Plan, meeting: Meeting, amounts: Sequence[int], lines: Sequence[PriceLine]) -> int:
    """The best of all steps that could be reached, for a lower one may take off more."""
    whole = sum([amounts[place] for place in meeting.places])
    reached = reached_steps(plan.steps, sum([lines[place].quantity for place in meeting.places]), whole)
    return max(
        (
            whole * step.basis_points // BASIS_POINTS + len(meeting.places)
            if step.basis_points
            else min(step.minus, whole)
            for step in reached
        ),
        default=0,
    )


def _bundle(effect: Bundle, meeting: Meeting, pieces: Pieces) -> int:
    """As if each part had the dearest of its pieces to itself."""
    parts = [pieces.dearest_first(part) for part in meeting.others]

    def gain(sets: int) -> int:
        dearest = (worth(first(runs, sets * part.units)) for runs, part in zip(parts, effect.parts, strict=True))
        return sum(dearest) - sets * meeting.rule.value

    return gain(most(bundles_at_most(effect, parts), lambda sets: gain(sets) > gain(sets - 1)))
