"""How long a price holds by itself: between two bounds of the book's offers and limits, time alone changes nothing."""

from bisect import bisect_right
from datetime import UTC, datetime
from typing import NamedTuple

from .offers import Book, boundaries

EVER = datetime.max.replace(tzinfo=UTC)
NEVER = datetime.min.replace(tzinfo=UTC)

MAX_BOOKS = 8
"""Books whose bounds are kept at once; the oldest goes first."""


class Span(NamedTuple):
    """The instants from `since` on and before `until`."""

    since: datetime
    until: datetime


def steady(book: Book, now: datetime) -> Span:
    """The span around an instant in which the same offers and limits of the book are live throughout: for the same
    cart and shopper, price and demand are the same at each instant in it."""
    bounds = _bounds(book)
    place = bisect_right(bounds, now)
    return Span(bounds[place - 1] if place else NEVER, bounds[place] if place < len(bounds) else EVER)


_kept: dict[int, tuple[Book, list[datetime]]] = {}
"""By the identity of a book, which is kept alive beside its bounds, so that no other can have it."""


def _bounds(book: Book) -> list[datetime]:
    found = _kept.get(id(book))
    if found is None:
        offers = (*book.offers, *book.limits)
        bounds = {bound for offer in offers for bound in boundaries(offer)}
        found = (book, sorted(bounds))
        while len(_kept) >= MAX_BOOKS:
            _kept.pop(next(iter(_kept)), None)
        _kept[id(book)] = found
    return found[1]
