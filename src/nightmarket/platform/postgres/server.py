"""The PostgreSQL that Nightmarket brings along: started, adopted, watched and stopped, one per home folder."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

import msgspec
import psutil
import psycopg

from nightmarket.platform.home import StartRefused
from nightmarket.platform.postgres import postmaster
from nightmarket.platform.postgres.account import server_account
from nightmarket.platform.postgres.binaries import privileges, programs
from nightmarket.platform.postgres.cluster import OWNER, Cluster, ensure, environment, write_config
from nightmarket.platform.postgres.layout import SHELTER, Layout, Remembered
from nightmarket.platform.postgres.tuning import Machine, render, server_settings

START_SECONDS = 120
"""How long a start may take; crash recovery after a long festival day is the slow case."""

RETRY_SECONDS = 15
"""How long a start waits for the last children of a killed server to let go of its memory."""

STOP_SECONDS = 30
"""How long a fast shutdown may take before it becomes an immediate one."""

LOG_BYTES = 20 * 1024 * 1024
"""The log's size at which it moves to `postgres.log.1`, which it replaces."""

_POLL_SECONDS = 0.02
_RETRY_PAUSE_SECONDS = 0.2


class ServerOptions(msgspec.Struct, frozen=True):
    """What a caller may choose; the defaults are right for a shop."""

    account: str | None = None
    """As root: the account that the server runs as, instead of the first of `account.PREFERRED`."""
    durable: bool = True
    """False only for throw-away test clusters."""
    shelter: Path = SHELTER
    """As root: where the cluster goes when that account may not enter the home."""


_SPAWNED: "list[subprocess.Popen[bytes]]" = []
"""Servers that this process began. They may outlive the object that did so, and have to be collected when they end."""


def _reap() -> None:
    _SPAWNED[:] = [process for process in _SPAWNED if process.poll() is None]


def _silent(_: str) -> None:
    """Nobody listens."""


class EmbeddedPostgres:
    """The server of one home folder. Processes that use it hold a shared lock; the last to `stop()` ends it.

    `start()` gives the URL of its database and may be called while it runs: it then joins in, also when the process
    that had started it is gone. Not for several threads at a time.
    """

    def __init__(
        self, home: Path, options: ServerOptions | None = None, *, say: Callable[[str], None] = _silent
    ) -> None:
        self.layout = Layout(home)
        self.options = options or ServerOptions()
        self._say = say
        self._use: IO[str] | None = None

    @property
    def url(self) -> str:
        """The database's address, with its password. Raises StartRefused before the first start."""
        remembered = self.layout.remembered()
        if remembered is None:
            raise StartRefused(f"There is no database in {self.layout.home} yet: run `nightmarket up` first.")
        return f"postgresql://{OWNER}:{quote(self.layout.password())}@127.0.0.1:{remembered.port}/{OWNER}"

    def is_running(self) -> bool:
        return self._running() is not None

    def pid(self) -> int | None:
        """The server's process id while it runs."""
        found = self._running()
        return found.pid if found else None

    def start(self) -> str:
        """Start the server, or join the one that runs; returns its URL once it answers. Raises StartRefused."""
        self.layout.prepare()
        with _locked(self.layout.start_lock):
            found = self._running()
            if found is None:
                self._start(self._prepare_cluster())
            else:
                self._adopt(found)
            self._ensure_database()
        self._hold()
        return self.url

    def stop(self) -> bool:
        """Let go of the server and shut it down unless others use it; False when it was left running for them."""
        if not self.layout.home.is_dir():
            return True
        with _locked(self.layout.start_lock):
            self._let_go()
            if not _is_free(self.layout.use_lock):
                return False
            found = self._running()
            if found is not None:
                self._shut_down(found.pid)
            return True

    @contextmanager
    def lent(self) -> Generator[str]:
        """The URL for the length of a block: started for it if need be, and stopped after if nobody else uses it."""
        url = self.start()
        try:
            yield url
        finally:
            self.stop()

    def trim_log(self) -> None:
        """Keep the log within `LOG_BYTES` and one predecessor. The server writes on at the end of what is left."""
        log = self.layout.log_file
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.with_name(log.name + ".1").write_bytes(log.read_bytes())
            os.truncate(log, 0)

    # Starting

    def _running(self) -> postmaster.Postmaster | None:
        _reap()
        remembered = self.layout.remembered()
        return postmaster.find(Path(remembered.base) / "cluster" / "data") if remembered else None

    def _prepare_cluster(self) -> Cluster:
        account = server_account(self.options.account)
        remembered = self.layout.remembered()
        base = Path(remembered.base) if remembered else self.layout.base_for(account, self.options.shelter)
        if base != self.layout.home and not remembered:
            self._say(
                f"The account {account.name if account else ''} may not enter {self.layout.home}; "
                f"the database is kept in {base} instead."
            )
        cluster = Cluster(folder=base / "cluster", programs=programs(account, base), account=account)
        if ensure(cluster, self.layout.password()):
            self._say("Made a new database.")
        port = remembered.port if remembered and _port_is_free(remembered.port) else _free_port()
        self.layout.remember(Remembered(port=port, base=str(base)))
        write_config(
            cluster, render(server_settings(_this_machine(cluster.folder), port, durable=self.options.durable))
        )
        return cluster

    def _start(self, cluster: Cluster) -> None:
        give_up = time.monotonic() + RETRY_SECONDS
        while True:
            log_from = self._log_size()
            process = self._spawn(cluster)
            _SPAWNED.append(process)
            if self._wait_until_ready(cluster, process, log_from):
                return
            output = self._log_since(log_from)
            held = "pre-existing shared memory block" in output or "lock file" in output
            if not held or time.monotonic() > give_up:
                raise StartRefused(_explain(output, self.layout.log_file))
            time.sleep(_RETRY_PAUSE_SECONDS)
            _reap()  # a server that was just killed counts as running until it is collected

    def _spawn(self, cluster: Cluster) -> "subprocess.Popen[bytes]":
        self.trim_log()
        with self.layout.log_file.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 (a program of ours, no shell)
                [str(cluster.programs / "postgres"), "-D", str(cluster.data)],
                cwd="/",
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C at the terminal is not for the server
                **privileges(cluster.account),
            )

    def _wait_until_ready(self, cluster: Cluster, process: "subprocess.Popen[bytes]", log_from: int) -> bool:
        """False when the process ended instead."""
        give_up = time.monotonic() + START_SECONDS
        recovering = False
        while process.poll() is None:
            if not recovering and "database system was interrupted" in self._log_since(log_from):
                recovering = True
                self._say("The database was not shut down properly; it recovers from its log.")
            found = postmaster.find(cluster.data)
            if found is not None and found.pid == process.pid and found.ready:
                if recovering:
                    self._say("The database has recovered.")
                return True
            if time.monotonic() > give_up:
                raise StartRefused(
                    f"The database is not ready after {START_SECONDS} s and goes on starting; see "
                    f"{self.layout.log_file}, and start again when it says that it is ready."
                )
            time.sleep(_POLL_SECONDS)
        return False

    def _adopt(self, found: postmaster.Postmaster) -> None:
        remembered = self.layout.remembered()
        if remembered is not None and remembered.port != found.port:
            self.layout.remember(Remembered(port=found.port, base=remembered.base))
        give_up = time.monotonic() + START_SECONDS
        while not found.ready:
            if time.monotonic() > give_up:
                raise StartRefused(
                    f"The database (process {found.pid}) runs but does not get ready; see {self.layout.log_file}."
                )
            time.sleep(_POLL_SECONDS)
            again = self._running()
            if again is None:
                return self._start(self._prepare_cluster())
            found = again
        return None

    def _ensure_database(self) -> None:
        """Make the database on first start; also proves that the server takes our password."""
        url = self.url.rsplit("/", 1)[0] + "/postgres"
        try:
            with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
                known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [OWNER]).fetchone()
                if known is None:
                    connection.execute(f"CREATE DATABASE {OWNER}")
        except psycopg.OperationalError as error:
            raise StartRefused(
                f"The database of {self.layout.home} runs but refuses us: {error}. Does "
                f"{self.layout.password_file.name} still hold the password that it was made with?"
            ) from error

    # Stopping

    def _shut_down(self, pid: int) -> None:
        """SIGINT ends sessions and writes a checkpoint; what hangs is ended harder, and repaired at the next start."""
        for how, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
            try:
                os.kill(pid, how)
            except ProcessLookupError:
                return
            if self._ended_within(pid, seconds):
                return
            self._say(f"The database did not stop within {seconds} s; pressing harder.")

    def _ended_within(self, pid: int, seconds: float) -> bool:
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            _reap()
            if not postmaster.is_alive(pid):
                return True
            time.sleep(_POLL_SECONDS)
        return False

    # Locks and logs

    def _hold(self) -> None:
        if self._use is None:
            self._use = self.layout.use_lock.open("a")
            fcntl.flock(self._use, fcntl.LOCK_SH)

    def _let_go(self) -> None:
        if self._use is not None:
            self._use.close()
            self._use = None

    def _log_size(self) -> int:
        return self.layout.log_file.stat().st_size if self.layout.log_file.exists() else 0

    def _log_since(self, offset: int) -> str:
        with self.layout.log_file.open("rb") as log:
            log.seek(offset)
            return log.read(65_536).decode(errors="replace")


@contextmanager
def _locked(file: Path) -> Generator[None]:
    """Only one process at a time starts or stops the server of a home."""
    with file.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _is_free(file: Path) -> bool:
    with file.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _this_machine(folder: Path) -> Machine:
    return Machine(psutil.virtual_memory().total, os.cpu_count() or 1, shutil.disk_usage(folder).total)


def _explain(output: str, log_file: Path) -> str:
    if "No space left on device" in output:
        return f"The disk is full, so the database does not start. Free some space and start again ({log_file})."
    if "shared memory" in output or "lock file" in output:
        return f"Another PostgreSQL still holds the data folder; end it and start again. It said:\n{output.strip()}"
    return f"The database did not start. It said:\n{output.strip()[-2000:]}\nAll of it is in {log_file}."
