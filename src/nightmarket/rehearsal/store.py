"""Where a rehearsal is kept: small files in the folder `crowd` of the home, since the database is what is killed.

Each file has one writer and appears whole or not at all; every process of the machine may read it at any moment.
"""

import fcntl
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar
from uuid import UUID

import msgspec

from .model import CrowdFigures, Kill, Seen, Wish

FOLDER = "crowd"
FILE_BYTES = 4_000_000
"""More is no file of ours."""

T = TypeVar("T")


class _File(Generic[T]):
    """One struct in one file."""

    def __init__(self, path: Path, shape: type[T]) -> None:
        self._path = path
        self._decoder = msgspec.msgpack.Decoder(shape)
        self._known: tuple[tuple[int, int], T] | None = None

    def read(self) -> T | None:
        """What stands there now; None where nothing does. A file that has not changed is not read again."""
        try:
            stat = self._path.stat()
            mark = (stat.st_mtime_ns, stat.st_ino)
            if self._known is None or self._known[0] != mark:
                if stat.st_size > FILE_BYTES:
                    return None
                self._known = (mark, self._decoder.decode(self._path.read_bytes()))
        except (OSError, msgspec.DecodeError):
            return None
        return self._known[1]

    def write(self, value: T) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, unfinished = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=self._path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.msgpack.encode(value))
            Path(unfinished).replace(self._path)
        except OSError:
            Path(unfinished).unlink(missing_ok=True)
            raise


class Folder:
    """The files of a home's rehearsal: what was asked for, what the crowd and the witness see, stop and kill."""

    def __init__(self, home: Path) -> None:
        self.path = home / FOLDER
        self.wish: _File[Wish] = _File(self.path / "wish", Wish)
        self.crowd: _File[CrowdFigures] = _File(self.path / "figures", CrowdFigures)
        self.seen: _File[Seen] = _File(self.path / "seen", Seen)
        self.kill: _File[Kill] = _File(self.path / "kill", Kill)
        self.stop: _File[UUID] = _File(self.path / "stop", UUID)

    @contextmanager
    def alone(self) -> Generator[None]:
        """Only one process at a time asks for a crowd."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.path / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def clear(self) -> None:
        """Forget the last rehearsal."""
        for file in self.path.glob("*"):
            file.unlink(missing_ok=True)
