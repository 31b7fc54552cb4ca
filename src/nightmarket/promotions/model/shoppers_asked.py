"""What the offers of a book ask of shoppers, so that nobody looks up what no offer asks for."""

from .compiled import compile_book
from .offers import Book
from .pointing import Trait


def asks_who(book: Book) -> tuple[bool, bool, bool]:
    """Whether an offer asks for segments, for a first order, for a channel; after a retirement it may still say so."""
    traits = compile_book(book).traits
    return bool(traits & Trait.BY_SEGMENT), bool(traits & Trait.BY_FIRST_ORDER), bool(traits & Trait.BY_CHANNEL)
