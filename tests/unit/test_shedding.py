"""Overload is refused at the door: before the body, in bounded number, and let in again when the wait is short."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from nightmarket.kernel.clock import SystemClock
from nightmarket.kernel.ids import SystemIds
from nightmarket.platform.http import Edge, EdgeOptions, Errors, Response, ShedLimits
from nightmarket.platform.http.brush import Brush
from nightmarket.platform.http.shedding import SPREAD_SECONDS_LIMIT, Shedder


class Worker:
    """An application that reads each body and answers when it is told to."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.bodies = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        self.bodies += 1
        await self.go.wait()
        await Response(200, [], b"done").send(send)


class Asked:
    """One request: what came back, and whether its body was read."""

    def __init__(self, path: str = "/x") -> None:
        self.scope = {"type": "http", "method": "POST", "path": path, "headers": [], "client": ("192.0.2.1", 5)}
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.body = b""
        self.read = False

    async def receive(self) -> dict[str, Any]:
        self.read = True
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        else:
            self.body += message["body"]


def _edge(worker: Worker, limits: ShedLimits) -> Edge:
    return Edge(worker, SystemIds(SystemClock()), EdgeOptions(public_url="http://shop.test", shed=limits, log=None))


async def test_one_too_many_is_refused_before_its_body() -> None:
    """With as many at work as may be, the next gets a problem with Retry-After and its body is not read; health checks
    still pass; when there is room again, so does the next."""
    worker = Worker()
    edge = _edge(worker, ShedLimits(most=3, enough=3))
    at_work = [Asked() for _ in range(3)]
    tasks = [asyncio.create_task(edge(one.scope, one.receive, one.send)) for one in at_work]
    await asyncio.sleep(0)
    refused, health = Asked(), Asked("/health/live")
    await edge(refused.scope, refused.receive, refused.send)
    assert refused.status == 503
    assert not refused.read
    assert refused.headers[b"content-type"] == b"application/problem+json"
    assert refused.headers[b"retry-after"] == b"2"
    assert b'"code":"unavailable"' in refused.body
    checking = asyncio.create_task(edge(health.scope, health.receive, health.send))
    worker.go.set()
    await asyncio.gather(*tasks, checking)
    assert [one.status for one in (*at_work, health)] == [200] * 4
    after = Asked()
    await edge(after.scope, after.receive, after.send)
    assert after.status == 200
    assert worker.bodies == 5


def test_who_is_refused_unread_is_told_in_the_words_of_its_api() -> None:
    """A request refused by its bytes alone gets what one that was read gets: its own path's words, and its length."""
    errors = Errors(shapes=(("/api/", lambda said: (b"application/json", b'{"of":"%b"}' % said.instance.encode())),))
    options = EdgeOptions(public_url="http://shop.test", shed=ShedLimits(most=0, enough=0), log=None, errors=errors)
    edge = Edge(Worker(), SystemIds(SystemClock()), options)
    brush, shedder = Brush(edge), edge.shedder
    assert shedder is not None
    for path, kind in (("/api/x", b"application/json"), ("/x", b"application/problem+json"), ("/api/y", b"/json")):
        refusal = brush.off(b"POST %b HTTP/1.1\r\nhost: x\r\n\r\n" % path.encode(), shedder)
        assert refusal is not None
        head, body = refusal[0].split(b"\r\n\r\n")
        assert kind in head
        assert b"content-length: %d\r\n" % len(body) in head + b"\r\n"
        id = head.split(b"x-request-id: ")[1].split(b"\r\n")[0]
        assert id in body
        assert body.startswith(b'{"of":') == path.startswith("/api/")


PLAIN = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n%b\r\n{}"


def _brush() -> tuple[Brush, Shedder]:
    edge = _edge(Worker(), ShedLimits(most=0, enough=0, retry_after_seconds=3))
    assert edge.shedder is not None
    return Brush(edge), edge.shedder


@pytest.mark.parametrize(
    "line",
    [
        b"Accept: */*, text/html",
        b"ACCEPT: a\r\n TEXT/HTML",
        b"Transfer-Encoding: chunked",
        b"connection : close",
        b"Expect: 100-continue",
        b"Upgrade: websocket",
        b"Content-Length: 2",
        b"X-Content-Length: 2",
        b"x: y\nconnection: close",
    ],
)
def test_what_is_not_plain_is_read(line: bytes) -> None:
    """A browser, and whatever might be read in another way than the bytes look, is not refused by its bytes; nor is
    what is not whole, or not alone."""
    brush, shedder = _brush()
    assert brush.off(PLAIN % b"", shedder) is not None
    assert brush.off(PLAIN % (line + b"\r\n"), shedder) is None
    assert brush.off((PLAIN % b"")[:-1], shedder) is None
    assert brush.off((PLAIN % b"") * 2, shedder) is None


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        (b"", 3),
        (b"Accept: */*\r\nCookie: via:\r\n", 3),
        (b"X-Forwarded-For: 192.0.2.1\r\n", 0),
        (b"FORWARDED: for=192.0.2.1\r\n", 0),
        (b"Via: 1.1 proxy\r\n", 0),
    ],
)
def test_only_connections_of_one_client_rest(line: bytes, rest: int) -> None:
    """As long as the refusal says; a proxy's never."""
    brush, shedder = _brush()
    refusal = brush.off(PLAIN % line, shedder)
    assert refusal is not None
    retry = [part for part in refusal[0].split(b"\r\n") if part.startswith(b"retry-after:")]
    assert (refusal[1], retry) == (rest, [b"retry-after: 3"])


class Hand:
    """A clock set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


LIMITS = ShedLimits(most=4_000, enough=500, patience_seconds=0.5, retry_after_seconds=2)


def _overload(shedder: Shedder, hand: Hand, *, pace: int, offered: int, seconds: float) -> tuple[int, int]:
    """So many a second are answered in ten batches and so many come; how many were let in, and refused."""
    let_in = refused = 0
    for _ in range(round(seconds * 10)):
        hand.now += 0.1
        for _ in range(min(shedder.waiting, pace // 10)):
            shedder.answered(0.0, changing=True)
        for _ in range(offered // 10):
            if shedder.full():
                refused += 1
                shedder.retry_after()
            else:
                let_in += 1
                shedder.waiting += 1
    return let_in, refused


def test_a_burst_passes_whole() -> None:
    """Three thousand who come at once are all let in, and again after a quiet minute, even after overload."""
    hand = Hand()
    shedder = Shedder(LIMITS, hand)
    for _ in range(3):
        assert _overload(shedder, hand, pace=3_000, offered=30_000, seconds=0.1) == (3_000, 0)
        _overload(shedder, hand, pace=3_000, offered=0, seconds=3)
        _overload(shedder, hand, pace=3_000, offered=9_000, seconds=5)
        assert abs(shedder.limit - 1_500) <= 5
        _overload(shedder, hand, pace=3_000, offered=1_000, seconds=3)
        assert shedder.limit == LIMITS.most
        hand.now += 60


def test_under_lasting_overload_nobody_waits_longer_than_patience_allows() -> None:
    """As many wait as are answered in the time of patience; as many are let in as are answered, so nothing is lost."""
    hand = Hand()
    shedder = Shedder(LIMITS, hand)
    _overload(shedder, hand, pace=4_000, offered=12_000, seconds=3)
    let_in, refused = _overload(shedder, hand, pace=4_000, offered=12_000, seconds=10)
    assert abs(let_in - 40_000) <= 1_000
    assert refused == 120_000 - let_in
    assert shedder.waiting <= 2_000
    _overload(shedder, hand, pace=2_000, offered=12_000, seconds=5)
    assert shedder.waiting <= 1_100
    _overload(shedder, hand, pace=100, offered=12_000, seconds=10)
    assert shedder.waiting == LIMITS.enough


def test_time_that_an_answer_takes_by_itself_is_no_queue() -> None:
    """Where a provider takes two seconds for each, two seconds' worth of requests are let in besides."""
    hand = Hand()
    shedder = Shedder(LIMITS, hand)
    for _ in range(1_000):
        shedder.waiting += 1
        assert not shedder.full()
        shedder.answered(2.0, changing=True)
    shedder.waiting += LIMITS.enough
    _overload(shedder, hand, pace=1_000, offered=3_000, seconds=10)
    assert abs(shedder.limit - 2_500) <= 25


def test_after_a_silent_database_nobody_is_refused_for_its_silence() -> None:
    """A window in which nothing was answered measures nothing: the bound stays what it was."""
    hand = Hand()
    shedder = Shedder(LIMITS, hand)
    _overload(shedder, hand, pace=4_000, offered=12_000, seconds=5)
    limit = shedder.limit
    assert abs(limit - 2_000) <= 5
    hand.now += 30
    shedder.full()
    shedder.answered(30.0, changing=True)
    assert shedder.limit == limit


def test_the_refused_are_asked_to_come_back_one_after_the_other() -> None:
    """Twice as many refused as served: they are spread over the seconds that it takes to serve them, evenly."""
    hand = Hand()
    shedder = Shedder(LIMITS, hand)
    assert shedder.retry_after() == LIMITS.retry_after_seconds
    _overload(shedder, hand, pace=4_000, offered=12_000, seconds=10)
    told = Counter(shedder.retry_after() for _ in range(3_000))
    assert told == {2: 1_000, 3: 1_000, 4: 1_000}
    _overload(shedder, hand, pace=10, offered=12_000, seconds=10)
    assert max(shedder.retry_after() for _ in range(100)) == LIMITS.retry_after_seconds + SPREAD_SECONDS_LIMIT - 1


async def test_streams_do_not_count_once_they_have_begun() -> None:
    """Who has their answer's head waits no longer: a hundred open streams leave the room that was there."""
    ends = asyncio.Event()

    async def stream(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await ends.wait()
        await send({"type": "http.response.body", "body": b""})

    options = EdgeOptions(public_url="http://shop.test", shed=ShedLimits(most=5, enough=5), log=None)
    edge = Edge(stream, SystemIds(SystemClock()), options)
    asked = [Asked() for _ in range(100)]
    tasks: list[asyncio.Task[None]] = []
    for one in asked:
        tasks.append(asyncio.create_task(edge(one.scope, one.receive, one.send)))
        await asyncio.sleep(0)
    assert {one.status for one in asked} == {200}
    ends.set()
    await asyncio.gather(*tasks)
