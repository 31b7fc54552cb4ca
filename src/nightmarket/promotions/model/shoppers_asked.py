"""What the offers of a book ask of shoppers, so that nobody looks up what no offer asks for."""

from .offers import Book


def asks_who(book: Book) -> tuple[bool, bool, bool]:
    """Whether an offer asks for segments, for a first order, for a channel."""
    segments = first_order = channels = False
    for offer in (*book.offers, *book.limits):
        wanted = offer.condition
        segments = segments or bool(wanted.segments)
        first_order = first_order or wanted.first_order
        channels = channels or bool(wanted.channels)
    return segments, first_order, channels
