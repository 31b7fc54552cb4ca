"""A page that is the same for everyone, as bytes with gaps where each visit differs: pure.

A template writes a mark where a gap is to be; the rendered page is cut at the marks once and joined again for each
visitor, with what is theirs in between. Marks carry a word that nobody can guess, so that no text of a merchant's is
ever taken for one.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from uuid import UUID

from markupsafe import Markup

OPENS, CLOSES = "[[", "]]"


class Gaps:
    """Marks for one rendering, and the tallies whose stock it shows: `items` by the id of variant or product."""

    def __init__(self, word: str) -> None:
        self.word = word
        self.items: dict[str, tuple[UUID, ...]] = {}

    def live(self, id: str, tallies: tuple[UUID, ...]) -> None:
        """The page shows what is left of this."""
        self.items[id] = tallies

    def stock(self, id: str, style: str) -> Markup:
        return self._mark("stock", f"{id}.{style}")

    def room(self, product: UUID) -> Markup:
        """What is to be said of a waiting room before this product, if one stands there."""
        return self._mark("room", product.hex)

    @property
    def token(self) -> Markup:
        """The hidden field of a form."""
        return self._mark("token", "")

    @property
    def count(self) -> Markup:
        """How many units are in the cart."""
        return self._mark("count", "")

    @property
    def now(self) -> Markup:
        """The server's time in milliseconds since 1970, at the moment of sending."""
        return self._mark("now", "")

    def _mark(self, kind: str, about: str) -> Markup:
        return Markup(f"{OPENS}{self.word}:{kind}:{about}{CLOSES}")  # noqa: S704 (our own words)


@dataclass(frozen=True, slots=True)
class Frame:
    """A rendered page, cut. `stock` is (place among the parts, place among the items, style), `rooms` (place among the
    parts, product)."""

    parts: tuple[bytes, ...]
    tokens: tuple[int, ...]
    counts: tuple[int, ...]
    clocks: tuple[int, ...]
    stock: tuple[tuple[int, int, str], ...]
    rooms: tuple[tuple[int, UUID], ...]
    items: tuple[tuple[UUID, ...], ...]
    outs: tuple[bool, ...]
    """Which items were sold out when it was rendered: the shape of the page follows from these."""
    tallies: tuple[UUID, ...]
    things: frozenset[UUID]
    """Products and variants whose change makes the page untrue."""
    language: str
    size: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Terms:
    """Until when a frame holds: by book, directory and time."""

    book: int
    directory: int
    until: datetime


def cut(page: bytes, gaps: Gaps, outs: Mapping[str, bool], things: frozenset[UUID], language: str) -> Frame:
    """The page at its marks. Raises KeyError where a mark names an item that was not declared live."""
    pattern = re.compile(rb"\[\[%s:([a-z]+):([a-z0-9_.]*)\]\]" % re.escape(gaps.word.encode()))
    ids = list(gaps.items)
    numbers = {id: number for number, id in enumerate(ids)}
    parts: list[bytes] = []
    places: dict[str, list[int]] = {"token": [], "count": [], "now": []}
    stock: list[tuple[int, int, str]] = []
    rooms: list[tuple[int, UUID]] = []
    end = 0
    for found in pattern.finditer(page):
        parts.append(page[end : found.start()])
        kind, about = found[1].decode(), found[2].decode()
        if kind == "stock":
            id, _, style = about.partition(".")
            stock.append((len(parts), numbers[id], style))
        elif kind == "room":
            rooms.append((len(parts), UUID(about)))
        else:
            places[kind].append(len(parts))
        parts.append(b"")
        end = found.end()
    parts.append(page[end:])
    return Frame(
        parts=tuple(parts),
        tokens=tuple(places["token"]),
        counts=tuple(places["count"]),
        clocks=tuple(places["now"]),
        stock=tuple(stock),
        rooms=tuple(rooms),
        items=tuple(gaps.items[id] for id in ids),
        outs=tuple(outs[id] for id in ids),
        tallies=tuple({tally for tallies in gaps.items.values() for tally in tallies}),
        things=things,
        language=language,
        size=len(page),
        digest=blake2b(page, digest_size=9).digest(),
    )


@dataclass(frozen=True, slots=True)
class Filling:
    """What goes into the gaps for one visitor at one moment."""

    token: bytes
    count: bytes
    now: bytes
    rooms: Sequence[bytes]
    """Of each product before which a waiting room may stand: what is said of it."""
    left: Sequence[tuple[int, int]]
    """Of each item: what is left, and all there was."""
    stock_words: Callable[[str, str, int, int], bytes]
    """Words in a language and style for what is left of how much."""


def filled(frame: Frame, filling: Filling) -> bytes:
    """The page for one visitor."""
    parts = list(frame.parts)
    for place in frame.tokens:
        parts[place] = filling.token
    for place in frame.counts:
        parts[place] = filling.count
    for place in frame.clocks:
        parts[place] = filling.now
    for (place, _), words in zip(frame.rooms, filling.rooms, strict=True):
        parts[place] = words
    for place, item, style in frame.stock:
        left, capacity = filling.left[item]
        parts[place] = filling.stock_words(frame.language, style, left, capacity)
    return b"".join(parts)
