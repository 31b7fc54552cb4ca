"""Where the current book lies as a file that all processes of the machine map.

A file is made by a program of its own (`packing_program`), so that no request waits for it.
"""

import asyncio
import fcntl
import mmap
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from nightmarket.kernel.problems import Unavailable
from nightmarket.platform.database import Connection
from nightmarket.promotions.model.mapped import PackedBook
from nightmarket.promotions.store import offers as store

CURRENT = "current.book"
LOCK = "making.lock"
HALF_MADE = "making-"
PROGRAM = "nightmarket.promotions.handlers.packing_program"

MAKING_SECONDS = 300
"""A program that takes longer is given up."""

ERROR_LETTERS = 2_000


class Making(msgspec.Struct, frozen=True):
    """What the program is told, on its standard input: the address of the database is nobody else's business."""

    url: str
    number: int
    base: str
    """The file of a book before, which may be used; it need not be there."""
    to: str


class BookFiles:
    """The folder of packed books. A file is only ever replaced as a whole: who maps the old one keeps it."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder, self._url = folder, url

    async def current(self, connection: Connection) -> PackedBook | None:
        """The newest packed book; None where there is none of this database that is whole and of this version."""
        return await usable(connection, self._folder / CURRENT)

    async def make(self, number: int, *, current: bool) -> PackedBook:
        """Pack the book with that number; with `current` it takes the place of the file before. What a process that
        died left half made is removed by the next one."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=HALF_MADE, dir=self._folder, delete=False) as file:
            path = Path(file.name)
        try:
            await _run(Making(self._url, number, str(self._folder / CURRENT), str(path)))
            if current:
                path = await asyncio.to_thread(path.replace, self._folder / CURRENT)
            packed = mapped(path)
        finally:
            if path.name != CURRENT:
                await asyncio.to_thread(path.unlink, missing_ok=True)
        if packed is None:
            raise OSError(f"the packed book {number} cannot be read back")
        return packed

    @asynccontextmanager
    async def making(self) -> AsyncGenerator[None]:
        """One process of the machine makes the current file at a time: once it is this one's turn."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / LOCK).open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            for left in self._folder.glob(f"{HALF_MADE}*"):
                left.unlink(missing_ok=True)
            yield


async def usable(connection: Connection, path: Path) -> PackedBook | None:
    """The packed book in the file, if it is whole, of this version, and of this database."""
    packed = mapped(path)
    if packed is None or await store.stamp(connection, packed.head.number) != packed.head.stamp:
        return None
    return packed


def mapped(path: Path) -> PackedBook | None:
    """The packed book in the file; None where there is none, or a torn one."""
    try:
        with path.open("rb") as file:
            return PackedBook(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
    except (FileNotFoundError, ValueError):  # nothing there, empty, or no packed book of this version
        return None


async def _run(making: Making) -> None:
    """Let the program do it. Raises Unavailable where it cannot."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", PROGRAM, stdin=pipe, stdout=asyncio.subprocess.DEVNULL, stderr=pipe
    )
    try:
        async with asyncio.timeout(MAKING_SECONDS):
            _, said = await process.communicate(msgspec.json.encode(making))
    except TimeoutError:
        raise Unavailable(f"The book {making.number} was not packed within {MAKING_SECONDS} s.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise Unavailable(f"The book {making.number} was not packed: {said.decode(errors='replace')[-ERROR_LETTERS:]}")
