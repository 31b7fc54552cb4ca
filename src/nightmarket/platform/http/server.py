"""The server: uvicorn inside our own event loop, on a port that the web processes of a machine share."""

import asyncio
import contextlib
import resource
import socket
import sys
from collections.abc import Generator

import msgspec
import uvicorn

from .edge import Edge
from .protocol import Connection
from .state import Patience, State

SWEEP_SECONDS = 1.0
SPARE_FILES = 200
"""Open files that are kept for everything but clients."""


class Listening(msgspec.Struct, frozen=True, kw_only=True):
    """Where to listen, and the bounds of one process."""

    host: str
    port: int
    backlog: int = 2_048
    connections: int = 12_000
    grace_seconds: int = 10
    """How long answers under way may take once the server is told to stop."""

    patience: Patience = Patience()


class Server(uvicorn.Server):
    """Serves an edge until it is told to stop. Who runs it listens to signals."""

    def __init__(self, edge: Edge, listening: Listening) -> None:
        super().__init__(
            uvicorn.Config(
                edge,
                http=Connection,
                ws="none",
                interface="asgi3",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                backlog=listening.backlog,
                timeout_graceful_shutdown=listening.grace_seconds,
            )
        )
        self._listening = listening
        room = min(listening.connections, _open_files() - SPARE_FILES)
        self._state = self.server_state = State(edge, room, listening.patience)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Nothing: the process has its own ears."""
        yield

    async def run_until_stopped(self) -> None:
        """Listen, answer, and after `stop` finish what is under way."""
        listener = _listen(self._listening)
        sweeping = asyncio.create_task(self._sweep(), name="connections")
        try:
            await self.serve(sockets=[listener])
        finally:
            sweeping.cancel()
            listener.close()

    def stop(self) -> None:
        """Take no more connections; end those that wait for nothing; answer what is asked already."""
        self.should_exit = True

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self._state.sweep(int(loop.time() - began))


def _listen(where: Listening) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sys.platform == "linux":  # elsewhere there is one web process
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _open_files() -> int:
    """How many files this process may open, after asking for as many as it is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
