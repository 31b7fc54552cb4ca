"""The processes of one shop, told from everybody else's: found from its own locked pid file downwards, never by name.

A process is remembered with the instant of its birth (psutil), so an id that was given to a stranger meanwhile is not
touched.
"""

import os
from pathlib import Path

import psutil

from nightmarket.platform.home import StartRefused
from nightmarket.platform.postgres import EmbeddedPostgres
from nightmarket.platform.settings import Settings
from nightmarket.platform.supervisor import running
from nightmarket.rehearsal.errors import FaultRefused

WEB, WORKER = "nightmarket.entrypoints.web", "nightmarket.entrypoints.worker"
BACKEND = "postgres: nightmarket"
"""How a process of PostgreSQL calls itself that serves one of the shop's connections."""


class ShopProcesses:
    """Looks anew at each call: what dies is another process afterwards. Raises FaultRefused where nothing is ours."""

    def __init__(self, settings: Settings) -> None:
        if not settings.is_loopback:
            raise FaultRefused("Faults strike only a shop of this machine that nobody else can reach.")
        self.settings = settings
        self._server = EmbeddedPostgres(settings.home)
        self.owns_database = settings.database_url in (None, self._address())
        """Whether the shop's database is the one that this home brings along."""

    def supervisor(self) -> psutil.Process:
        """`nightmarket up` of this home; its pid file is locked for as long as it lives."""
        instance = running(self.settings.home)
        if instance is None or not instance.pid:
            raise FaultRefused(f"No shop is open on {self.settings.home}.")
        return _process(instance.pid, "The shop's supervisor")

    def web(self) -> list[psutil.Process]:
        """The web processes that live."""
        return self._children(WEB)

    def worker(self) -> list[psutil.Process]:
        return self._children(WORKER)

    def postmaster(self) -> psutil.Process:
        """PostgreSQL, where this home has brought it along."""
        try:
            pid = self._server.pid() if self.owns_database else None
        except (StartRefused, OSError):
            pid = None
        if pid is None:
            raise FaultRefused("The database that this shop has started itself does not run just now.")
        return _process(pid, "The database")

    def backends(self) -> list[psutil.Process]:
        """The processes of PostgreSQL that serve connections."""
        found: list[psutil.Process] = []
        for child in self.postmaster().children():
            try:
                if " ".join(child.cmdline()).startswith(BACKEND):
                    found.append(child)
            except psutil.Error:
                continue
        return found

    @property
    def database_url(self) -> str:
        """Where the database is now; it may move to another port when it is started again."""
        return self._server.url

    @property
    def data_folder(self) -> Path:
        """Where PostgreSQL writes; raises FaultRefused where it does not run."""
        return Path(self.postmaster().cwd())

    def _address(self) -> str | None:
        try:
            return self._server.url
        except (StartRefused, OSError):
            return None

    def _children(self, module: str) -> list[psutil.Process]:
        found: list[psutil.Process] = []
        for child in self.supervisor().children():
            try:
                ours = module in child.cmdline() and child.status() != psutil.STATUS_ZOMBIE
            except psutil.Error:
                continue
            if ours:
                found.append(child)
        return found


def listens(process: psutil.Process, port: int) -> bool:
    """Whether the process, or one that it started, takes connections at a port."""
    return any(port == there[1] for state, there, _ in _lines(process) if state == psutil.CONN_LISTEN and there)


def is_connected(process: psutil.Process, port: int) -> bool:
    """Whether it holds a connection to a port, such as its database's."""
    return any(port == far[1] for state, _, far in _lines(process) if state == psutil.CONN_ESTABLISHED and far)


def _lines(process: psutil.Process) -> list[tuple[str, tuple[object, ...], tuple[object, ...]]]:
    found: list[tuple[str, tuple[object, ...], tuple[object, ...]]] = []
    try:
        for one in (process, *process.children(recursive=True)):
            found += [(line.status, tuple(line.laddr), tuple(line.raddr)) for line in one.net_connections("tcp")]
    except psutil.Error:
        return found
    return found


def _process(pid: int, what: str) -> psutil.Process:
    try:
        process = psutil.Process(pid)
        assert process.pid not in (0, 1, os.getpid()), "never ourselves"
        return process
    except psutil.NoSuchProcess:
        raise FaultRefused(f"{what} has just ended.") from None
