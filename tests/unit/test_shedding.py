"""Overload is refused at the door: before the body, in bounded number, and let in again when the wait is short."""

import asyncio
from typing import Any

from nightmarket.kernel.clock import SystemClock
from nightmarket.kernel.ids import SystemIds
from nightmarket.platform.http import Edge, EdgeOptions, Response, ShedLimits
from nightmarket.platform.http.shedding import Shedder


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


def test_a_burst_passes_and_lasting_overload_does_not() -> None:
    """As long as answers come in time, the number may grow to its bound; once they take too long nobody new comes in
    until enough have left; then it opens again."""
    shedder = Shedder(ShedLimits(most=100, enough=10, patience_seconds=2.0))
    for _ in range(100):
        assert not shedder.full()
        shedder.waiting += 1
    assert shedder.full()
    for _ in range(60):
        shedder.answered(5.0, changing=True)
    assert shedder.waiting == 40
    assert shedder.full()
    for _ in range(31):
        shedder.answered(5.0, changing=True)
    assert not shedder.full()
    shedder.waiting += 1
    for _ in range(8):
        shedder.answered(0.01, changing=False)
    shedder.waiting += 20
    assert shedder.full()
    for _ in range(10):
        shedder.answered(0.01, changing=True)
    for _ in range(20):
        shedder.waiting += 1
        shedder.answered(0.01, changing=True)
    assert not shedder.full()


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
