"""The current book in this process, and earlier ones rebuilt from the revisions.

What was published is put on top as it is read, so that a switch costs what changed and not what there is. Once more
than FOLD_FROM changes have come together, a process aside folds them into a file that all processes map.
"""

import asyncio
from pathlib import Path
from uuid import UUID

from nightmarket.platform.database import Connection, Database
from nightmarket.promotions.contract import Book, Offer, book_of
from nightmarket.promotions.errors import BookNotFound
from nightmarket.promotions.model.compiled import CompiledBook
from nightmarket.promotions.model.mapped import PackedBook
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
        self._files = None if folder is None else BookFiles(folder, database.url)
        self._fold_from = fold_from
        self._current = CompiledBook.begin(0, None)
        self._kept: dict[int, Book] = {}
        self._one_at_a_time = asyncio.Lock()
        self._folding: asyncio.Task[None] | None = None

    def current(self) -> Book:
        return self._current.book

    async def refresh(self) -> Book:
        async with self._one_at_a_time:
            if self._current.book.number == 0:
                await self._start()
            self._current = await self._read(self._current)
            behind = len(self._current.changes) > self._fold_from and (self._folding is None or self._folding.done())
            if self._files is not None and behind:
                self._folding = asyncio.create_task(self._fold(self._files), name="fold-book")
        return self._current.book

    async def at(self, number: int) -> Book:
        if number == self._current.book.number:
            return self._current.book
        if number in self._kept:
            return self._kept[number]
        async with self._database.read() as connection:
            if not 0 <= number <= await store.newest(connection):
                raise BookNotFound(f"There is no book {number} yet.", field="book")
            small = self._files is None or number <= self._fold_from
            book = book_of(number, await store.offers_at(connection, number)) if small else None
        if book is None and self._files is not None:
            book = CompiledBook.begin(number, await self._files.make(number, current=False)).book
        assert book is not None
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
        if behind > self._fold_from:
            async with self._files.making():
                packed = await self._made(self._files)
        if packed is not None:
            self._current = CompiledBook.begin(packed.head.number, packed)

    async def _made(self, files: BookFiles) -> PackedBook:
        """The file as another process has just made it, else made here; the lock is held."""
        async with self._database.read() as connection:
            newest, packed = await store.newest(connection), await files.current(connection)
        if packed is not None and newest - packed.head.number <= self._fold_from // 2:
            return packed
        return await files.make(newest, current=True)

    async def _fold(self, files: BookFiles) -> None:
        async with files.making():
            packed = await self._made(files)
        async with self._one_at_a_time:
            self._current = await self._read(CompiledBook.begin(packed.head.number, packed))

    async def _read(self, book: CompiledBook) -> CompiledBook:
        """The book with all that was published after it, taken in page by page: each takes a few milliseconds."""
        async with self._database.read() as connection:
            while page := await _page(connection, book.book.number):
                number, changes = page
                book = book.then(number, changes)
        return book


async def _page(connection: Connection, number: int) -> tuple[int, dict[UUID, Offer | None]] | None:
    """A page of the changes after a book and the number that they reach; None where there were none."""
    rows = await store.since(connection, number)
    return (rows[-1][0], {identity: offer for _, identity, offer in rows}) if rows else None
