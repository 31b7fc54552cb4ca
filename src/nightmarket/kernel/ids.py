"""The one source of ids: UUIDv7 inside (RFC 9562), prefixed and sortable outside (`ord_01jc...`)."""

import hashlib
import os
import random
import uuid
from functools import lru_cache
from typing import Protocol
from uuid import UUID, SafeUUID

from .clock import Clock, SystemClock
from .problems import InvalidInput

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32 in lower case: sorts like the bytes it encodes and has no look-alikes."""

ENCODED_LENGTH = 26
LETTERS_KEPT = 20_000
"""Ids whose letters a process keeps: goods are named again and again, an order twice in one answer."""

_PAIRS = [high + low for high in ALPHABET for low in ALPHABET]
_DIGITS = "0123456789abcdefghijklmnopqrstuv"
_TO_DIGITS = bytes(
    dict(zip(ALPHABET.encode(), _DIGITS.encode(), strict=True)).get(letter, ord("!")) for letter in range(256)
)
"""From our letters to those that `int(text, 32)` reads; every other character becomes one that it refuses."""


class Ids(Protocol):
    """Makes new ids; two calls never give the same."""

    def new(self) -> UUID: ...


def _version_7(milliseconds: int, noise: int) -> UUID:
    rand_a, rand_b = (noise >> 62) & 0xFFF, noise & ((1 << 62) - 1)
    return UUID(int=(milliseconds & ((1 << 48) - 1)) << 80 | 7 << 76 | rand_a << 64 | 2 << 62 | rand_b)


class SystemIds:
    """UUIDv7 from the clock and the operating system's randomness."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()

    def new(self) -> UUID:
        milliseconds = int(self._clock.now().timestamp() * 1000)
        return _version_7(milliseconds, int.from_bytes(os.urandom(10), "big"))


class SeededIds:
    """UUIDv7 whose randomness comes from a seed, so that a simulated day can be played again."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self._clock = clock
        self._random = random.Random(seed)

    def new(self) -> UUID:
        return _version_7(int(self._clock.now().timestamp() * 1000), self._random.getrandbits(80))


_FREE = ~(0xF << 76) & ~(0x3 << 62)
_VERSION_8 = 8 << 76 | 2 << 62
_SIXTEEN = (16).to_bytes(4, "big")
_new, _set = object.__new__, object.__setattr__


def _uuid(number: int) -> UUID:
    """As `UUID(int=number)` of a number of at most 128 bits, without its checks: this runs several times per order."""
    value = _new(UUID)
    _set(value, "int", number)
    _set(value, "is_safe", SafeUUID.unknown)
    return value


def derive(namespace: str, *parts: UUID | str | int | bytes, secret: bytes = b"") -> UUID:
    """An id that follows from its parts: the same parts give the same id, on every machine.

    UUIDv8 of BLAKE2b-128 over namespace and parts, each with its length, so that ("a", "bc") and ("ab", "c") differ;
    a number counts as its decimal text. With `secret` (up to 64 bytes) nobody without it can guess the id.
    """
    said: list[bytes] = []
    for part in (namespace, *parts):
        if isinstance(part, UUID):
            said += (_SIXTEEN, part.bytes)
            continue
        raw = part if isinstance(part, bytes) else str(part).encode()
        said += (len(raw).to_bytes(4, "big"), raw)
    value = int.from_bytes(hashlib.blake2b(b"".join(said), digest_size=16, key=secret).digest(), "big")
    return _uuid(value & _FREE | _VERSION_8)


def encode(prefix: str, value: UUID) -> str:
    """`prefix_` and 26 letters of base 32; sorts as the id does."""
    return f"{prefix}_{_letters(value.int)}"


@lru_cache(maxsize=LETTERS_KEPT)
def _letters(number: int) -> str:
    high, middle, low = number >> 90, number >> 50 & 0xFFFFFFFFFF, number & 0x3FFFFFFFFFFFF
    pairs = _PAIRS  # two letters at a time: this runs several times per order
    return (
        f"{pairs[high >> 30]}{pairs[high >> 20 & 1023]}{pairs[high >> 10 & 1023]}{pairs[high & 1023]}"
        f"{pairs[middle >> 30]}{pairs[middle >> 20 & 1023]}{pairs[middle >> 10 & 1023]}{pairs[middle & 1023]}"
        f"{pairs[low >> 40]}{pairs[low >> 30 & 1023]}{pairs[low >> 20 & 1023]}{pairs[low >> 10 & 1023]}"
        f"{pairs[low & 1023]}"
    )


def decode(prefix: str, text: str, field: str = "id") -> UUID:
    """The id behind `encode(prefix, id)`; raises InvalidInput for anything else, which stood in that field."""
    head, _, tail = text.rpartition("_")
    if head == prefix and len(tail) == ENCODED_LENGTH and tail[0] <= "7" and tail.isascii():
        try:
            return _uuid(int(tail.encode().translate(_TO_DIGITS), 32))
        except ValueError:
            pass
    expected = f"{prefix}_ and the {ENCODED_LENGTH} letters and digits that were given out with it"
    raise InvalidInput(f"That is not an id of this kind: expected {expected}.", field=field)


def renamed(prefix: str, text: str) -> str:
    """What `encode` gives with that prefix for the id behind `text`, which has been decoded."""
    return f"{prefix}_{text[-ENCODED_LENGTH:]}"


def instant_milliseconds(value: UUID) -> int | None:
    """Milliseconds since 1970 in a UUIDv7, else None."""
    return value.int >> 80 if value.version == 7 and value.variant == uuid.RFC_4122 else None
