"""The current book in this process, and earlier ones rebuilt from the revisions."""

from nightmarket.platform.database import Database
from nightmarket.promotions.contract import Book, book_of
from nightmarket.promotions.errors import BookNotFound
from nightmarket.promotions.store import offers as store

MAX_KEPT_BOOKS = 16
"""Earlier books that a process remembers; the oldest goes first."""


class StoredBooks:
    """Implements `contract.Books`. Call `refresh` once before the first `current`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._current = Book(0)
        self._kept: dict[int, Book] = {}

    def current(self) -> Book:
        return self._current

    async def refresh(self) -> Book:
        start = self._current
        offers = {offer.id: offer for offer in (*start.offers, *start.limits)}
        number = start.number
        async with self._database.read() as connection:
            while True:
                page = await store.since(connection, number)
                for book, identity, offer in page:
                    number = book
                    if offer is None:
                        offers.pop(identity, None)
                    else:
                        offers[identity] = offer
                if len(page) < store.PAGE:
                    break
        if number > self._current.number:  # another refresh may have been faster
            self._current = book_of(number, offers.values())
        return self._current

    async def at(self, number: int) -> Book:
        if number == self._current.number:
            return self._current
        if number in self._kept:
            return self._kept[number]
        async with self._database.read() as connection:
            if not 0 <= number <= await store.newest(connection):
                raise BookNotFound(f"There is no book {number} yet.", field="book")
            book = book_of(number, await store.offers_at(connection, number))
        while len(self._kept) >= MAX_KEPT_BOOKS:
            del self._kept[next(iter(self._kept))]
        self._kept[number] = book
        return book
