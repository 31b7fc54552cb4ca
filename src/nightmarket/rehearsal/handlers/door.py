"""A light HTTP/1.1 client: a bounded number of lines that are kept, one request at a time on each.

A crowd shares the machine with the shop that it rushes, so each microsecond spent here is one that the shop lacks:
this one took 33 a request where httpx, with a thousand waiting, took more than 4,000.
"""

import asyncio
import re
from collections import deque
from types import TracebackType
from typing import Self, cast

LINES = 128
"""Lines to the shop at once. Who finds none free waits for one, as a browser waits for the network."""

ANSWER_SECONDS = 15.0
CONNECT_SECONDS = 5.0
HEAD_BYTES = 65_536

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close\r\n", re.IGNORECASE)


class LineLost(Exception):
    """The shop hung up, or said nothing for too long: what became of the request is not known."""


class _Line(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._buffer = b""
        self._head_ends = -1
        self._body_ends = -1
        self.open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.open = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        self._fail(f"the line was lost: {exc}")

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if self._head_ends < 0:
            ends = self._buffer.find(b"\r\n\r\n")
            if ends < 0:
                if len(self._buffer) > HEAD_BYTES:
                    self.hang_up("an endless head")
                return
            head = self._buffer[: ends + 2]
            length = _LENGTH.search(head)
            if length is None:
                self.hang_up("an answer of unknown length")
                return
            self._head_ends = ends + 4
            self._body_ends = self._head_ends + int(length[1])
            if _CLOSES.search(head):
                self.open = False
        if len(self._buffer) >= self._body_ends and self._answer is not None and not self._answer.done():
            try:
                status = int(self._buffer[9:12])
            except ValueError:
                self.hang_up("no status")
                return
            self._answer.set_result((status, self._buffer[self._head_ends : self._body_ends]))

    def ask(self, request: bytes) -> "asyncio.Future[tuple[int, bytes]]":
        """Send a request; the future gives status and body."""
        assert self._transport is not None
        self._buffer, self._head_ends, self._body_ends = b"", -1, -1
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def hang_up(self, why: str = "hung up") -> None:
        self.open = False
        self._fail(why)
        if self._transport is not None:
            self._transport.abort()

    def _fail(self, why: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(LineLost(why))


class Door:
    """The shop's door: `async with Door(host, port) as door: await door.ask("POST", path, headers, body)`."""

    def __init__(self, host: str, port: int, lines: int = LINES) -> None:
        self._host, self._port = host, port
        self._free: deque[_Line] = deque()
        self._all: set[_Line] = set()
        self._room = asyncio.Semaphore(lines)
        shown = f"[{host}]" if ":" in host else host
        self._shared = f"host: {shown}:{port}\r\ncontent-type: application/json\r\naccept: application/json\r\n"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for line in self._all:
            line.hang_up()

    async def ask(self, path: str, headers: str, body: bytes) -> tuple[int, bytes, float]:
        """POST and wait for status and body, and how many seconds the answer took once a line was free.

        `headers` are whole lines. Raises LineLost.
        """
        head = f"POST {path} HTTP/1.1\r\n{self._shared}content-length: {len(body)}\r\n{headers}\r\n"
        loop = asyncio.get_running_loop()
        async with self._room:
            line = await self._line()
            began = loop.time()
            answer = line.ask(head.encode("latin-1") + body)
            patience = loop.call_later(ANSWER_SECONDS, line.hang_up, "no answer in time")
            try:
                status, found = await answer
            except asyncio.CancelledError:
                line.hang_up()
                raise
            finally:
                patience.cancel()
                if line.open:
                    self._free.append(line)
                else:
                    self._all.discard(line)
                    line.hang_up()
            return status, found, loop.time() - began

    async def _line(self) -> _Line:
        while self._free:
            line = self._free.pop()
            if line.open:
                return line
            self._all.discard(line)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, line = await asyncio.get_running_loop().create_connection(_Line, self._host, self._port)
        except (OSError, TimeoutError) as error:
            raise LineLost(f"no line: {error}") from error
        self._all.add(line)
        return line
