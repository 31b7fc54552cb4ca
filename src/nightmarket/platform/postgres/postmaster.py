"""The running server as its own `postmaster.pid` describes it."""

from pathlib import Path

import msgspec
import psutil

START_TOLERANCE_SECONDS = 30
"""`postmaster.pid` and the process table round the start differently; a foreign process that got the same id and began
within this span would have to be called postgres and work in our data folder as well."""


class Postmaster(msgspec.Struct, frozen=True):
    """A live server process that belongs to our data folder."""

    pid: int
    port: int
    ready: bool


def find(data: Path) -> Postmaster | None:
    """The server that runs on this data folder, if it does; a stale file or a stranger's process is not one."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid, folder, started, port = int(lines[0]), lines[1], int(lines[2]), int(lines[3])
    except (OSError, ValueError, IndexError):
        return None
    if Path(folder) != data or not _is_ours(pid, data, started):
        return None
    return Postmaster(pid=pid, port=port, ready=len(lines) > 7 and lines[7].strip() == "ready")


def is_alive(pid: int) -> bool:
    """Whether a process with this id runs; one that has ended and waits to be collected does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _is_ours(pid: int, data: Path, started: int) -> bool:
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE or "postgres" not in process.name():
            return False
        if abs(process.create_time() - started) > START_TOLERANCE_SECONDS:
            return False
        return Path(process.cwd()) == data
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True  # another user's process: `postmaster.pid` is ours, so it is taken at its word
