"""A line to the server that a test can cut: a small TCP proxy that knows a COMMIT when it sees one."""

import asyncio
import re
from enum import StrEnum
from urllib.parse import urlsplit

COMMIT = b"COMMIT;\x00"
PREPARED = re.compile(rb"(__asyncpg_\w+)\x00COMMIT\x00")
"""Where a pipelined transaction names its COMMIT; a Bind that follows has the name between two zeros."""

CHUNK_BYTES = 65_536


class Cut(StrEnum):
    """Where the line breaks when the next COMMIT comes."""

    BEFORE_COMMIT = "before"  # the server never sees it and rolls back
    DURING_COMMIT = "during"  # the server has it, the client goes at once
    BEFORE_ANSWER = "answer"  # the server has done it, the client never hears so


class Line:
    """Open with `await Line.open(url)`; clients use `line.url`. Each cut in `cuts` works once, in order."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        self._target = (parts.hostname, parts.port)
        self._parts = parts
        self._server: asyncio.Server | None = None
        self._port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._clients: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.cuts: list[Cut] = []
        self.connections = 0

    @classmethod
    async def open(cls, url: str) -> "Line":
        line = cls(url)
        await line.back()
        return line

    @property
    def url(self) -> str:
        account = self._parts.netloc.rpartition("@")[0]
        return self._parts._replace(netloc=f"{account}@127.0.0.1:{self._port}").geturl()

    async def back(self) -> None:
        """Listen, at the same port as before."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    def away(self) -> None:
        """Refuse new connections and break those there are."""
        assert self._server
        self._server.close()
        for client in self._clients:
            client.transport.abort()

    def stall(self) -> None:
        """Say nothing more on the connections there are, but do not break them; new ones work."""
        self._flowing.clear()
        self._flowing = asyncio.Event()
        self._flowing.set()

    async def close(self) -> None:
        self.away()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        self._clients.add(client)
        self.connections += 1
        from_server, server = await asyncio.open_connection(*self._target)
        flowing = self._flowing
        unheard = asyncio.Event()
        names = [COMMIT]
        answers = asyncio.create_task(self._answer(from_server, client, flowing, unheard))
        try:
            while chunk := await reader.read(CHUNK_BYTES):
                await flowing.wait()
                names += [b"\0%b\0" % name for name in PREPARED.findall(chunk)]
                cut = self.cuts.pop(0) if self.cuts and any(name in chunk for name in names) else None
                if cut is Cut.BEFORE_COMMIT:
                    break
                if cut is Cut.BEFORE_ANSWER:
                    unheard.set()
                server.write(chunk)
                await server.drain()
                if cut is Cut.DURING_COMMIT:
                    client.transport.abort()
                    await answers
                    break
        except (ConnectionError, asyncio.CancelledError):  # streams log a handler that was cancelled
            pass
        finally:
            answers.cancel()
            client.transport.abort()
            server.transport.abort()
            self._clients.discard(client)
            self._tasks.discard(task)

    async def _answer(
        self, reader: asyncio.StreamReader, client: asyncio.StreamWriter, flowing: asyncio.Event, unheard: asyncio.Event
    ) -> None:
        try:
            while chunk := await reader.read(CHUNK_BYTES):
                await flowing.wait()
                if unheard.is_set():
                    break
                client.write(chunk)
                await client.drain()
        except ConnectionError:
            pass
        client.transport.abort()
