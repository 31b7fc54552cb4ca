"""A book packed into one run of bytes that all processes of the machine can map: bodies in order of id, and by every
word that points to an offer the offers that it points to.

`[MAGIC][length of head][head][sections ...][END]`. Numbers stand in the machine's own order, for the file never leaves
it. Keys are hashes of words; what a hash points to by accident, the conditions of the offer refuse.
"""

import struct
import sys
from array import array
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from operator import attrgetter
from typing import BinaryIO, NamedTuple

import msgspec

from .conditions import Condition
from .offers import Offer, boundaries
from .pointing import EFFECTS, TIMED, Trait, pointers, traits_of

VERSION = 4
MAGIC = b"NMBOOK\x00\x01"
END = b"NMBOOK\x00\xff"
ALIGN = 8
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Offer)
_NUMBER_OF = {effect: number for number, effect in enumerate(EFFECTS.values())}


class Head(msgspec.Struct, frozen=True):
    """What stands before the sections; `stamp` is of the revision that made the book, so that a file of another
    database is known."""

    version: int
    order: str
    number: int
    stamp: str
    offers: int
    limits: int
    traits: int
    """Of all of them together."""
    effects: tuple[str, ...]
    """Kinds of effects as they are numbered here."""
    sections: dict[str, tuple[int, int]]
    """Offsets from the end of the head, and lengths, in bytes."""


def word_hash(kind: str, word: int | str) -> int:
    """The key of a word of that kind."""
    data = word.to_bytes(16, "big") if isinstance(word, int) else word.encode()
    return int.from_bytes(blake2b(data, digest_size=8, person=kind.encode()[:16]).digest(), "big")


def micros(at: datetime) -> int:
    """An instant as microseconds since 1970."""
    return (at - EPOCH) // MICROSECOND


def told(offer: Offer) -> dict[str, object]:
    """The offer without what is as it is by default: half of the bytes to read, and few objects to keep."""
    told = {name: value for name, value in zip(_OTHERS, _others(offer), strict=True) if value}
    told |= zip(_ALWAYS_TOLD, _always_told(offer), strict=True)
    told["condition"] = {name: value for name, value in zip(_WANTED, _wanted(offer.condition), strict=True) if value}
    return told


def packed(offer: Offer) -> bytes:
    """The offer as a packed book has it."""
    return _ENCODER.encode(told(offer))


def unpacked(body: bytes | memoryview) -> Offer:
    """The offer that was packed."""
    return _DECODER.decode(body)


_ALWAYS_TOLD = ("id", "revision", "name", "effect", "starts_at", "ends_at", "combines")
_OTHERS = tuple(name for name in Offer.__struct_fields__ if name not in {*_ALWAYS_TOLD, "condition"})
"""What is nothing by default, and not told where it is nothing."""
_WANTED = Condition.__struct_fields__
_others: Callable[[Offer], tuple[object, ...]] = attrgetter(*_OTHERS)
_always_told: Callable[[Offer], tuple[object, ...]] = attrgetter(*_ALWAYS_TOLD)
_wanted: Callable[[Condition], tuple[object, ...]] = attrgetter(*_WANTED)


class _Words(NamedTuple):
    """One kind's pairs of key and number, not yet in order."""

    keys: "array[int]"
    numbers: "array[int]"


class Packer:
    """Takes offers in order of id, writes their bodies as they come, and keeps numbers only."""

    def __init__(self, to: BinaryIO) -> None:
        self._to = to
        self._ids = bytearray()
        self._offsets = array("Q", [0])
        self._traits = array("H")
        self._mechanics = bytearray()
        self._starts, self._ends = array("q"), array("q")
        self._words: dict[str, _Words] = {}
        self._bounds: set[int] = set()
        self._all_traits = 0

    def add(self, offer: Offer) -> None:
        """The next offer or limit; ids rise."""
        number, body, traits = len(self._traits), packed(offer), traits_of(offer)
        starts, ends = micros(offer.starts_at), micros(offer.ends_at)
        self._row(offer.id.bytes, body, (traits, _NUMBER_OF[type(offer.effect)]), (starts, ends))
        if offer.condition.hours:
            self._bounds.update(micros(bound) for bound in boundaries(offer))
        for kind, word in pointers(offer):
            self.point(kind, word_hash(kind, word), number)

    def copy(self, id: bytes, body: bytes | memoryview, marks: tuple[int, int], instants: tuple[int, int]) -> int:
        """The next offer as another packed book has it; its number here. The words are `point`ed one by one."""
        self._row(id, body, marks, instants)
        return len(self._traits) - 1

    def _row(self, id: bytes, body: bytes | memoryview, marks: tuple[int, int], instants: tuple[int, int]) -> None:
        self._to.write(body)
        self._ids += id
        self._offsets.append(self._offsets[-1] + len(body))
        self._traits.append(marks[0])
        self._mechanics.append(marks[1])
        self._starts.append(instants[0])
        self._ends.append(instants[1])
        self._bounds.update(instants)
        self._all_traits |= marks[0]

    def bound(self, bounds: Iterable[int]) -> None:
        """More instants at which offers begin or cease to hold."""
        self._bounds.update(bounds)

    def point(self, kind: str, key: int, number: int) -> None:
        """A word, as its hash, leads to that offer."""
        words = self._words.get(kind)
        if words is None:
            words = self._words[kind] = _Words(array("Q"), array("I"))
        words.keys.append(key)
        words.numbers.append(number)

    def sections(self) -> dict[str, bytes | bytearray]:
        """All but the bodies."""
        tops = array("Q", struct.unpack(f">{2 * len(self._traits)}Q", self._ids)[::2])
        numbers = range(len(self._traits))
        found: dict[str, bytes | bytearray] = {
            "ids": self._ids,
            "tops": tops.tobytes(),
            "offsets": self._offsets.tobytes(),
            "traits": self._traits.tobytes(),
            "mechanics": self._mechanics,
            "bounds": array("q", sorted(self._bounds)).tobytes(),
            "starts": self._starts.tobytes(),
            "ends": self._ends.tobytes(),
        }
        for trait in TIMED:
            mine = [number for number in numbers if not trait or self._traits[number] & trait]
            found[f"by_start.{trait}"] = array("I", sorted(mine, key=self._starts.__getitem__)).tobytes()
            found[f"by_end.{trait}"] = array("I", sorted(mine, key=self._ends.__getitem__)).tobytes()
        for kind, words in self._words.items():
            order = sorted(range(len(words.keys)), key=words.keys.__getitem__)
            found[f"{kind}.keys"] = array("Q", (words.keys[place] for place in order)).tobytes()
            found[f"{kind}.numbers"] = array("I", (words.numbers[place] for place in order)).tobytes()
        return found

    def head(self, number: int, stamp: str, sections: dict[str, tuple[int, int]]) -> Head:
        """The head of the finished file."""
        limits = sum(1 for traits in self._traits if traits & Trait.LIMIT)
        count = len(self._traits) - limits
        return Head(VERSION, sys.byteorder, number, stamp, count, limits, self._all_traits, tuple(EFFECTS), sections)


def finish(packer: Packer, bodies: int, number: int, stamp: str, to: BinaryIO) -> None:
    """Write what stands after the bodies, which lie at the start of the file: sections, head and its place."""
    at = bodies
    sections = {"bodies": (0, bodies)}
    for name, data in packer.sections().items():
        gap = -at % ALIGN
        to.write(b"\0" * gap)
        sections[name] = (at + gap, len(data))
        to.write(data)
        at += gap + len(data)
    head = _ENCODER.encode(packer.head(number, stamp, sections))
    to.write(head + at.to_bytes(8, "big") + len(head).to_bytes(8, "big") + END)


def head_of(data: memoryview) -> Head | None:
    """The head of a packed book; None where it is torn, of another version, or something else."""
    if len(data) < 24 or bytes(data[-8:]) != END:
        return None
    at, length = int.from_bytes(data[-24:-16], "big"), int.from_bytes(data[-16:-8], "big")
    if at + length + 24 != len(data):
        return None
    try:
        head = msgspec.msgpack.decode(data[at : at + length], type=Head)
    except msgspec.DecodeError:
        return None
    return head if (head.version, head.order, head.effects) == (VERSION, sys.byteorder, tuple(EFFECTS)) else None
