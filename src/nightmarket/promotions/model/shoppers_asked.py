"""What the offers of a book ask of shoppers, so that nobody looks up what no offer asks for."""

from .compiled import compile_book
from .offers import Book
from .pointing import ASKS


def asks_who(book: Book) -> tuple[bool, bool, bool]:
    """Whether an offer asks for segments, for a first order, for a channel; after a retirement it may still say so."""
    leads = compile_book(book).leads
    return leads(ASKS, "segments"), leads(ASKS, "first_order"), leads(ASKS, "channels")
