"""How long a price holds by itself: between two bounds of the book's offers and limits, time alone changes nothing."""

from datetime import datetime
from typing import NamedTuple

from .compiled import compile_book
from .layers import EVER, NEVER
from .offers import Book


class Span(NamedTuple):
    """The instants from `since` on and before `until`."""

    since: datetime
    until: datetime


def steady(book: Book, now: datetime) -> Span:
    """The span around an instant in which the same offers and limits of the book are live throughout: for the same
    cart and shopper, price and demand are the same at each instant in it."""
    since, until = compile_book(book).span(now)
    return Span(since or NEVER, until or EVER)
