"""Which offers to apply where not all may: the set that takes the most off, and always the same one.

Offers that share no line, delivery, word or agreement decide nothing for one another, so each such circle is solved by
itself. In a circle, offers with the same word of exclusivity are alternatives; offers that may not be combined are
left out in turn; and where an offer could lose by another (amounts whose lines overlap in part can lose a minor unit to
rounding, pieces and thresholds much more), every offer but the compulsory ones may also be left out. Up to
MAX_COMBINATIONS combinations all are tried, and the answer is the best there is; beyond that it is the better of two
greedy ones, improved.
"""

from collections.abc import Callable, Sequence
from itertools import combinations, product
from math import prod
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from .applying import Outcome, apply, rank
from .carts import PriceCart
from .compiled import compile_book
from .meeting import Meeting
from .offers import OPERATOR, Book, Offer
from .resolving import Stage

MAX_COMBINATIONS = 512
"""Combinations of offers that one price tries in a circle; a real cart meets fewer than ten."""

IMPROVEMENTS = 2
"""Rounds in which the greedy answer tries every alternative of every choice once more."""

MAX_TRIALS = 4096
"""Combinations that the greedy answer looks at in all."""

FORBIDDEN = -1

Option = Meeting | None
Choices = list[tuple[Option, ...]]
Pairs = frozenset[frozenset[int]]
NO_PAIRS: Pairs = frozenset()


class _Cart(NamedTuple):
    """What a choice is applied to."""

    cart: PriceCart
    line_amounts: Sequence[int]
    shipping_amounts: Sequence[int]

    def apply(self, meetings: Sequence[Meeting]) -> Outcome:
        return apply(meetings, self.line_amounts, self.shipping_amounts, self.cart.lines)


def best(
    meetings: Sequence[Meeting],
    line_amounts: Sequence[int],
    shipping_amounts: Sequence[int],
    cart: PriceCart,
    book: Book,
) -> Outcome:
    """The offers that together take the most off; on a tie the ones with the lower ids, word by word."""
    if len(meetings) == 1:
        return apply(meetings, line_amounts, shipping_amounts, cart.lines)
    ordered = sorted(meetings, key=rank)
    bounds = compile_book(book)
    pairs = _pairs(ordered, bounds.pairs) if bounds.has_agreements else NO_PAIRS
    if not pairs and _all_apply(ordered):
        return apply(ordered, line_amounts, shipping_amounts, cart.lines)
    on = _Cart(cart, line_amounts, shipping_amounts)
    outcomes = [_best_of(circle, on, pairs) for circle in _circles(ordered, pairs)]
    if len(outcomes) == 1:
        return outcomes[0]
    takes = sorted((take for one in outcomes for take in one.takes), key=lambda take: rank(take.meeting))
    return Outcome(sum(one.amount for one in outcomes), takes)


def _all_apply(meetings: Sequence[Meeting]) -> bool:
    """Whether there is nothing to choose: none excludes another, and none can lose by another."""
    if any(meeting.rule.offer.exclusive is not None for meeting in meetings):
        return False
    return not _can_lose(meetings)


def _can_lose(meetings: Sequence[Meeting]) -> bool:
    """Whether an offer could be worth leaving out for the sake of the others."""
    if len(meetings) < 2:
        return False
    if all(meeting.rule.steady for meeting in meetings):
        return _overlap_in_part(meetings)
    return any(
        not (one.rule.steady and other.rule.steady) and _share_places(one, other)
        for one, other in combinations(meetings, 2)
    ) or _overlap_in_part([meeting for meeting in meetings if meeting.rule.steady])


def _share_places(one: Meeting, other: Meeting) -> bool:
    if (one.rule.stage is Stage.SHIPPING) is not (other.rule.stage is Stage.SHIPPING):
        return False
    return not set(one.places).isdisjoint(other.places)


def _overlap_in_part(meetings: Sequence[Meeting]) -> bool:
    """Whether two amounts share some lines while each has others of its own."""
    reaches = [set(meeting.places) for meeting in meetings if meeting.rule.stage is Stage.AMOUNT]
    return any(one & other and one - other and other - one for one, other in combinations(reaches, 2))


def _pairs(meetings: Sequence[Meeting], written: frozenset[frozenset[UUID]]) -> Pairs:
    """Numbers of the rules that may not both apply."""
    return frozenset(
        frozenset((one.rule.number, other.rule.number))
        for one, other in combinations(meetings, 2)
        if apart(one, other, written)
    )


def apart(one: Meeting, other: Meeting, written: frozenset[frozenset[UUID]]) -> bool:
    """Whether the two may not both apply: one names the other, or a funder does not combine on the same goods."""
    first, second = one.rule.offer, other.rule.offer
    if frozenset((first.id, second.id)) in written:
        return True
    return not (_agrees(first, second) and _agrees(second, first)) and _share_places(one, other)


def _agrees(offer: Offer, other: Offer) -> bool:
    """Whether the offer may be combined with those of the other's funders."""
    if offer.combines is None:
        return True
    funders = {one.funder or OPERATOR for one in other.funding} or {other.funder or OPERATOR}
    return funders <= offer.combines


def _circles(ordered: Sequence[Meeting], pairs: Pairs) -> list[list[Meeting]]:
    """The meetings in circles that decide nothing for one another, in order of application."""
    circle_of: dict[object, int] = {}
    circles: dict[int, list[int]] = {}
    for number, meeting in enumerate(ordered):
        delivery = meeting.rule.stage is Stage.SHIPPING
        ties: list[object] = [(delivery, place) for place in meeting.places]
        if meeting.rule.offer.exclusive is not None:
            ties.append(meeting.rule.offer.exclusive)
        ties.extend(pair for pair in pairs if meeting.rule.number in pair)
        joined = {circle_of[tie] for tie in ties if tie in circle_of}
        members = sorted([number, *(member for circle in joined for member in circles.pop(circle))])
        circles[members[0]] = members
        circle_of.update(dict.fromkeys(ties, members[0]))
        for tie, circle in circle_of.items():
            if circle in joined:
                circle_of[tie] = members[0]
    return [[ordered[number] for number in members] for members in circles.values()]


def _best_of(ordered: Sequence[Meeting], on: _Cart, pairs: Pairs) -> Outcome:
    """The best choice of one circle."""
    mine = frozenset(pair for pair in pairs if any(meeting.rule.number in pair for meeting in ordered))
    optional = _worth_leaving_out(ordered)
    certain, choices = _split(ordered, mine, optional)
    if not choices:
        return on.apply(ordered)

    def outcome(options: Sequence[Option]) -> Outcome:
        chosen = certain.union(meeting.rule.number for meeting in options if meeting is not None)
        if any(pair <= chosen for pair in mine):
            return Outcome(FORBIDDEN, [])
        return on.apply([meeting for meeting in ordered if meeting.rule.number in chosen])

    if prod(map(len, choices)) <= MAX_COMBINATIONS:
        return max(map(outcome, product(*choices)), key=attrgetter("amount"))

    def amount(options: Sequence[Option]) -> int:
        return outcome(options).amount

    found = [_improved_greedy(choices, [None] * len(choices), amount)]
    if optional or mine:
        found.append(_improved_greedy(choices, [options[0] for options in choices], amount))
    return max(map(outcome, found), key=attrgetter("amount"))


def _worth_leaving_out(ordered: Sequence[Meeting]) -> frozenset[int]:
    """Numbers of the rules whose absence could let later ones take more than they would take themselves.

    What plain percentages, amounts and deliveries leave only grows with what they are left, so only offers that stand
    before an unsteady one need a second thought, or all where amounts overlap in part.
    """
    if _overlap_in_part([meeting for meeting in ordered if meeting.rule.steady]):
        last = len(ordered)
    else:
        last = max((place for place, meeting in enumerate(ordered) if not meeting.rule.steady), default=0)
    return frozenset(meeting.rule.number for meeting in ordered[:last] if not meeting.rule.offer.compulsory)


def _split(ordered: Sequence[Meeting], pairs: Pairs, optional: frozenset[int]) -> tuple[set[int], Choices]:
    """Offers that apply in any case, and the choices to be made (by word, in each the lower id first)."""
    paired = {number for pair in pairs for number in pair}
    certain: set[int] = set()
    groups: dict[str, list[Meeting]] = {}
    choices: Choices = []
    for meeting in ordered:
        rule = meeting.rule
        if rule.offer.exclusive is not None:
            groups.setdefault(rule.offer.exclusive, []).append(meeting)
        elif rule.number in paired or rule.number in optional:
            choices.append((meeting, None))
        else:
            certain.add(rule.number)
    for word in sorted(groups):
        group = sorted(groups[word], key=lambda meeting: meeting.rule.number)
        bound = [meeting for meeting in group if meeting.rule.offer.compulsory]
        group = bound or group
        if any(meeting.rule.number in paired or meeting.rule.number in optional for meeting in group):
            choices.append((*group, None))
        elif len(group) > 1:
            choices.append(tuple(group))
        else:
            certain.add(group[0].rule.number)
    return certain, choices


def _improved_greedy(choices: Choices, start: list[Option], amount: Callable[[Sequence[Option]], int]) -> list[Option]:
    """Choose one after another, each the best so far; then change single choices while that takes more off."""
    picked = list(start)
    reached = amount(picked)
    trials = 0
    for _ in range(1 + IMPROVEMENTS):
        before = reached
        for number, options in enumerate(choices):
            for option in options:
                trial = [*picked[:number], option, *picked[number + 1 :]]
                trial_amount = amount(trial) if trials < MAX_TRIALS else reached
                trials += 1
                if trial_amount > reached:
                    picked, reached = trial, trial_amount
        if reached == before:
            break
    return picked
