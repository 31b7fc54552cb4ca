"""A command in a process of its own, as a person at a terminal has it: what it says, how it stops, what it leaves."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

PATIENCE_SECONDS = 120.0
"""What takes seconds on a quiet machine; tests run beside one another."""


def eventually(what: str, condition: Callable[[], object]) -> None:
    """Wait for a condition; fails, naming what was waited for, when patience ends."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < give_up, f"waited in vain: {what}"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def processes_of(home: Path) -> list[str]:
    """Command lines of processes that name this home and still run, this one left out."""
    found: list[str] = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if str(home) in line and process.pid != os.getpid():
            found.append(line)
    return found


class Terminal:
    """A running command and everything it said."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self.said.append(line.rstrip())

    def heard(self, text: str) -> bool:
        return any(text in line for line in self.said)

    def await_words(self, text: str) -> None:
        eventually(f"{text!r} in {self.said}", lambda: self.heard(text) or self.process.poll() is not None)
        assert self.heard(text), self.said

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(how)
        return self.ended()

    def ended(self) -> int:
        code = self.process.wait(PATIENCE_SECONDS)
        self._reader.join(PATIENCE_SECONDS)
        return code

    def clear_away(self) -> None:
        """End it whatever it does; for the end of a test."""
        if self.process.poll() is None:
            self.process.kill()
        self.ended()
