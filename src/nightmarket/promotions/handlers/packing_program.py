"""`python -m nightmarket.promotions.handlers.packing_program`: packs a book, as its standard input says, and ends.

Where the file of a book before is at hand, what changed since is folded into it, at a lower priority than the shop's
processes have; else the whole book is read from the revisions, for which a process that starts waits.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection, Database
from nightmarket.promotions.model.folding import fold
from nightmarket.promotions.model.mapped import PackedBook
from nightmarket.promotions.model.offers import Offer
from nightmarket.promotions.model.packing import Packer, finish
from nightmarket.promotions.store import offers as store

from .book_files import Making, usable

NICENESS = 5
BUFFER_BYTES = 1 << 20

MAX_FOLDED = 50_000
"""Changes that are folded into the file before; after more the book is read anew."""


async def make(making: Making, file: BinaryIO) -> None:
    """Write the packed book to the file."""
    database = await Database.open(making.url, committers=1, readers=1, application="nightmarket-packing")
    try:
        async with database.read() as connection:
            base = await usable(connection, Path(making.base))
            packer = Packer(file)
            if base is not None and 0 <= making.number - base.head.number <= MAX_FOLDED:
                os.nice(NICENESS)
                await _fold(connection, base, making.number, packer)
            else:
                async for page in store.pages_at(connection, making.number):
                    for body in page:
                        packer.add(msgspec.json.decode(body, type=Offer))
            stamp = await store.stamp(connection, making.number) or ""
            finish(packer, file.tell(), making.number, stamp, file)
    finally:
        await database.close()


async def _fold(connection: Connection, base: PackedBook, number: int, packer: Packer) -> None:
    at = base.head.number
    changes: dict[UUID, Offer | None] = {}
    while at < number:
        for book, id, offer in await store.since(connection, at, until=number):
            changes[id], at = offer, book
    fold(base, changes, packer)


if __name__ == "__main__":
    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=Making)
    with Path(wanted.to).open("wb", buffering=BUFFER_BYTES) as to:
        asyncio.run(make(wanted, to))
        to.flush()
        os.fsync(to.fileno())
