"""A book packed into one run of bytes that all processes of the machine can map: bodies in order of id, and by every
word that points to an offer the offers that it points to.

`[MAGIC][length of head][head][sections ...][END]`. Numbers stand in the machine's own order, for the file never leaves
it. Keys are hashes of words; what a hash points to by accident, the conditions of the offer refuse.
"""

import sys
from array import array
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import BinaryIO, NamedTuple
from uuid import UUID

import msgspec

from .compiled import ALWAYS, narrowest
from .effects import FreeShipping
from .offers import Offer, boundaries

VERSION = 1
MAGIC = b"NMBOOK\x00\x01"
END = b"NMBOOK\x00\xff"
ALIGN = 8
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

LIMITS = "limits"
WIDE_LIMITS = "wide_limits"
"""Beside the kinds of words: purchase limits by variant and product, and those that name neither."""

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Offer)


class Head(msgspec.Struct, frozen=True):
    """What stands before the sections; `stamp` is of the revision that made the book, so that a file of another
    database is known."""

    version: int
    order: str
    number: int
    stamp: str
    offers: int
    limits: int
    reduces_delivery: bool
    counts: bool
    scarce: bool
    agreements: bool
    sections: dict[str, tuple[int, int]]
    """Offsets from the end of the head, and lengths, in bytes."""


def word_hash(kind: str, word: int | str) -> int:
    """The key of a word of that kind."""
    data = word.to_bytes(16, "big") if isinstance(word, int) else word.encode()
    return int.from_bytes(blake2b(data, digest_size=8, person=kind.encode()[:16]).digest(), "big")


def micros(at: datetime) -> int:
    """An instant as microseconds since 1970."""
    return (at - EPOCH) // MICROSECOND


def packed(offer: Offer) -> bytes:
    """The offer without what is as it is by default."""
    return _ENCODER.encode(dict(_told(offer)))


def unpacked(body: bytes | memoryview) -> Offer:
    """The offer that was packed."""
    return _DECODER.decode(body)


def _told(offer: Offer) -> Iterable[tuple[str, object]]:
    for name in Offer.__struct_fields__:
        value = getattr(offer, name)
        if name == "condition":
            yield name, {key: one for key in value.__struct_fields__ if (one := getattr(value, key))}
        elif name in _TOLD or value not in _SAID_BY_SILENCE:
            yield name, value


_TOLD = frozenset(("id", "revision", "name", "effect", "starts_at", "ends_at", "combines"))
_SAID_BY_SILENCE: tuple[object, ...] = (None, False, (), dict[str, object](), frozenset[object]())


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
        self._is_limit = bytearray()
        self._words: dict[str, _Words] = {}
        self._bounds: set[int] = set()
        self._flags = [False] * 4
        self.count = 0

    def add(self, offer: Offer) -> None:
        """The next offer or limit; ids rise."""
        number, body, condition = self.count, packed(offer), offer.condition
        self._to.write(body)
        self._ids += offer.id.bytes
        self._offsets.append(self._offsets[-1] + len(body))
        self._is_limit.append(offer.is_limit)
        self._bounds.update(micros(bound) for bound in boundaries(offer))
        self.count += 1
        if offer.is_limit:
            wanted = condition.variants or condition.products
            for id in wanted:
                self._point(LIMITS, id.int, number)
            if not wanted:
                self._point(WIDE_LIMITS, 0, number)
            return
        kind, words = narrowest(offer)
        for word in words:
            self._point(kind, word, number)
        if kind == ALWAYS:
            self._point(ALWAYS, 0, number)
        scarce = bool(offer.budget or offer.per_buyer)
        told = (
            isinstance(offer.effect, FreeShipping),
            scarce or offer.uses is not None,
            scarce,
            offer.combines is not None or bool(offer.not_with),
        )
        self._flags = [one or other for one, other in zip(self._flags, told, strict=True)]

    def _point(self, kind: str, word: int | str, number: int) -> None:
        words = self._words.setdefault(kind, _Words(array("Q"), array("I")))
        words.keys.append(word_hash(kind, word))
        words.numbers.append(number)

    def sections(self) -> dict[str, bytes | bytearray]:
        """All but the bodies."""
        found: dict[str, bytes | bytearray] = {
            "ids": self._ids,
            "offsets": self._offsets.tobytes(),
            "is_limit": self._is_limit,
            "bounds": array("q", sorted(self._bounds)).tobytes(),
        }
        for kind, words in self._words.items():
            order = sorted(range(len(words.keys)), key=words.keys.__getitem__)
            found[f"{kind}.keys"] = array("Q", (words.keys[place] for place in order)).tobytes()
            found[f"{kind}.numbers"] = array("I", (words.numbers[place] for place in order)).tobytes()
        return found

    def head(self, number: int, stamp: str, sections: dict[str, tuple[int, int]]) -> Head:
        """The head of the finished file."""
        limits = sum(self._is_limit)
        delivery, counts, scarce, agreements = self._flags
        return Head(
            VERSION,
            sys.byteorder,
            number,
            stamp,
            self.count - limits,
            limits,
            delivery,
            counts or limits > 0,
            scarce,
            agreements,
            sections,
        )


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
    return head if head.version == VERSION and head.order == sys.byteorder else None


def id_at(ids: memoryview, number: int) -> UUID:
    """The id of the offer with that number."""
    return UUID(bytes=bytes(ids[16 * number : 16 * number + 16]))
