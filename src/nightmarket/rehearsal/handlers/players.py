"""Starts the players' processes and hears what they say."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec

from nightmarket.rehearsal.errors import NotRehearsed
from nightmarket.rehearsal.play.brief import Brief, Word

MODULE = "nightmarket.rehearsal.players"
LINE_BYTES = 64_000_000
END_SECONDS = 10.0
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "SSL_CERT_FILE")
"""What of this process's environment players get: they are clients, and shall know nothing of the shop's secrets."""


class Players:
    """One process that leads and some that play. With `workers_here` 0 all workers come from other machines."""

    def __init__(self, host: str, port: int, workers: int, log: Path, *, workers_here: int | None = None) -> None:
        self._host, self._port = host, port
        self._workers = workers
        self._here = workers if workers_here is None else workers_here
        self._log = log
        self._leader: asyncio.subprocess.Process | None = None
        self._others: list[asyncio.subprocess.Process] = []

    @property
    def pids(self) -> list[int]:
        """Those that live."""
        return [one.pid for one in (self._leader, *self._others) if one is not None and one.returncode is None]

    async def start(self, brief: Brief) -> None:
        """Start all, and give the leader its brief."""
        with self._log.open("ab") as log:
            self._leader = await self._start(log, "leader", self._host, str(self._port), str(self._workers))
            near = "127.0.0.1" if self._host in ("0.0.0.0", "*") else self._host  # noqa: S104 (a comparison, no bind)
            for _ in range(self._here):
                self._others.append(await self._start(log, "worker", near, str(self._port)))
        assert self._leader.stdin is not None
        self._leader.stdin.write(msgspec.json.encode(brief) + b"\n")
        await self._leader.stdin.drain()

    async def _start(self, log: object, *words: str) -> asyncio.subprocess.Process:
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            MODULE,
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE if words[0] == "leader" else log,  # pyright: ignore[reportArgumentType]
            stderr=log,  # pyright: ignore[reportArgumentType]
            env={**environment, "PYTHONUNBUFFERED": "1"},
            limit=LINE_BYTES,
            start_new_session=True,  # Ctrl-C is ours to hear, and the players end when they are told
        )

    async def words(self) -> AsyncGenerator[Word]:
        """What the leader says, to its end. Raises NotRehearsed where it says that it cannot."""
        assert self._leader is not None
        assert self._leader.stdout is not None
        decoder = msgspec.json.Decoder(Word)
        async for line in self._leader.stdout:
            word = decoder.decode(line)
            if word.kind == "broken":
                raise NotRehearsed(f"The players could not begin: {word.why} See {self._log}.")
            yield word
            if word.kind == "over":
                return
            if word.kind == "second" and word.score is not None and word.score.left:
                self._check_the_others()
        raise NotRehearsed(f"The players ended before the play did. See {self._log}.")

    def _check_the_others(self) -> None:
        """A play whose shoppers have died half-way would be judged by what was left of it."""
        dead = sum(one.returncode is not None for one in self._others)
        if dead and self._leader is not None and self._leader.stdin is not None and not self._leader.stdin.is_closing():
            raise NotRehearsed(f"{dead} of {len(self._others)} processes of shoppers died on the way. See {self._log}.")

    def send_away(self) -> None:
        """Tell the leader that it is over; it says so when its shoppers are told."""
        if self._leader is not None and self._leader.stdin is not None:
            self._leader.stdin.close()

    async def end(self) -> None:
        """End all that still lives."""
        self.send_away()
        living = [one for one in (self._leader, *self._others) if one is not None and one.returncode is None]
        for one in living:
            await _end(one)


async def _end(process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(END_SECONDS / 5):
            await process.wait()
            return
    except TimeoutError:
        pass
    for ask in (process.terminate, process.kill):
        try:
            ask()
            async with asyncio.timeout(END_SECONDS):
                await process.wait()
                return
        except ProcessLookupError:
            return
        except TimeoutError:
            continue


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens at just now."""
    with socket.socket() as found:
        found.bind((host, 0))
        return int(found.getsockname()[1])
