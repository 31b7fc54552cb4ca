"""Where the current book lies as a file that all processes of the machine map."""

import asyncio
import fcntl
import mmap
import os
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from nightmarket.platform.database import Connection
from nightmarket.promotions.model.mapped import PackedBook
from nightmarket.promotions.model.offers import Offer
from nightmarket.promotions.model.packing import Packer, finish
from nightmarket.promotions.store import offers as store

CURRENT = "current.book"
LOCK = "making.lock"
HALF_MADE = "making-"


class BookFiles:
    """The folder of packed books. A file is only ever replaced as a whole: who maps the old one keeps it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def current(self, connection: Connection) -> PackedBook | None:
        """The newest packed book; None where there is none of this database that is whole and of this version."""
        packed = _mapped(self._folder / CURRENT)
        if packed is None or await store.stamp(connection, packed.head.number) != packed.head.stamp:
            return None
        return packed

    async def make(self, connection: Connection, number: int, *, current: bool) -> PackedBook:
        """Pack the book with that number; with `current` it takes the place of the file before. What a process that
        died left half made is removed by the next one."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=HALF_MADE, dir=self._folder)
        path = Path(name)
        try:
            with os.fdopen(handle, "wb", buffering=1 << 20) as file:
                packer = Packer(file)
                async for page in store.pages_at(connection, number):
                    await asyncio.to_thread(_add, packer, page)
                stamp = await store.stamp(connection, number) or ""
                await asyncio.to_thread(finish, packer, file.tell(), number, stamp, file)
                file.flush()
                await asyncio.to_thread(os.fsync, file.fileno())
            if current:
                path = await asyncio.to_thread(path.replace, self._folder / CURRENT)
            packed = _mapped(path)
        finally:
            if path.name != CURRENT:
                await asyncio.to_thread(path.unlink, missing_ok=True)
        if packed is None:
            raise OSError(f"the packed book {number} cannot be read back")
        return packed

    @asynccontextmanager
    async def making(self, *, wait: bool) -> AsyncGenerator[bool]:
        """One process of the machine makes the file: whether it is this one. With `wait`, once it is its turn."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / LOCK).open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not wait:
                    yield False
                    return
                await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            await asyncio.to_thread(_sweep, self._folder)
            yield True


def _sweep(folder: Path) -> None:
    for left in folder.glob(f"{HALF_MADE}*"):
        left.unlink(missing_ok=True)


def _add(packer: Packer, bodies: Sequence[bytes]) -> None:
    for body in bodies:
        packer.add(msgspec.json.decode(body, type=Offer))


def _mapped(path: Path) -> PackedBook | None:
    try:
        with path.open("rb") as file:
            return PackedBook(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
    except (FileNotFoundError, ValueError):  # nothing there, empty, or no packed book of this version
        return None
