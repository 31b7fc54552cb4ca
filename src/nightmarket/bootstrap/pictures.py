"""Where pictures of imported goods come from and go to."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from nightmarket.catalog.contract import Picture
from nightmarket.catalog.handlers import (
    PictureSources,
)
from nightmarket.kernel.problems import Problem
from nightmarket.platform.database import Database
from nightmarket.platform.media import Library, Media, PictureRefused
from nightmarket.platform.outside import Outside
from nightmarket.platform.settings import Settings

EMOJI = Path("node_modules/@lobehub/fluent-emoji-3d/assets")
MAX_PICTURE_BYTES = 25_000_000


class LibraryPictures:
    """Fills the catalogue's port `Pictures` with the media library."""

    max_bytes = MAX_PICTURE_BYTES

    def __init__(self, library: Library, database: Database) -> None:
        self._library = library
        self._database = database

    async def keep(self, raw: Sequence[bytes]) -> Sequence[Picture | Problem]:
        found = await self._library.prepare(raw)
        good = [one for one in found if isinstance(one, Media)]
        if good:
            async with self._database.transaction() as tx:
                await self._library.record(tx, good)
        return [_picture(one) for one in found]

    async def look(self, raw: Sequence[bytes]) -> Sequence[Picture | Problem]:
        return [_picture(one) for one in await self._library.examine(raw)]

    async def known(self, images: Sequence[str]) -> Mapping[str, Picture]:
        async with self._database.read() as connection:
            found = await self._library.find(connection, images)
        return {one.sha256: Picture(one.sha256, one.width, one.height, one.colour) for one in found.values()}


def _picture(one: Media | PictureRefused) -> Picture | Problem:
    if isinstance(one, PictureRefused):
        return one
    return Picture(image=one.sha256, width=one.width, height=one.height, colour=one.colour)


def front_end_folder(name: Path) -> Path | None:
    """A folder of the front-end libraries: beside the code, or where the command runs."""
    for root in (Path(__file__).resolve().parents[2], Path.cwd()):
        if (root / name).is_dir():
            return root / name
    return None


def sources(settings: Settings, database: Database, library: Library, outside: Outside) -> PictureSources:
    """Where pictures of imported goods may come from."""
    return PictureSources(
        pictures=LibraryPictures(library, database),
        folder=None,
        emoji=front_end_folder(EMOJI),
        outside=outside,
        address=settings.address,
    )
