"""A packed book made anew with what has changed since: bodies are copied as they are, words keep their hashes."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from .mapped import PackedBook
from .offers import Offer
from .packing import Packer

GONE = 2**32 - 1
"""In place of the number of an offer that is not copied."""


def fold(base: PackedBook, changes: Mapping[UUID, Offer | None], packer: Packer) -> None:
    """Give the packer the book of the file with these changes, in order of id."""
    new = sorted((offer for offer in changes.values() if offer is not None), key=lambda offer: offer.id.int)
    gone = {base.number_of(id) for id in changes}
    numbers = array("I", _copied(base, gone, new, packer))
    for kind, keys in base.keys.items():
        for key, number in zip(keys, base.numbers[kind], strict=True):
            if numbers[number] != GONE:
                packer.point(kind, key, numbers[number])
    packer.bound(base.bounds)


def _copied(base: PackedBook, gone: set[int | None], new: Sequence[Offer], packer: Packer) -> Iterator[int]:
    """The number that each offer of the file has now; new ones are put between them."""
    waiting = iter(new)
    ahead = next(waiting, None)
    for number in range(len(base)):
        id = bytes(base.ids[16 * number : 16 * number + 16])
        while ahead is not None and ahead.id.bytes < id:
            packer.add(ahead)
            ahead = next(waiting, None)
        if number in gone:
            yield GONE
            continue
        marks = base.traits_of[number], base.mechanics[number]
        yield packer.copy(id, base.body(number), marks, (base.starts[number], base.ends[number]))
    while ahead is not None:
        packer.add(ahead)
        ahead = next(waiting, None)
