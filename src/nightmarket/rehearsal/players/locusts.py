"""Shoppers as Locust's users: each takes the next visit that is due, plays it, and takes the next.

This is an open play: visits begin when the curve says, however slow the shop is; who finds no free user waits, and that
is counted. A worker plays the visits whose turn is its own, by its place among all workers. One usher per worker waits
for the next visit's instant and wakes a user: thousands who looked at the clock themselves would use up a processor.
"""

import gzip
import queue
import threading
import time
from time import monotonic
from typing import Any, ClassVar
from urllib.parse import urljoin, urlsplit

import msgspec
from locust import FastHttpUser, constant, task
from locust.contrib.fasthttp import FAILURE_EXCEPTIONS

from nightmarket.rehearsal.play.brief import Brief, Score
from nightmarket.rehearsal.play.cast import Arrival, in_time

from .visiting import Reply, Visit

ANSWER_SECONDS = 20.0
CONNECT_SECONDS = 5.0
USHER_SECONDS = 0.25
"""How long the usher sleeps at most, so that it hears of the end."""
SHOPPER_HEADER = "x-rehearsal-shopper"
GZIP = "gzip"
PAGE_HEADERS = {"Accept": "text/html", "Accept-Encoding": "gzip, deflate, br"}
"""Of who asks for a page. Nobody looks at it, so it stays packed."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_HOPS = 10
BLOCK_BYTES = 65_536
"""Read at a time: a page is some tens of thousands."""


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
    """One shopper's way into the shop, as another browser each time.

    It goes by the connection below Locust's client, and tells Locust what came of it: that client's cookies, addresses
    and redirects cost more than the request, and a rehearsal is judged by what its shoppers leave of the machine.
    """

    def __init__(self, user: "Shopper", troupe: Troupe, arrival: Arrival) -> None:
        self._user = user
        self._troupe = troupe
        self._cookies: dict[str, str] = {}
        brief = troupe.brief
        assert brief is not None
        self._headers = {
            "Authorization": f"Bearer {brief.token}",
            SHOPPER_HEADER: str(arrival.number),
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": GZIP,
        }

    def page(self, path: str, name: str) -> Reply:
        return self._send("GET", path, name, b"", PAGE_HEADERS)

    def ask(self, method: str, path: str, body: object, key: str, name: str) -> Reply:
        data = b"" if body is None else msgspec.json.encode(body)
        return self._send(method, path, name, data, {**self._headers, "Idempotency-Key": key})

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def now(self) -> float:
        return monotonic()

    def _send(self, method: str, path: str, name: str, data: bytes, headers: dict[str, str]) -> Reply:
        began = monotonic()
        failed: BaseException | None = None
        self._troupe.asking(1)
        try:
            reply = self._exchanged(method, path, data, headers)
        except FAILURE_EXCEPTIONS as lost:
            reply, failed = Reply(0), lost
        finally:
            self._troupe.asking(-1)
        took = (monotonic() - began) * 1000
        self._user.count(method, name, took, len(reply.body), failed)
        score = self._troupe.score
        score.answered(took)
        if method == "GET" and (reply.status >= 500 or reply.status == 0):
            what = str(reply.status or "line lost")
            score.errors[what] = score.errors.get(what, 0) + 1
        return reply

    def _exchanged(self, method: str, path: str, data: bytes, headers: dict[str, str]) -> Reply:
        """The answer, after as many redirects as a browser follows. Raises one of FAILURE_EXCEPTIONS."""
        hops = 0
        while True:
            shown = {**headers, "Cookie": "; ".join(map("=".join, self._cookies.items()))} if self._cookies else headers
            answer = self._user.connection.request(method, path, data, shown)
            body: bytes = answer.read()
            self._keep_cookies(answer.get("set-cookie"))
            to = answer.get("location")
            if method != "GET" or answer.status_code not in REDIRECTS or not to or hops == MOST_HOPS:
                break
            hops += 1
            place = urlsplit(urljoin(path, to))
            path = f"{place.path}?{place.query}" if place.query else place.path
        if headers is not PAGE_HEADERS and answer.get("content-encoding") == GZIP:
            body = gzip.decompress(body)
        return Reply(answer.status_code, body)

    def _keep_cookies(self, told: str | list[str] | None) -> None:
        for one in [told] if isinstance(told, str) else told or ():
            name, _, value = one.partition(";")[0].partition("=")
            if "max-age=0" in one.lower():
                self._cookies.pop(name, None)
            else:
                self._cookies[name] = value


class Shopper(FastHttpUser):
    """A place in the shop, taken by one visit after another."""

    troupe: ClassVar[Troupe]
    network_timeout = ANSWER_SECONDS
    connection_timeout = CONNECT_SECONDS
    max_retries = 0
    wait_time = constant(0)
    insecure = False

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        within: Any = self.client.client
        self.connection: Any = within.clientpool.get_client(self.host)
        self.connection.block_size = BLOCK_BYTES
        self._counted: Any = environment.events.request

    def count(self, method: str, name: str, took: float, size: int, failed: BaseException | None) -> None:
        """Tell Locust of an answer."""
        self._counted.fire(
            request_type=method, name=name, response_time=took, response_length=size, exception=failed, context={}
        )

    @task
    def visit(self) -> None:
        """Whatever is due."""
        self.troupe.play(self.troupe.take(), self)
