"""A small application behind the real server, and clients that say exactly these bytes."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from nightmarket.kernel.clock import SystemClock
from nightmarket.kernel.ids import SystemIds
from nightmarket.kernel.problems import Defect, Kind, Problem
from nightmarket.platform.http import (
    Dispatcher,
    Edge,
    EdgeOptions,
    Response,
    Route,
    Straight,
    json_response,
    marks_of,
    read_body,
)
from nightmarket.platform.http.server import Listening, Server
from nightmarket.platform.http.state import Patience

HOT, OTHER = "/hot/a", "/other/a"
LIMIT = 50_000
SOON = 60.0
"""Seconds in which what should happen has happened, on a busy machine too."""


class Gone(Problem):
    """A made-up refusal."""

    code = "gone_from_here"
    kind = Kind.CONFLICT


@dataclass
class House:
    """A server on a port, and what its application was asked."""

    port: int = 0
    server: Any = None
    edge: Any = None
    go: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list[str])
    done: list[str] = field(default_factory=list[str])
    told: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    took: list[float] = field(default_factory=list[float])

    async def work(self, scope: Any, body: bytes, what: str) -> Response:
        """Answers, waits, or fails, as the path says."""
        self.asked.append(what)
        match what:
            case "wait":
                await self.go.wait()
            case "gone":
                raise Gone("It is gone.", left=0)
            case "crash":
                raise Defect("secret internals")
            case "large":
                return Response(200, [(b"content-type", b"text/plain")], b"x" * 3_000_000)
            case "torn":
                return Response(200, [(b"location", b"/x\r\nset-cookie: stolen=1")], b"")
            case _:
                pass
        self.done.append(what)
        return json_response({"what": what, "size": len(body), "query": scope["query_string"].decode()})

    async def other(self, scope: Any, receive: Any, send: Any) -> None:
        """The application behind the hot routes."""
        what = scope["path"].removeprefix("/other/")
        marks_of(scope).route = "other"
        body = await read_body(receive, LIMIT) if scope["method"] == "POST" else b""
        await (await self.work(scope, body, what)).send(send)

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        """What the metrics count."""
        assert seconds >= 0
        self.told.append((route, status))
        self.took.append(seconds)


@asynccontextmanager
async def open_house(**options: Any) -> AsyncGenerator[House]:
    """A house that listens, with little patience, until the end of the block."""
    house = House()
    routes = [Route(method, "/hot/{what}", house.work, body_limit=LIMIT) for method in ("GET", "POST")]
    dispatcher = Dispatcher(routes, house.other)
    patience = Patience(head_seconds=1, body_seconds=1, keep_alive_seconds=2, write_seconds=1, discard_seconds=1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        house.port = free.getsockname()[1]
    house.edge = Edge(
        dispatcher,
        SystemIds(SystemClock()),
        EdgeOptions(public_url="http://shop.test", observe=house.observe, log=None, body_limit=LIMIT, **options),
        hot=Straight(dispatcher.find, lambda _: True),
    )
    house.server = Server(
        house.edge, Listening(host="127.0.0.1", port=house.port, patience=patience, grace_seconds=3, connections=200)
    )
    serving = asyncio.create_task(house.server.run_until_stopped())
    while not house.server.started:
        await asyncio.sleep(0.01)
    try:
        yield house
    finally:
        house.go.set()
        house.server.stop()
        await asyncio.wait_for(serving, 60)


@dataclass
class Answer:
    """One answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """A connection that says exactly these bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def says(self, text: str | bytes) -> None:
        """Send."""
        self.writer.write(text.encode() if isinstance(text, str) else text)
        await self.writer.drain()

    async def hears(self) -> Answer:
        """The next answer, whole."""
        async with asyncio.timeout(SOON):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.rstrip().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines)
            assert len(headers) == len(lines)
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
            return Answer(int(first.split(" ")[1]), headers, body)

    async def ended(self, seconds: float = SOON) -> bytes:
        """What comes until the server ends the connection."""
        async with asyncio.timeout(seconds):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""


@asynccontextmanager
async def call(house: House) -> AsyncGenerator[Client]:
    """Connect."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


def post(path: str, body: str = "{}", more: str = "") -> str:
    """A whole request."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{more}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}"


def get(path: str, more: str = "") -> str:
    """A whole request without a body."""
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n"
