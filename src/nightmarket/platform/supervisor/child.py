"""One child process: kept running, its output passed on line by line, stopped when asked."""

import asyncio
import os
import signal
import time
from collections.abc import Callable

import msgspec

from nightmarket.platform.supervisor import lifeline
from nightmarket.platform.supervisor.backoff import Backoff

LINE_BYTES = 16_384
"""A longer line of output is passed on in pieces."""


class ChildSpec(msgspec.Struct, frozen=True):
    """A process to keep running."""

    name: str
    command: list[str]
    environment: dict[str, str]
    stop_first: bool = False
    """Stopped before the others: what takes requests goes before what works in the background."""
    stop_seconds: float = 10.0
    """From SIGTERM to SIGKILL."""


class Child:
    """Keeps one process running until `stop()`. Asks for its spec before each start."""

    def __init__(self, spec: Callable[[], ChildSpec], lifeline_end: int, write: Callable[[str, str], None]) -> None:
        self._spec = spec
        self._lifeline_end = lifeline_end
        self._write = write
        self._backoff = Backoff()
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self.name = spec().name
        self.stop_first = spec().stop_first

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def deaths(self) -> int:
        """How often it has died since it last ran for a stable minute."""
        return self._backoff.deaths

    async def keep_running(self) -> None:
        """Start it, and start it again with back-off whenever it ends; returns after `stop()`."""
        while not self._stopping.is_set():
            began = time.monotonic()
            ended = await self._run_once()
            if self._stopping.is_set():
                return
            delay = self._backoff.after_running(time.monotonic() - began)
            self._write("nightmarket", f"{self.name} {ended}; starting it again in {delay:.1f} s")
            try:
                await asyncio.wait_for(self._stopping.wait(), delay)
            except TimeoutError:
                continue

    async def stop(self, hurry: asyncio.Event) -> None:
        """SIGTERM, and SIGKILL when that takes too long or somebody is in a hurry."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        self._signal(process, signal.SIGTERM)
        ended, hurried = asyncio.ensure_future(process.wait()), asyncio.ensure_future(hurry.wait())
        await asyncio.wait({ended, hurried}, timeout=self._spec().stop_seconds, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if not ended.done():
            self._write("nightmarket", f"{self.name} did not stop in time; ending it")
            self._signal(process, signal.SIGKILL)
        await ended

    def restart(self) -> None:
        """End the present process, so that the next one starts with a fresh spec."""
        if self._process is not None and self._process.returncode is None:
            self._signal(self._process, signal.SIGTERM)

    async def _run_once(self) -> str:
        spec = self._spec()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *spec.command,
                env={**spec.environment, lifeline.VARIABLE: str(self._lifeline_end)},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                pass_fds=(self._lifeline_end,),
                start_new_session=True,  # a Ctrl-C at the terminal reaches the supervisor alone
            )
        except OSError as error:
            return f"did not start ({error})"
        if self._stopping.is_set():
            self._signal(self._process, signal.SIGTERM)
        if self._process.stdout is not None:
            await self._pass_on(self._process.stdout)
        code = await self._process.wait()
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"

    async def _pass_on(self, output: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await output.read(LINE_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._write(self.name, line.decode(errors="replace").rstrip())
            if len(rest) > LINE_BYTES:
                self._write(self.name, rest.decode(errors="replace"))
                rest = b""
        if rest:
            self._write(self.name, rest.decode(errors="replace"))

    @staticmethod
    def _signal(process: asyncio.subprocess.Process, how: signal.Signals) -> None:
        """To the process; the hard end to all that it started as well."""
        try:
            if how == signal.SIGKILL:
                os.killpg(process.pid, how)
            else:
                process.send_signal(how)
        except ProcessLookupError:
            return
