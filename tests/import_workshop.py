"""What tests of imports work with: an importer on a real database, and a twin of the media store that keeps nothing."""

import hashlib
import io
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from PIL import Image, UnidentifiedImageError

from nightmarket.catalog.contract import Picture
from nightmarket.catalog.handlers import FileImporter, PictureSources, StoredCatalog, StoredImportRuns
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.kernel.problems import InvalidInput, Problem
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Facts
from nightmarket.platform.outside import Outside
from nightmarket.tally.handlers import SlicedTallies

DATA = Path(__file__).parents[2] / "shared" / "data"
"""Real catalogues, where the machine has them."""


class LookedAtPictures:
    """Twin of the media store: opens each picture as the store does, and notes what it was given to keep."""

    def __init__(self) -> None:
        self.kept: set[str] = set()
        self._seen: dict[str, Picture] = {}

    @property
    def max_bytes(self) -> int:
        return 2_000_000

    async def keep(self, raw: Sequence[bytes]) -> Sequence[Picture | Problem]:
        answers = await self.look(raw)
        self.kept.update(answer.image for answer in answers if isinstance(answer, Picture))
        self._seen.update({answer.image: answer for answer in answers if isinstance(answer, Picture)})
        return answers

    async def look(self, raw: Sequence[bytes]) -> Sequence[Picture | Problem]:
        return [self._look(picture) for picture in raw]

    async def known(self, images: Sequence[str]) -> Mapping[str, Picture]:
        return {image: self._seen[image] for image in images if image in self._seen}

    def _look(self, raw: bytes) -> Picture | Problem:
        try:
            with Image.open(io.BytesIO(raw)) as image:
                return Picture(hashlib.sha256(raw).hexdigest(), image.width, image.height, "#808080")
        except UnidentifiedImageError:
            return InvalidInput("The bytes are no picture.")


class Workshop(msgspec.Struct):
    """Everything around one importer."""

    database: Database
    clock: VirtualClock
    tallies: SlicedTallies
    facts: Facts
    pictures: LookedAtPictures
    importer: FileImporter
    catalog: StoredCatalog
    runs: StoredImportRuns


@asynccontextmanager
async def workshop(
    url: str,
    clock: VirtualClock,
    emoji: Path | None = None,
    outside: Outside | None = None,
    pictures: LookedAtPictures | None = None,
    seed: int = 3,
) -> AsyncGenerator[Workshop]:
    """An importer on that database, closed at the end."""
    database = await Database.open(url)
    ids = SeededIds(clock, seed=seed)
    facts = Facts(ids)
    tallies = SlicedTallies(facts, ids)
    pictures = pictures or LookedAtPictures()
    sources = PictureSources(pictures=pictures, folder=None, emoji=emoji, outside=outside, address="http://shop.test")
    importer = FileImporter(database, tallies, facts, sources, clock)
    runs = StoredImportRuns(database, clock, Path("no-uploads"))
    try:
        yield Workshop(database, clock, tallies, facts, pictures, importer, StoredCatalog(database), runs)
    finally:
        await database.close()
