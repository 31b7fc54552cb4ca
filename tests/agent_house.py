"""An agent on this machine, as an agent on the web would be: its profile, and a receiver of webhooks."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

VERSION = "2026-04-08"
ANSWERS = {200: b"OK", 204: b"No Content", 302: b"Found", 404: b"Not Found", 410: b"Gone", 500: b"Broken"}


@dataclass
class Heard:
    """One POST that arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def order(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Agent:
    """Serves `profile` at /profile.json, and answers POSTs with the next of `answers`, 200 when there are no more.

    `silent` paths are never answered; `on_post` runs before the answer.
    """

    port: int = 0
    profile: Any = None
    answers: list[int] = field(default_factory=list[int])
    heard: list[Heard] = field(default_factory=list[Heard])
    asked: int = 0
    silent: set[str] = field(default_factory=set[str])
    on_post: Callable[[Heard], Awaitable[None]] | None = None
    waiting: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def header(self) -> str:
        return f'profile="{self.url}/profile.json"'

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if method == "GET":
            self.asked += 1
            raw = self.profile if isinstance(self.profile, bytes) else json.dumps(self.profile).encode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(raw) + raw)
            await writer.drain()
            return
        got = Heard(path, headers, body)
        self.heard.append(got)
        if self.on_post is not None:
            await self.on_post(got)
        if path in self.silent:
            self.waiting += 1
            await reader.read()
            self.waiting -= 1
            return
        status = self.answers.pop(0) if self.answers else 200
        writer.write(
            b"HTTP/1.1 %d %s\r\nlocation: /other\r\ncontent-length: 5\r\n\r\nnoted" % (status, ANSWERS[status])
        )
        await writer.drain()


def profile_of(webhook_url: str | None, version: str = VERSION) -> dict[str, Any]:
    """A platform's profile as UCP's schema wants it."""
    plain = {"version": version, "spec": "https://ucp.dev/specification", "schema": "https://ucp.dev/schemas"}
    order: dict[str, Any] = dict(plain)
    if webhook_url is not None:
        order["config"] = {"webhook_url": webhook_url}
    service = {
        "version": version,
        "spec": "https://ucp.dev/specification/overview",
        "transport": "rest",
        "schema": "https://ucp.dev/services/shopping/rest.openapi.json",
    }
    return {
        "ucp": {
            "version": version,
            "services": {"dev.ucp.shopping": [service]},
            "capabilities": {
                "dev.ucp.shopping.order": [order],
                "dev.ucp.shopping.checkout": [plain],
                "dev.ucp.shopping.cart": [plain],
                "dev.ucp.shopping.catalog.search": [plain],
                "dev.ucp.shopping.catalog.lookup": [plain],
            },
            "payment_handlers": {},
        }
    }


@asynccontextmanager
async def agent(path: str = "/hooks") -> AsyncGenerator[Agent]:
    """The agent, on a free port of this machine, until the block ends."""
    made = Agent()
    running = await asyncio.start_server(made.answer, "127.0.0.1", 0)
    made.port = running.sockets[0].getsockname()[1]
    made.profile = profile_of(f"{made.url}{path}")
    try:
        yield made
    finally:
        running.close()
