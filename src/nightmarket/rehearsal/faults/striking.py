"""How each fault is done, and undone. Everything here blocks; `injecting` calls it beside the play."""

import contextlib
import errno
import http.client
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import psutil

from nightmarket.kernel.clock import Clock
from nightmarket.platform.home import StartRefused
from nightmarket.platform.postgres.probing import takes_writes
from nightmarket.rehearsal.errors import FaultRefused

from .plan import Fault, Strike, possible
from .processes import ShopProcesses, is_connected, listens

SMALL_DISK_BYTES = 4 * 1024**3
"""A file system larger than this is not filled: it is not ours alone, and it would take too long."""

PIECE_BYTES = 1024 * 1024
AGAIN_SECONDS = 0.2
READY_SECONDS = 3.0
BALLAST = "rehearsal.ballast"


class Silenced(Protocol):
    """Port: a payment provider that can be told to hang."""

    def fall_silent(self, until: datetime) -> None: ...


class Striker:
    """Strikes one shop. Each method says in a few words what it did, or raises FaultRefused."""

    def __init__(self, processes: ShopProcesses, provider: Silenced | None, clock: Clock, seed: int) -> None:
        self._processes = processes
        self._provider = provider
        self._clock = clock
        self._chance = random.Random(f"victims {seed}")  # noqa: S311 (a play, no secrets)

    def possible(self) -> tuple[Fault, ...]:
        """What can strike here."""
        return possible(
            may_fill_disk=sys.platform == "linux",  # by a ballast file, or by a limit on what may be written
            has_provider=self._provider is not None,
            own_database=self._processes.owns_database,
        )

    def strike(self, strike: Strike, over: threading.Event) -> str:
        """Do it. What lasts is begun here, in a thread that ends with its time or when `over` is set."""
        match strike.fault:
            case Fault.KILL_WEB:
                return self._kill("a web process", self._processes.web())
            case Fault.KILL_WORKER:
                return self._kill("the worker", self._processes.worker())
            case Fault.KILL_BACKEND:
                return self._kill("a process of PostgreSQL", self._processes.backends())
            case Fault.KILL_POSTGRES:
                return self._kill("PostgreSQL", [self._processes.postmaster()])
            case Fault.RESTART_POSTGRES:
                process = self._processes.postmaster()
                _signal(process, signal.SIGINT)
                return f"PostgreSQL ({process.pid}) was told to shut down in order"
            case Fault.SILENCE_PROVIDER:
                if self._provider is None:
                    raise FaultRefused("This shop has no provider that could be silenced.")
                self._provider.fall_silent(self._clock.now() + timedelta(seconds=strike.lasts_seconds))
                return f"the provider says nothing for {strike.lasts_seconds:.0f} s"
            case Fault.FILL_DISK:
                return self._fill(strike.lasts_seconds, over)

    def is_back(self, fault: Fault, webs: int) -> bool:
        """Whether all of the shop serves again: as many web processes as before, the worker, a database that writes."""
        processes = self._processes
        try:
            url = processes.database_url if processes.owns_database else processes.settings.database_url
            if url is None or not takes_writes(url):
                return False
            port = urlsplit(url).port or 5432
            web, worker = processes.web(), processes.worker()
            if len(web) < webs or not all(listens(one, processes.settings.port) for one in web):
                return False
            if fault is not Fault.KILL_WEB and not any(is_connected(one, port) for one in worker):
                return False
        except (FaultRefused, StartRefused, OSError):
            return False
        return _answers(processes.settings.port)

    def webs(self) -> int:
        """How many web processes there are now."""
        return len(self._processes.web())

    def _kill(self, what: str, candidates: list[psutil.Process]) -> str:
        if not candidates:
            raise FaultRefused(f"At this moment there is nothing to kill where {what} should be.")
        victim = self._chance.choice(sorted(candidates, key=lambda process: process.pid))
        _signal(victim, signal.SIGKILL)
        return f"kill -9 of {what} ({victim.pid})"

    def _fill(self, seconds: float, over: threading.Event) -> str:
        folder = self._processes.data_folder
        if is_small(folder):
            ballast = folder.parent / BALLAST
            how = f"the disk under {folder.parent.name} is full for {seconds:.0f} s (ENOSPC)"
            work = threading.Thread(target=_keep_full, args=(ballast, seconds, over), name="ballast", daemon=True)
        else:
            _limit(self._processes, set(), "0")  # refused here where it cannot be
            how = f"PostgreSQL may not write for {seconds:.0f} s (RLIMIT_FSIZE: its disk is too large to be filled)"
            work = threading.Thread(
                target=_keep_limited, args=(self._processes, seconds, over), name="file-limit", daemon=True
            )
        work.start()
        return how


def is_small(folder: Path) -> bool:
    """Whether a folder lies on a small file system of its own, which may be filled to the brim."""
    try:
        apart = folder.stat().st_dev != Path("/").stat().st_dev
        return apart and shutil.disk_usage(folder).total <= SMALL_DISK_BYTES
    except OSError:
        return False


def _keep_full(ballast: Path, seconds: float, over: threading.Event) -> None:
    """Fill what is free, again and again until the time is over; then give it back."""
    end = time.monotonic() + seconds
    try:
        with ballast.open("wb", buffering=0) as file:
            while time.monotonic() < end and not over.is_set():
                fill_up(file.fileno())
                over.wait(AGAIN_SECONDS)
    finally:
        ballast.unlink(missing_ok=True)


def fill_up(descriptor: int) -> int:
    """Write until nothing more fits; returns the bytes written."""
    written = 0
    for size in (PIECE_BYTES, 4096):
        zeros = bytes(size)
        while True:
            try:
                written += os.write(descriptor, zeros)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                break
    return written


def _keep_limited(processes: ShopProcesses, seconds: float, over: threading.Event) -> None:
    """Let no process of PostgreSQL write to any file; what is started meanwhile is caught too."""
    end = time.monotonic() + seconds
    known: set[int] = set()
    try:
        while time.monotonic() < end and not over.is_set():
            with contextlib.suppress(FaultRefused):
                known |= _limit(processes, known, "0")
            over.wait(AGAIN_SECONDS / 2)
    finally:
        with contextlib.suppress(FaultRefused):
            _limit(processes, set(), "unlimited")


def _limit(processes: ShopProcesses, known: set[int], most: str) -> set[int]:
    """Set how much PostgreSQL's processes may write, but for those that are known; returns who was reached."""
    reached: set[int] = set()
    try:
        postmaster = processes.postmaster()
        for process in (postmaster, *postmaster.children(recursive=True)):
            if process.pid not in known and process.is_running():
                _limit_one(process, most)
                reached.add(process.pid)
    except psutil.Error:
        return reached  # it has just ended; the next one is caught
    return reached


def _limit_one(process: psutil.Process, most: str) -> None:
    """Only the soft limit, which its owner may raise again; where this account may not, as the process's own."""
    soft = 0 if most == "0" else resource.RLIM_INFINITY
    try:
        _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        soft = hard if soft == resource.RLIM_INFINITY else soft
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (soft, hard))
    except ProcessLookupError:
        return
    except PermissionError:
        program = shutil.which("prlimit")
        if program is None or os.geteuid() != 0:
            raise FaultRefused("This account may not limit what PostgreSQL writes.") from None
        owner = process.uids().real, process.gids().real
        command = [program, f"--pid={process.pid}", f"--fsize={most}:"]
        subprocess.run(command, check=False, capture_output=True, user=owner[0], group=owner[1])  # noqa: S603


def _signal(process: psutil.Process, how: signal.Signals) -> None:
    try:
        process.send_signal(how)
    except psutil.NoSuchProcess:
        raise FaultRefused(f"Process {process.pid} had just ended by itself.") from None
    except psutil.AccessDenied:
        raise FaultRefused(f"Process {process.pid} belongs to another account, so it cannot be struck.") from None


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=READY_SECONDS)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
