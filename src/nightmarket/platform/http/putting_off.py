"""Connections whose next request is put off: after a refusal for seconds, in a crowd for some rounds of the loop."""

import asyncio
from collections import deque
from typing import Protocol

RESTS_PER_SECOND = 10
REFUSED_AT_ONCE = 64
"""So many of those who are too many are looked at together, within a millisecond. The loop hears all clients who are
ready before it goes on with what the database has answered: behind thousands of refusals batches would stand still."""


class PutOff(Protocol):
    """A connection."""

    def has_rested(self) -> None:
        """It may be read again."""

    def has_its_turn(self) -> None:
        """What it has said is to be looked at."""


class Rests:
    """Connections that are not read for a while, kept by the tenth of a second in which they may be again: one timer
    for all, where one each would cost as much as the refusal."""

    def __init__(self) -> None:
        self._due: dict[int, list[PutOff]] = {}

    def begin(self, loop: asyncio.AbstractEventLoop, seconds: int, connection: PutOff) -> None:
        """Wake it after so many seconds, and at most a tenth more."""
        now = int(loop.time() * RESTS_PER_SECOND)
        if not self._due:
            loop.call_later(1 / RESTS_PER_SECOND, self._wake, loop)
        self._due.setdefault(now + 1 + seconds * RESTS_PER_SECOND, []).append(connection)

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        now = int(loop.time() * RESTS_PER_SECOND)
        for due in [one for one in self._due if one <= now]:
            for connection in self._due.pop(due):
                connection.has_rested()
        if self._due:
            loop.call_later(1 / RESTS_PER_SECOND, self._wake, loop)


class Turns:
    """Connections with one too many. In each round of the loop REFUSED_AT_ONCE are looked at; the others wait, read but
    not looked at, and ask nothing else meanwhile."""

    def __init__(self) -> None:
        self._room = REFUSED_AT_ONCE
        self._waiting: deque[PutOff] = deque()
        self._counting = False

    def take(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether one more may be looked at in this round."""
        if not self._counting:
            self._counting = True
            loop.call_soon(self._next, loop)
        if not self._room:
            return False
        self._room -= 1
        return True

    def wait(self, connection: PutOff) -> None:
        """Let it have a turn in one of the rounds to come. `take` was asked before."""
        self._waiting.append(connection)

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        self._room, waiting = REFUSED_AT_ONCE, self._waiting
        self._counting = bool(waiting)
        if waiting:
            loop.call_soon(self._next, loop)
        while waiting and self._room:
            self._room -= 1
            waiting.popleft().has_its_turn()
