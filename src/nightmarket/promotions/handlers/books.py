"""The current book in this process, and earlier ones rebuilt from the revisions.

A small book is kept in memory as it is. Once more than FOLD_FROM changes have come together, one process of the machine
folds them into a file that all map; what is published later lies in memory above it until it is folded in its turn.
"""

import asyncio
from pathlib import Path
from uuid import UUID

from nightmarket.platform.database import Connection, Database
from nightmarket.promotions.contract import Book, Offer, book_of
from nightmarket.promotions.errors import BookNotFound
from nightmarket.promotions.model.mapped import MappedBook, PackedBook
from nightmarket.promotions.store import offers as store

from .book_files import BookFiles

MAX_KEPT_BOOKS = 16
"""Earlier books that a process remembers; the oldest goes first."""

FOLD_FROM = 5_000
"""Changes that a process holds in memory before they are folded into the file."""


class StoredBooks:
    """Implements `contract.Books`. Call `refresh` once before the first `current`."""

    def __init__(self, database: Database, folder: Path | None = None, *, fold_from: int = FOLD_FROM) -> None:
        """Without a folder, books are kept in memory whatever their size."""
        self._database = database
        self._files = None if folder is None else BookFiles(folder)
        self._fold_from = fold_from
        self._current = Book(0)
        self._packed: PackedBook | None = None
        self._above: dict[UUID, Offer | None] = {}
        """What has changed since the packed book, or since the first one."""
        self._kept: dict[int, Book] = {}
        self._one_at_a_time = asyncio.Lock()
        self._folding: asyncio.Task[None] | None = None

    def current(self) -> Book:
        return self._current

    async def refresh(self) -> Book:
        async with self._one_at_a_time:
            if self._current.number == 0:
                await self._start()
            await self._read()
            behind = len(self._above) > self._fold_from and (self._folding is None or self._folding.done())
            if self._files is not None and behind:
                self._folding = asyncio.create_task(self._fold(self._files), name="fold-book")
        return self._current

    async def at(self, number: int) -> Book:
        if number == self._current.number:
            return self._current
        if number in self._kept:
            return self._kept[number]
        async with self._database.read() as connection:
            if not 0 <= number <= await store.newest(connection):
                raise BookNotFound(f"There is no book {number} yet.", field="book")
            if self._files is not None and number > self._fold_from:
                book = MappedBook(number, await self._files.make(connection, number, current=False), {}).book
            else:
                book = book_of(number, await store.offers_at(connection, number))
        while len(self._kept) >= MAX_KEPT_BOOKS:
            del self._kept[next(iter(self._kept))]
        self._kept[number] = book
        return book

    async def settled(self) -> None:
        """Once nothing is being folded any more."""
        if self._folding is not None:
            await self._folding

    async def close(self) -> None:
        """Give up what is being folded; the next process begins anew."""
        if self._folding is not None:
            self._folding.cancel()
            await asyncio.gather(self._folding, return_exceptions=True)

    async def _start(self) -> None:
        """Map the file that is there; without one, or with one from long ago, make it first."""
        if self._files is None:
            return
        async with self._database.read() as connection:
            packed = await self._files.current(connection)
            behind = await store.newest(connection) - (packed.head.number if packed else 0)
        if behind <= self._fold_from:
            self._packed = packed
            return
        async with self._files.making(wait=True):
            self._packed = await self._made(self._files)

    async def _made(self, files: BookFiles) -> PackedBook:
        """The file as another process has just made it, else made here; the lock is held."""
        async with self._database.read() as connection:
            newest, packed = await store.newest(connection), await files.current(connection)
            if packed is not None and newest - packed.head.number <= self._fold_from // 2:
                return packed
            return await files.make(connection, newest, current=True)

    async def _fold(self, files: BookFiles) -> None:
        async with files.making(wait=True):
            packed = await self._made(files)
        async with self._one_at_a_time:
            self._packed = packed
            self._above = {}
            self._show(await self._read_from(packed.head.number))

    async def _read(self) -> None:
        number = await self._read_from(self._current.number or (self._packed.head.number if self._packed else 0))
        if self._current.number != number:
            self._show(number)

    async def _read_from(self, number: int) -> int:
        async with self._database.read() as connection:
            while page := await self._page(connection, number):
                number = page
        return number

    async def _page(self, connection: Connection, number: int) -> int | None:
        """Take in the changes after a book, a page of them; the number reached, None where there were none."""
        page = await store.since(connection, number)
        for book, identity, offer in page:
            number = book
            if offer is None and self._packed is None:
                self._above.pop(identity, None)
            else:
                self._above[identity] = offer
        return number if page else None

    def _show(self, number: int) -> None:
        if self._packed is None:
            self._current = book_of(number, (offer for offer in self._above.values() if offer is not None))
        else:
            self._current = MappedBook(number, self._packed, dict(self._above)).book
