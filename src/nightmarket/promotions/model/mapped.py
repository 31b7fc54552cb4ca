"""A book that lies in a file which all processes map: what is below the layers of a large book.

Nothing is read at start but the head. Offers are decoded when a cart or a page leads to them, and a bounded number is
kept.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from .compiled import CompiledBook, keep
from .layers import EVER, NEVER, PlacedMoment, Window
from .offers import Offer, plain_code
from .packing import EPOCH, MICROSECOND, Head, head_of, micros, unpacked, word_hash
from .pointing import (
    ALSO,
    ALWAYS,
    ASKS,
    CONCERNS,
    EFFECTS,
    JOINT,
    KINDS,
    LIMITS,
    NEED_KINDS,
    TIMED,
    WIDE_LIMITS,
    Trait,
)

MAX_DECODED = 5_000
"""Offers that a process keeps decoded of one file."""

MAX_WORDS = 20_000
"""Words that a process has looked up in one file and remembers."""

SECTIONS = (*KINDS, ALWAYS, LIMITS, WIDE_LIMITS, CONCERNS, JOINT, ASKS, NEED_KINDS, *ALSO)
"""Every kind of word that leads to offers or limits."""


class PackedBook:
    """The sections of a packed book. Raises ValueError for what is none, or is torn, or of another version."""

    def __init__(self, data: memoryview) -> None:
        head = head_of(data)
        if head is None:
            raise ValueError("this is no packed book")
        self.head: Head = head
        self.counts = (head.offers, head.limits)
        self.traits = head.traits
        self._data = data
        self.ids = self._section("ids")
        self._tops = self._section("tops").cast("Q")
        self.offsets = self._section("offsets").cast("Q")
        self.traits_of = self._section("traits").cast("H")
        self.mechanics = self._section("mechanics")
        self.bounds = self._section("bounds").cast("q")
        self.starts = self._section("starts").cast("q")
        self.ends = self._section("ends").cast("q")
        self._by_start = {trait: self._section(f"by_start.{trait}").cast("I") for trait in TIMED}
        self._by_end = {trait: self._section(f"by_end.{trait}").cast("I") for trait in TIMED}
        self.keys = {kind: self._section(f"{kind}.keys").cast("Q") for kind in SECTIONS}
        self.numbers = {kind: self._section(f"{kind}.numbers").cast("I") for kind in SECTIONS}
        self.kinds = frozenset(kind for kind, keys in self.keys.items() if keys)
        self._decoded: dict[int, Offer] = {}
        self._words: dict[tuple[str, int | str], Sequence[Offer]] = {}

    def __len__(self) -> int:
        return len(self.traits_of)

    def _section(self, name: str) -> memoryview:
        at, length = self.head.sections.get(name, (0, 0))
        return self._data[at : at + length]

    def body(self, number: int) -> memoryview:
        """The packed offer with that number."""
        return self._data[self.offsets[number] : self.offsets[number + 1]]

    def offer(self, number: int) -> Offer:
        """The offer with that number."""
        found = self._decoded.get(number)
        if found is None:
            found = unpacked(self.body(number))
            keep(self._decoded, number, found, MAX_DECODED)
        return found

    def number_of(self, id: UUID) -> int | None:
        """The number of the offer with that id."""
        wanted, top = memoryview(id.bytes), id.int >> 64
        place = bisect_left(self._tops, top)
        while place < len(self._tops) and self._tops[place] == top:
            if self.ids[16 * place : 16 * place + 16] == wanted:
                return place
            place += 1
        return None

    def offer_of(self, id: UUID) -> Offer | None:
        number = self.number_of(id)
        return None if number is None else self.offer(number)

    def is_there(self, id: UUID) -> bool | None:
        """Whether it is a limit; None: it is not there."""
        number = self.number_of(id)
        return None if number is None else bool(self.traits_of[number] & Trait.LIMIT)

    def pointed(self, kind: str, word: int | str) -> Sequence[Offer]:
        """The offers to which the word leads; a hash that is another word's by accident brings more than these."""
        key = (kind, word)
        found = self._words.get(key)
        if found is None:
            found = [self.offer(number) for number in self.pointed_numbers(kind, word)]
            if kind == "codes":
                found = [offer for offer in found if offer.code is not None and plain_code(offer.code) == word]
            keep(self._words, key, found, MAX_WORDS)
        return found

    def leads(self, kind: str, word: str) -> bool:
        """Whether the word leads to anything."""
        return len(self.pointed_numbers(kind, word)) > 0

    def pointed_numbers(self, kind: str, word: int | str) -> Sequence[int]:
        keys = self.keys[kind]
        if not keys:
            return ()
        key = word_hash(kind, word)
        first = bisect_left(keys, key)
        return self.numbers[kind][first : bisect_right(keys, key, first)]

    def span(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """The bounds around an instant; None where there is none."""
        bounds = self.bounds
        place = bisect_right(bounds, micros(now))
        since = EPOCH + bounds[place - 1] * MICROSECOND if place else None
        return since, EPOCH + bounds[place] * MICROSECOND if place < len(bounds) else None

    def every(self) -> Iterator[Offer]:
        """All of them in order of id; kept by nobody."""
        for number in range(len(self)):
            yield unpacked(self.body(number))

    def starting(self, window: Window) -> Iterator[PlacedMoment]:
        """Those in the window, the first to begin first, those of one instant in order of id."""
        order = self._by_start.get(window.traits, self._by_start[0])
        numbers = _within(order, self.starts, window.starts_after, window.starts_until)
        return self._moments(numbers, self.starts, (self.ends, window.ends_after, window.ends_until), window.traits)

    def ending(self, window: Window) -> Iterator[PlacedMoment]:
        """Those in the window, the first to end first, those of one instant in order of id."""
        order = self._by_end.get(window.traits, self._by_end[0])
        numbers = _within(order, self.ends, window.ends_after, window.ends_until)
        return self._moments(numbers, self.ends, (self.starts, window.starts_after, window.starts_until), window.traits)

    def holding(self, now: datetime, traits: int) -> Iterator[Offer]:
        """Those with one of the traits that hold but for their hours, in no order; looks at as few as it can."""
        begun = _within(self._by_start.get(traits, self._by_start[0]), self.starts, NEVER, now)
        ahead = _within(self._by_end.get(traits, self._by_end[0]), self.ends, now, EVER)
        at, starts, ends, mine = micros(now), self.starts, self.ends, self.traits_of
        for number in begun if len(begun) < len(ahead) else ahead:
            if starts[number] <= at < ends[number] and mine[number] & traits:
                yield self.offer(number)

    def _moments(
        self, numbers: memoryview, instants: memoryview, besides: tuple[memoryview, datetime, datetime], traits: int
    ) -> Iterator[PlacedMoment]:
        """Those whose other instant lies within as well."""
        others, after, until = besides[0], micros(besides[1]), micros(besides[2])
        mine, ids = self.traits_of, self.ids
        for number in numbers:
            if after < others[number] <= until and (not traits or mine[number] & traits):
                at = EPOCH + instants[number] * MICROSECOND
                yield at, int.from_bytes(ids[16 * number : 16 * number + 16], "big"), mine[number], number

    def how_many(self, trait: int) -> int:
        """How many have that trait."""
        return sum(1 for traits in self.traits_of if traits & trait)

    def of_effect(self, effect: type) -> Iterator[Offer]:
        """Those with that kind of effect."""
        wanted, mechanics, place = bytes((list(EFFECTS.values()).index(effect),)), bytes(self.mechanics), -1
        while (place := mechanics.find(wanted, place + 1)) >= 0:
            yield self.offer(place)


def _within(order: memoryview, instants: memoryview, after: datetime, until: datetime) -> memoryview:
    """Of the numbers in order of their instants those after one and until another."""
    first = bisect_right(order, micros(after), key=instants.__getitem__)
    return order[first : bisect_right(order, micros(until), first, key=instants.__getitem__)]


def mapped_book(number: int, packed: PackedBook, changes: Mapping[UUID, Offer | None]) -> CompiledBook:
    """The book in the file with these changes above it."""
    below = CompiledBook.begin(packed.head.number, packed)
    return below.then(number, changes)
