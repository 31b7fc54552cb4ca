"""Where a rehearsal is kept: small files in the folder `crowd` of the home, since the database is what is killed; and a
row for each run, so that the key and the orders of one that was cut off are found again.

Each file has one writer and appears whole or not at all; every process of the machine may read it at any moment.
"""

import fcntl
import os
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Generic, TypeVar
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection

from .model import CrowdFigures, Kill, Seen, Wish
from .records import Plan

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


UNENDED_LIMIT = 100


class OpenRun(msgspec.Struct, frozen=True):
    """A run that has not ended, or was cut off."""

    id: UUID
    key: UUID
    asked_at: datetime
    keeps: bool


async def insert_run(tx: Connection, id: UUID, key: UUID, plan: Plan, at: datetime) -> None:
    await tx.execute(
        "INSERT INTO rehearsal.run (id, key, asked_at, asked_by, plan) VALUES ($1, $2, $3, $4, $5::text::jsonb)",
        id,
        key,
        at,
        plan.asked_by,
        msgspec.json.encode(plan).decode(),
    )


async def end_run(tx: Connection, id: UUID, outcome: str, at: datetime) -> None:
    """Once: the first outcome stays."""
    await tx.execute(
        "UPDATE rehearsal.run SET ended_at = $3, outcome = $2 WHERE id = $1 AND ended_at IS NULL", id, outcome, at
    )


async def unended(connection: Connection) -> Sequence[OpenRun]:
    """The oldest first."""
    rows = await connection.fetch(
        """
        SELECT id, key, asked_at, coalesce((plan->>'keep')::boolean, false) AS keeps FROM rehearsal.run
        WHERE ended_at IS NULL ORDER BY id LIMIT $1
        """,
        UNENDED_LIMIT,
    )
    return [OpenRun(row["id"], row["key"], row["asked_at"], row["keeps"]) for row in rows]
