"""Whoever comes in whatever crowd: refusals take no more of the time than is theirs, and nobody is forgotten."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightmarket.platform.http import ShedLimits
from nightmarket.platform.http.putting_off import HELD_SECONDS, LOOK_SECONDS, REFUSAL_SECONDS, SAVED_SECONDS, Turns
from nightmarket.platform.http.shedding import Shedder

SHARE = 1 / 25
MOST = 5


class Day:
    """A clock, and a loop that knows one thing: what to do later."""

    def __init__(self) -> None:
        self.now = 0.0
        self._later: list[tuple[float, Callable[..., None], tuple[Any, ...]]] = []

    def call_later(self, seconds: float, what: Callable[..., None], *arguments: Any) -> None:
        self._later.append((self.now + seconds, what, arguments))

    def pass_by(self, seconds: float) -> None:
        """Time goes on, and what is due is done at its instant or as soon after as there is time."""
        ends = self.now + seconds
        while due := [one for one in self._later if one[0] <= ends]:
            at, what, arguments = first = min(due, key=lambda one: one[0])
            self._later.remove(first)
            self.now = max(self.now, at)
            what(*arguments)
        self.now = max(self.now, ends)


class Client:
    """One request of the crowd."""

    def __init__(self, crowd: "Crowd", takes: float) -> None:
        self._crowd = crowd
        self._takes = takes
        self.came = crowd.day.now
        self.let_in = False
        self.refused_at: float | None = None

    def is_let_in(self, came: float) -> None:
        """It waits for its answer now."""
        assert came == self.came
        self.let_in = True
        self._crowd.shedder.waiting += 1
        self._crowd.let_in.append(self)

    def is_refused(self) -> None:
        """That takes its time."""
        self._crowd.day.now += self._takes
        self._crowd.refusing += min(self._takes, REFUSAL_SECONDS)
        self.refused_at = self._crowd.day.now

    def is_done(self) -> bool:
        """Whether it waits no longer."""
        return self.let_in or self.refused_at is not None


class Crowd:
    """Who comes, and what becomes of them."""

    def __init__(self) -> None:
        self.day = Day()
        self.shedder = Shedder(ShedLimits(most=MOST, enough=MOST, refusing_share=SHARE), lambda: self.day.now)
        self.turns = Turns(self.shedder, lambda: self.day.now)
        self.let_in: list[Client] = []
        self.held: list[Client] = []
        self.all: list[Client] = []
        self.refusing = 0.0

    def comes(self, takes: float) -> None:
        """As a connection does with what it reads."""
        one = Client(self, takes)
        self.all.append(one)
        if not self.turns.is_crowded():
            one.is_let_in(one.came)
        elif self.turns.may_refuse():
            assert all(held.is_done() or held.came >= self.day.now - HELD_SECONDS for held in self.held)
            one.is_refused()
            self.turns.spent()
        else:
            self.held.append(one)
            self.turns.hold(cast(asyncio.AbstractEventLoop, self.day), one)


@given(
    st.lists(
        st.tuples(
            st.floats(0, 0.5, allow_nan=False),  # seconds that pass
            st.integers(0, 30),  # come
            st.integers(0, 10),  # answered
        ),
        max_size=40,
    ),
    st.floats(1e-5, 0.02),
)
def test_refusals_keep_to_their_time_and_everybody_has_a_turn(
    steps: list[tuple[float, int, int]], takes: float
) -> None:
    """What refusals take (an interruption by the machine is not theirs) is at most their share and what was saved;
    whoever is held is let in in the order in which they came, and refused only after they waited."""
    crowd = Crowd()
    for seconds, come, answered in steps:
        crowd.day.pass_by(seconds)
        for _ in range(come):
            crowd.comes(takes)
        for _ in range(min(answered, crowd.shedder.waiting)):
            crowd.shedder.answered(0.1, changing=True)
        assert crowd.refusing <= crowd.day.now * SHARE + SAVED_SECONDS + REFUSAL_SECONDS
        assert crowd.shedder.waiting <= MOST
    crowd.day.pass_by(HELD_SECONDS + LOOK_SECONDS + len(crowd.held) * REFUSAL_SECONDS / SHARE * 2)
    assert all(one.let_in != (one.refused_at is not None) for one in crowd.all)
    admitted = [one for one in crowd.let_in if one in crowd.held]
    assert admitted == [one for one in crowd.held if one.let_in]
    assert all(one.refused_at is None or one.refused_at - one.came >= HELD_SECONDS for one in crowd.held)


def test_who_was_held_too_long_is_refused_before_those_who_come() -> None:
    """However many come: nobody of them is refused at once while somebody has waited for over a second (looked at in
    `comes`), and all who were held at the beginning have heard when the time for that many refusals is over."""
    crowd = Crowd()
    for _ in range(MOST + 300):
        crowd.comes(REFUSAL_SECONDS)
    first = list(crowd.held)
    assert len(first) > 200
    for _ in range(3_000):
        crowd.day.pass_by(0.001)
        crowd.comes(REFUSAL_SECONDS)
    assert all(one.is_done() for one in first)


def test_one_that_fails_holds_nobody_up() -> None:
    """An error while somebody is let in is heard of, and the next look comes all the same."""

    class Broken(Client):
        def is_let_in(self, came: float) -> None:
            raise ValueError("broken")

    crowd = Crowd()
    crowd.shedder.waiting = MOST
    loop = cast(asyncio.AbstractEventLoop, crowd.day)
    assert not crowd.turns.may_refuse()
    crowd.turns.hold(loop, Broken(crowd, 0.0))
    other = Client(crowd, 0.0)
    crowd.turns.hold(loop, other)
    crowd.shedder.waiting = 0
    with pytest.raises(ValueError, match="broken"):
        crowd.day.pass_by(LOOK_SECONDS)
    crowd.day.pass_by(LOOK_SECONDS)
    assert other.let_in
