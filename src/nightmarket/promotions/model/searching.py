"""The best choice in one circle of offers, by branch and bound: in order of application each offer is taken or left,
what both ways share is applied once, and a way that cannot beat the best so far is not walked.

Most circles need no search: all offers are applied, and where no way that leaves one out could reach as much, that is
the answer.
"""

from collections.abc import Sequence
from math import prod
from operator import attrgetter
from typing import NamedTuple

from .applying import Outcome, Take, Till, apply, last_of_pieces
from .ceilings import ceiling
from .meeting import Meeting

MAX_COMBINATIONS = 512
"""Combinations of a circle up to which the best is always found; a real cart meets fewer than ten."""

MAX_STEPS = 20_000
"""Offers that a search of more combinations applies; most such circles are searched with far fewer."""

IMPROVEMENTS = 2
"""Rounds in which the greedy answer tries every alternative of every choice once more."""

MAX_TRIALS = 4096
"""Combinations that a greedy answer looks at in all: enough for always the best of 90 offers."""

FORBIDDEN = -1

Option = int | None
"""The place of an offer in its circle; None: none of them."""


class Choices(NamedTuple):
    """What there is to choose in a circle, in order of application; those of one word of exclusivity are one choice.

    Of equally good answers the one whose choices come first in the order of these options wins.
    """

    certain: int
    """Bits of the offers that apply in any case."""
    options: list[tuple[Option, ...]]
    apart: list[int]
    """For each offer the bits of those with which it may not apply."""
    in_order: bool
    """Whether the choices are made in this order while offers are applied: none is about several offers."""


def straight(circle: Sequence[Meeting], optional: int, till: Till, start: Till) -> Outcome | None:
    """All offers applied; None where leaving an optional one (`optional` are their bits) out might take more off."""
    seen = 0
    takes: list[Take] = []
    amounts: list[int] = []
    shared: list[int] = []
    for meeting in circle:
        taken = till.take(meeting)
        if taken is None:
            amounts.append(0)
        else:
            amounts.append(taken.amount)
            takes.append(taken)
        shared.append(meeting.mask & seen)
        seen |= meeting.mask
    more = 0  # by which those that come after it could take more than they did
    first = (optional & -optional).bit_length() - 1 if optional else len(circle)
    for place in range(len(circle) - 1, first - 1, -1):
        if optional >> place & 1 and more > amounts[place]:
            return None
        if place > first and shared[place]:
            more += ceiling(circle[place], start) - amounts[place]
    return Outcome(sum(amounts), takes)


def search(circle: Sequence[Meeting], choices: Choices, start: Till) -> Outcome:
    """The best choice; beyond the bounds the best of what was searched and three greedy answers: offers taken in order
    of application where that takes more off, all of them taken, and always the one taken that takes most off."""
    hunt = _Search(circle, choices, start)
    few = prod(map(len, choices.options)) <= MAX_COMBINATIONS
    if hunt.walk(None if few else MAX_STEPS):
        return hunt.best
    nothing: list[Option] = [None] * len(choices.options)
    starts = (nothing, [options[0] for options in choices.options], hunt.best_first())
    found = [_improved_greedy(hunt, start) for start in starts]
    return max((hunt.best, *map(hunt.outcome, found)), key=attrgetter("amount"))


class _Node(NamedTuple):
    """A state of the search: what was decided up to a place of the circle, and what it came to."""

    at: int
    chosen: int
    total: int
    takes: tuple[Take, ...]
    till: Till


class _Search:
    def __init__(self, circle: Sequence[Meeting], choices: Choices, start: Till) -> None:
        self.circle, self.choices, self._start = circle, choices, start
        self.best = Outcome(FORBIDDEN, [])
        self._best_chosen = 0
        self._last = last_of_pieces(circle)
        self._matters = 0
        """Bits of the offers with which others may not apply."""
        for apart in choices.apart:
            self._matters |= apart
        self._mates = [0] * len(circle)
        self._one_needed = 0
        for options in choices.options:
            group = sum(1 << option for option in options if option is not None)
            for option in options:
                if option is not None:
                    self._mates[option] = group
            if None not in options:
                self._one_needed |= group
        self._rest = self._ceilings()
        reach = 0
        for meeting in circle:
            reach |= meeting.mask
        amounts = (*start.lines, *start.shipping)
        self._whole = sum([amount for place, amount in enumerate(amounts) if reach >> place & 1])

    def walk(self, steps: int | None) -> bool:
        """Whether all that could be better was looked at within so many applications of offers."""
        waiting = [_Node(0, 0, 0, (), self._start.fork())]
        seen: set[tuple[object, ...]] = set()
        while waiting:
            node = waiting.pop()
            at, chosen, total, takes, till = node
            while at < len(self.circle):
                if not self._could_win(total, at):
                    break
                if self.choices.in_order and at and not self.choices.certain >> at & 1:
                    state = (at, chosen & self._matters, *till.state(pieces=at <= self._last))
                    if state in seen:  # the same goods at the same prices: the way that came first wins
                        break
                    seen.add(state)
                may_take, may_leave = self._may(at, chosen)
                if may_take:
                    if may_leave and self._could_win(total, at + 1):
                        waiting.append(_Node(at + 1, chosen, total, takes, till.fork()))
                    if steps is not None:
                        if not steps:
                            return False
                        steps -= 1
                    taken = till.take(self.circle[at])
                    chosen |= 1 << at
                    if taken is not None:
                        total, takes = total + taken.amount, (*takes, taken)
                at += 1
            else:
                self._arrive(chosen, total, takes)
        return True

    def _could_win(self, total: int, at: int) -> bool:
        """Whether what was reached and all from that place on could be the answer."""
        reachable, best = min(self._whole, total + self._rest[at]), self.best.amount
        return reachable > best or (reachable == best and not self.choices.in_order)

    def outcome(self, options: Sequence[Option]) -> Outcome:
        """What exactly these options come to; FORBIDDEN where they may not go together."""
        chosen = self.choices.certain
        for option in options:
            if option is not None:
                chosen |= 1 << option
        return self._outcome_of(chosen)

    def best_first(self) -> list[Option]:
        """The options of who begins with what is compulsory and always takes what takes most off more, of equally good
        offers the one whose turn comes first, until nothing does."""
        places = range(len(self.circle))
        chosen = sum(1 << place for place in places if self.circle[place].rule.compulsory) & self.choices.certain
        free = self.choices.certain & ~chosen
        free |= sum(1 << option for options in self.choices.options for option in options if option is not None)
        reached, trials, better = self._outcome_of(chosen).amount, 0, chosen
        while trials < MAX_TRIALS:
            for place in places:
                if (free & ~chosen) >> place & 1 and not chosen & (self._mates[place] | self.choices.apart[place]):
                    amount = self._outcome_of(chosen | 1 << place).amount
                    trials += 1
                    if amount > reached:
                        reached, better = amount, chosen | 1 << place
            if better == chosen:
                break
            chosen = better
        return [
            next((option for option in options if option is not None and chosen >> option & 1), None)
            for options in self.choices.options
        ]

    def _outcome_of(self, chosen: int) -> Outcome:
        places = [place for place in range(len(self.circle)) if chosen >> place & 1]
        if any(self.choices.apart[place] & chosen for place in places):
            return Outcome(FORBIDDEN, [])
        return apply([self.circle[place] for place in places], self._start.fork())

    def _may(self, at: int, chosen: int) -> tuple[bool, bool]:
        """Whether the offer may be taken after those that were chosen, and whether it may be left."""
        bit, mates = 1 << at, self._mates[at]
        if self.choices.certain & bit:
            return True, False
        if chosen & (mates | self.choices.apart[at]):
            return False, True
        if not mates:  # a compulsory offer of the same word stands in its place
            return False, True
        return True, not (self._one_needed & bit) or bool(mates >> (at + 1))

    def _arrive(self, chosen: int, total: int, takes: tuple[Take, ...]) -> None:
        best = self.best.amount
        if total > best or (
            total == best and not self.choices.in_order and self._key(chosen) < self._key(self._best_chosen)
        ):
            self.best, self._best_chosen = Outcome(total, list(takes)), chosen

    def _key(self, chosen: int) -> list[int]:
        """The options taken, as their places in their choices."""
        return [
            next((place for place, one in enumerate(options) if one is not None and chosen >> one & 1), len(options))
            for options in self.choices.options
        ]

    def _ceilings(self) -> list[int]:
        """For each place the most that all offers from there on can take; of those with one word the best one."""
        rest = [0] * (len(self.circle) + 1)
        highest: dict[int, int] = {}
        for place in range(len(self.circle) - 1, -1, -1):
            mine, mates = ceiling(self.circle[place], self._start), self._mates[place]
            if not mates and not self.choices.certain >> place & 1:
                mine = 0
            before = highest.get(mates, 0) if mates else 0
            highest[mates] = max(before, mine)
            rest[place] = rest[place + 1] + (max(0, mine - before) if mates else mine)
        return rest


def _improved_greedy(hunt: _Search, start: list[Option]) -> list[Option]:
    """Choose one after another, each the best so far; then change single choices while that takes more off."""
    picked = list(start)
    reached = hunt.outcome(picked).amount
    trials = 0
    for _ in range(1 + IMPROVEMENTS):
        before = reached
        for number, options in enumerate(hunt.choices.options):
            for option in options:
                trial = [*picked[:number], option, *picked[number + 1 :]]
                trial_amount = hunt.outcome(trial).amount if trials < MAX_TRIALS else reached
                trials += 1
                if trial_amount > reached:
                    picked, reached = trial, trial_amount
        if reached == before:
            break
    return picked
