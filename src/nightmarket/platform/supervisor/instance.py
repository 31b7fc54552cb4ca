"""One running Nightmarket per home: a pid file that is locked for as long as it runs."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from nightmarket.platform.home import StartRefused

FILE_NAME = "nightmarket.pid"


class Instance(msgspec.Struct, frozen=True):
    """What the pid file says."""

    pid: int
    address: str


def running(home: Path) -> Instance | None:
    """The Nightmarket that runs on this home, if one does."""
    file = home / FILE_NAME
    if not file.exists():
        return None
    with file.open("rb") as stream:
        if _try_lock(stream, fcntl.LOCK_SH):
            return None
        return _read(stream)


@contextmanager
def claim(home: Path, address: str) -> Generator[bool]:
    """Be the one that runs on this home; raises StartRefused when another is. Gives True when the last was cut off."""
    with (home / FILE_NAME).open("ab+") as stream:
        if not _try_lock(stream, fcntl.LOCK_EX):
            other = _read(stream)
            raise StartRefused(
                f"Nightmarket runs on {home} already (process {other.pid}, {other.address}). Stop it with Ctrl-C or "
                f"`kill {other.pid}`, or give this one a folder of its own with NIGHTMARKET_HOME."
            )
        stream.seek(0)
        cut_off = bool(stream.read())
        _write(stream, msgspec.json.encode(Instance(pid=os.getpid(), address=address)))
        try:
            yield cut_off
        finally:
            _write(stream, b"")


def _try_lock(stream: IO[bytes], how: int) -> bool:
    try:
        fcntl.flock(stream, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(stream: IO[bytes]) -> Instance:
    stream.seek(0)
    try:
        return msgspec.json.decode(stream.read(), type=Instance)
    except msgspec.DecodeError:
        return Instance(pid=0, address="just starting")


def _write(stream: IO[bytes], content: bytes) -> None:
    stream.truncate(0)
    stream.write(content)
    stream.flush()
