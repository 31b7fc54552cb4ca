"""Which offers to apply where not all may: the set that takes the most off, and always the same one.

Offers with the same word of exclusivity are alternatives. Amounts whose lines overlap in part ("all shoes" and "all
of brand X") can lose a minor unit to rounding, so then every offer may also be left out. Up to MAX_COMBINATIONS
combinations all are tried, and the answer is the best there is; beyond that nothing but alternatives is left out and
the answer is the greedy one, improved.
"""

from collections.abc import Callable, Sequence
from itertools import combinations, product
from math import prod
from operator import attrgetter

from .applying import Outcome, apply, rank
from .compiled import Stage
from .meeting import Meeting

MAX_COMBINATIONS = 512
"""Combinations of offers that one price tries; a real cart meets fewer than ten."""

IMPROVEMENTS = 2
"""Rounds in which the greedy answer tries every alternative of every choice once more."""

MAX_TRIALS = 4096
"""Combinations that the greedy answer looks at in all."""

Option = Meeting | None
Choices = list[tuple[Option, ...]]


def best(meetings: Sequence[Meeting], line_amounts: Sequence[int], shipping_amounts: Sequence[int]) -> Outcome:
    """The offers that together take the most off; on a tie the ones with the lower ids, word by word."""
    ordered = sorted(meetings, key=rank) if len(meetings) > 1 else meetings
    certain, choices = _split(ordered, may_be_left_out=_overlap_in_part(ordered))
    if not choices:
        return apply(ordered, line_amounts, shipping_amounts)

    def outcome(options: Sequence[Option]) -> Outcome:
        chosen = certain.union(meeting.rule.number for meeting in options if meeting is not None)
        picked = [meeting for meeting in ordered if meeting.rule.number in chosen]
        return apply(picked, line_amounts, shipping_amounts)

    if prod(map(len, choices)) <= MAX_COMBINATIONS:
        return max(map(outcome, product(*choices)), key=attrgetter("amount"))
    certain, choices = _split(ordered, may_be_left_out=False)
    return outcome(_improved_greedy(choices, lambda options: outcome(options).amount))


def _split(ordered: Sequence[Meeting], *, may_be_left_out: bool) -> tuple[set[int], Choices]:
    """Offers that apply in any case, and the choices to be made (by word, in each the lower id first)."""
    certain: set[int] = set()
    groups: dict[str, list[Meeting]] = {}
    choices: Choices = []
    for meeting in ordered:
        word = meeting.rule.offer.exclusive
        if word is not None:
            groups.setdefault(word, []).append(meeting)
        elif may_be_left_out:
            choices.append((meeting, None))
        else:
            certain.add(meeting.rule.number)
    for word in sorted(groups):
        group = sorted(groups[word], key=lambda meeting: meeting.rule.number)
        if may_be_left_out:
            choices.append((*group, None))
        elif len(group) > 1:
            choices.append(tuple(group))
        else:
            certain.add(group[0].rule.number)
    return certain, choices


def _overlap_in_part(meetings: Sequence[Meeting]) -> bool:
    """Whether two amounts share some lines while each has others of its own."""
    if len(meetings) < 2:
        return False
    reaches = [set(meeting.places) for meeting in meetings if meeting.rule.stage is Stage.AMOUNT]
    return any(one & other and one - other and other - one for one, other in combinations(reaches, 2))


def _improved_greedy(choices: Choices, amount: Callable[[Sequence[Option]], int]) -> list[Option]:
    """Choose one after another, each the best so far; then change single choices while that takes more off."""
    picked: list[Option] = [None] * len(choices)
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
