"""Shoppers as Locust's users: each takes the next visit that is due, plays it, and takes the next.

This is an open play: visits begin when the curve says, however slow the shop is; who finds no free user waits, and that
is counted. A worker plays the visits whose turn is its own, by its place among all workers. One usher per worker waits
for the next visit's instant and wakes a user: thousands who looked at the clock themselves would use up a processor.
"""

import queue
import threading
import time
from time import monotonic
from typing import Any, ClassVar

import msgspec
from locust import FastHttpUser, constant, task

from nightmarket.rehearsal.play.brief import Brief, Score
from nightmarket.rehearsal.play.cast import Arrival, in_time

from .visiting import Reply, Visit

ANSWER_SECONDS = 20.0
CONNECT_SECONDS = 5.0
USHER_SECONDS = 0.25
"""How long the usher sleeps at most, so that it hears of the end."""
SHOPPER_HEADER = "x-rehearsal-shopper"


class Troupe:
    """What the users of one process share: the visits of this worker, the clock, and the score."""

    def __init__(self) -> None:
        self.brief: Brief | None = None
        self.score = Score()
        self.stopped = False
        self._visits: list[Arrival] = []
        self._next = 0
        self._playing = 0
        self._asking = 0
        self._midnight = 0.0
        self._door: queue.SimpleQueue[Arrival] = queue.SimpleQueue()

    def begin(self, brief: Brief, index: int, midnight_in: float) -> None:
        """Take this worker's part of the visits; midnight comes so many seconds from now."""
        self._midnight = monotonic() + midnight_in
        everyone = in_time(brief.seed, brief.orders, brief.timing, brief.looks)
        self._visits = [one for one in everyone if one.number // 4 % brief.workers == index]
        self.brief = brief
        threading.Thread(target=self._usher, name="usher", daemon=True).start()  # one of Locust's light ones

    @property
    def t(self) -> float:
        """Seconds since midnight."""
        return monotonic() - self._midnight

    def _usher(self) -> None:
        """Open the door for each visit at its instant."""
        while not self.stopped and self._next < len(self._visits):
            wait = self._visits[self._next].at - self.t
            if wait > 0:
                time.sleep(min(wait, USHER_SECONDS))
                continue
            self._door.put(self._visits[self._next])
            self._next += 1

    def take(self) -> Arrival:
        """The next visit that is due, once there is one."""
        return self._door.get()

    def play(self, arrival: Arrival, user: "Shopper") -> None:
        assert self.brief is not None
        self._playing += 1
        try:
            Visit(self.brief, arrival, Line(user, self, arrival), self).play()
        finally:
            self._playing -= 1

    def asking(self, change: int) -> None:
        self._asking += change

    def report(self) -> Score:
        """What was seen since the last report."""
        score, self.score = self.score, Score()
        for name, value in (("users", self._playing), ("waiting", self._waiting), ("left", self._left)):
            setattr(score, name, value)
        return score

    @property
    def _waiting(self) -> int:
        """Visits that should have begun and found no free user, and requests without an answer."""
        return self._door.qsize() + self._asking

    @property
    def _left(self) -> int:
        return self._playing + self._door.qsize() + (0 if self.stopped else len(self._visits) - self._next)


class Line:
    """One shopper's way into the shop, over Locust's client, so that Locust counts it too."""

    def __init__(self, user: "Shopper", troupe: Troupe, arrival: Arrival) -> None:
        self._client: Any = user.client
        self._troupe = troupe
        brief = troupe.brief
        assert brief is not None
        self._headers = {
            "Authorization": f"Bearer {brief.token}",
            SHOPPER_HEADER: str(arrival.number),
            "Content-Type": "application/json",
            "Accept": "application/json",
        }
        self._client.cookiejar.clear()  # each visit is another browser

    def page(self, path: str, name: str) -> Reply:
        return self._send("GET", path, name, None, {"Accept": "text/html"})

    def ask(self, method: str, path: str, body: object, key: str, name: str) -> Reply:
        return self._send(method, path, name, msgspec.json.encode(body), {**self._headers, "Idempotency-Key": key})

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def now(self) -> float:
        return monotonic()

    def _send(self, method: str, path: str, name: str, data: bytes | None, headers: dict[str, str]) -> Reply:
        began = monotonic()
        self._troupe.asking(1)
        try:
            answer = self._client.request(method, path, name=name, data=data, headers=headers)
            reply = Reply(int(answer.status_code or 0), bytes(answer.content or b""))
        finally:
            self._troupe.asking(-1)
        score = self._troupe.score
        score.answered((monotonic() - began) * 1000)
        if method == "GET" and (reply.status >= 500 or reply.status == 0):
            what = str(reply.status or "line lost")
            score.errors[what] = score.errors.get(what, 0) + 1
        return reply


class Shopper(FastHttpUser):
    """A place in the shop, taken by one visit after another."""

    troupe: ClassVar[Troupe]
    network_timeout = ANSWER_SECONDS
    connection_timeout = CONNECT_SECONDS
    max_retries = 0
    wait_time = constant(0)
    insecure = False

    @task
    def visit(self) -> None:
        """Whatever is due."""
        self.troupe.play(self.troupe.take(), self)
