"""Taking pictures in and giving them out."""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.problems import InvalidInput, Unavailable
from nightmarket.platform.database import Connection, Record

from .errors import MediaNotFound, PictureRefused, PictureTooLarge, PictureUnreadable, PictureUnsupported
from .pictures import DERIVED_MIME, WIDTHS, Media, derive, examine
from .stores import MediaStore

DECODES_AT_ONCE = 2
"""Each may need 200 MB for a moment and a whole core."""

DECODES_WAITING = 200
FILES_AT_ONCE = 200

_HASH = re.compile(r"[0-9a-f]{64}")
T = TypeVar("T")


class Picture(msgspec.Struct, frozen=True):
    """A picture to send. The same address always gives the same bytes, so that it may be cached for ever."""

    body: bytes
    mime: str
    etag: str


_INSERT = """
INSERT INTO platform.media (sha256, bytes, width, height, mime, colour, blur, created_at)
SELECT sha256, bytes, width, height, mime, colour, blur, $8
FROM unnest($1::text[], $2::integer[], $3::integer[], $4::integer[], $5::text[], $6::text[], $7::text[])
    AS new (sha256, bytes, width, height, mime, colour, blur)
ORDER BY sha256
ON CONFLICT (sha256) DO NOTHING
"""
_FIND = """
SELECT sha256, bytes, width, height, mime, colour, blur FROM platform.media WHERE sha256 = ANY($1::text[])
"""


def _media(row: Record) -> Media:
    return Media(**dict(row.items()))


class Library:
    """Pictures by content: the store has the bytes, the table what they are."""

    def __init__(self, store: MediaStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._room = asyncio.Semaphore(DECODES_AT_ONCE)
        self._waiting = 0
        self._making: dict[str, asyncio.Task[bytes]] = {}

    async def prepare(self, files: Sequence[bytes]) -> list[Media | PictureRefused]:
        """Decode and store pictures, outside any transaction: one answer each, in order, a Problem if refused.

        Nothing refers to them until `record`; doing it again does no harm.
        """
        if len(files) > FILES_AT_ONCE:
            raise InvalidInput(f"Give at most {FILES_AT_ONCE} pictures at once.")
        return [await self._take(data) for data in files]

    async def examine(self, files: Sequence[bytes]) -> list[Media | PictureRefused]:
        """As `prepare`, keeping nothing: what a dry run asks."""
        if len(files) > FILES_AT_ONCE:
            raise InvalidInput(f"Give at most {FILES_AT_ONCE} pictures at once.")
        return [await self._examine(data) for data in files]

    async def _take(self, data: bytes) -> Media | PictureRefused:
        media = await self._examine(data)
        if isinstance(media, Media):
            await self._store.write(media.sha256, data)
        return media

    async def _examine(self, data: bytes) -> Media | PictureRefused:
        try:
            return await self._decode(lambda: examine(data))
        except (PictureTooLarge, PictureUnsupported, PictureUnreadable) as refused:
            return refused

    async def record(self, tx: Connection, media: Iterable[Media]) -> None:
        """Write down what was prepared, each once."""
        distinct = list({one.sha256: one for one in media}.values())
        if distinct:
            columns = [[getattr(one, name) for one in distinct] for name in Media.__struct_fields__]
            await tx.execute(_INSERT, *columns, self._clock.now())

    async def put(self, tx: Connection, files: Sequence[bytes]) -> list[Media]:
        """`prepare` and `record` in one, for a few small pictures: a transaction lasts at most two seconds.

        Raises the first refusal, before anything is recorded.
        """
        media: list[Media] = []
        for answer in await self.prepare(files):
            if not isinstance(answer, Media):
                raise answer
            media.append(answer)
        await self.record(tx, media)
        return media

    async def find(self, connection: Connection, hashes: Sequence[str]) -> Mapping[str, Media]:
        """What is known of pictures, by hash."""
        found = [_media(row) for row in await connection.fetch(_FIND, list(hashes))]
        return {one.sha256: one for one in found}

    async def open(self, sha256: str, width: int) -> Picture:
        """The picture at one of `WIDTHS`, made on first request. Raises MediaNotFound. Originals stay inside."""
        if not _HASH.fullmatch(sha256) or width not in WIDTHS:
            raise MediaNotFound("There is no such picture; pictures are found by hash and one of the widths.")
        key = f"{sha256}.{width}.webp"
        body = await self._store.read(key)
        if body is None:
            body = await self._made(key, sha256, width)
        return Picture(body, DERIVED_MIME, f'"{sha256[:32]}-{width}"')

    async def _made(self, key: str, sha256: str, width: int) -> bytes:
        """Many may ask for the same one at once: it is made once, and goes on if one of them leaves."""
        task = self._making.get(key)
        if task is None:
            task = asyncio.create_task(self._make(key, sha256, width), name=f"derive-{key}")
            self._making[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(task)

    def _forget(self, key: str, done: "asyncio.Task[bytes]") -> None:
        del self._making[key]
        if not done.cancelled():
            done.exception()

    async def _make(self, key: str, sha256: str, width: int) -> bytes:
        original = await self._store.read(sha256)
        if original is None:
            raise MediaNotFound("There is no such picture.")
        body = await self._decode(lambda: derive(original, width))
        await self._store.write(key, body)
        return body

    async def _decode(self, work: Callable[[], T]) -> T:
        if self._waiting >= DECODES_WAITING:
            raise Unavailable("Too many pictures are being made; try again in a moment.", retry_after_seconds=2)
        self._waiting += 1
        try:
            async with self._room:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1
