"""Finds and keeps the pictures that rows name. A picture that cannot be had is a warning; its product comes anyway."""

import asyncio
import os
import re
import stat
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path, PureWindowsPath

import msgspec

from nightmarket.catalog.contract import Media, Picture, Pictures, Remark
from nightmarket.catalog.errors import Reason
from nightmarket.catalog.model.checks import RowRefused, excerpt
from nightmarket.catalog.model.json_rows import remark
from nightmarket.catalog.model.rows import PictureName, ProductRow, VariantRow
from nightmarket.kernel.problems import Problem

AT_ONCE = 4
"""Pictures read and decoded together."""

REMEMBERED = 2_000
"""Names whose outcome is remembered during one import; many products may share a picture."""

MAX_NAME = 300
_EMOJI = re.compile(r"[0-9a-f]{2,6}(?:-[0-9a-f]{2,6})*\Z")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|clock\$|com[0-9]|lpt[0-9])(?:\..*)?\Z", re.IGNORECASE)

Outcome = Picture | RowRefused


def locate(name: str, folder: Path, emoji: Path | None) -> Path:
    """The file that a name means; raises RowRefused for names that lead anywhere but into the folder."""
    if name.startswith("emoji:"):
        code = name.removeprefix("emoji:").lower()
        if not _EMOJI.match(code):
            raise _path_refused(name, "is no code of an emoji")
        if emoji is None:
            raise _missing(name, "no emoji are installed here")
        found = emoji / f"{code}.webp"
        if not found.is_file():
            raise _missing(name, "there is no such emoji")
        return found
    if not name or len(name) > MAX_NAME or any(ord(letter) < 32 or ord(letter) == 127 for letter in name):
        raise _path_refused(name, "is no file name")
    parts = name.split("/")
    if name.startswith(("/", "~")) or "\\" in name or PureWindowsPath(name).drive or ":" in name:
        raise _path_refused(name, "is not a path inside the file's folder")
    if any(part in {"", ".", ".."} or part.endswith((" ", ".")) or _DEVICES.match(part) for part in parts):
        raise _path_refused(name, "is not a path inside the file's folder")
    try:
        found = folder.joinpath(*parts).resolve(strict=True)
    except (OSError, RuntimeError):
        raise _missing(name, "there is no such file") from None
    if not found.is_relative_to(folder.resolve()):
        raise _path_refused(name, "leads out of the file's folder")
    return found


def read(path: Path, name: str, max_bytes: int) -> bytes:
    """The bytes of a regular file within the bound."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        raise _missing(name, "it cannot be read") from None
    known = os.fstat(descriptor)
    if not stat.S_ISREG(known.st_mode):
        os.close(descriptor)
        raise _path_refused(name, "is not a file")
    with os.fdopen(descriptor, "rb") as opened:
        if known.st_size > max_bytes:
            raise RowRefused(
                "media",
                Reason.PICTURE_TOO_LARGE,
                f"The picture {excerpt(name)} has {known.st_size:,} bytes; at most {max_bytes:,} are taken.",
                "Make it smaller.",
            )
        return opened.read(max_bytes)


def _path_refused(name: str, why: str) -> RowRefused:
    return RowRefused(
        "media",
        Reason.PICTURE_PATH,
        f"The picture {excerpt(name)} {why}.",
        "Name a file beside or below the imported one, such as photos/wok.jpg, or emoji:1f373.",
    )


def _missing(name: str, why: str) -> RowRefused:
    return RowRefused(
        "media", Reason.PICTURE_MISSING, f"The picture {excerpt(name)} is missing: {why}.", "Put it there and repeat."
    )


class PictureShelf:
    """The pictures of one import."""

    def __init__(self, pictures: Pictures, folder: Path, emoji: Path | None, *, keep: bool) -> None:
        self.kept = 0
        self._pictures = pictures
        self._folder = folder
        self._emoji = emoji
        self._keep = keep
        self._outcomes: OrderedDict[str, Outcome] = OrderedDict()

    async def fill(self, rows: Iterable[ProductRow]) -> list[Remark]:
        """Set `media` of the rows and their variants; returns a warning for each picture that was not taken."""
        remarks: list[Remark] = []
        for row in rows:
            await self._fill_one(row, row.line, row.key, "", remarks)
            for variant in row.variants:
                await self._fill_one(variant, variant.line, row.key, variant.sku, remarks)
        return remarks

    async def _fill_one(
        self, row: ProductRow | VariantRow, line: int, product: str, sku: str, remarks: list[Remark]
    ) -> None:
        if row.pictures is None:
            return
        media: list[Media] = []
        for named, outcome in await self.outcomes(row.pictures):
            if isinstance(outcome, Picture):
                media.append(Media(outcome.image, dict(named.alt), outcome.width, outcome.height, outcome.colour))
            else:
                remarks.append(warning(line, outcome, product, sku))
        if media or not row.pictures:
            row.media = tuple(media)

    async def outcomes(self, names: Iterable[PictureName]) -> list[tuple[PictureName, Outcome]]:
        """Each picture as it was kept, or why it was not."""
        wanted = list(names)
        new = list(dict.fromkeys(named.file for named in wanted if named.file not in self._outcomes))
        fresh: dict[str, Outcome] = {}
        for start in range(0, len(new), AT_ONCE):
            fresh.update(await self._fetch(new[start : start + AT_ONCE]))
        known = [(named, fresh.get(named.file) or self._outcomes[named.file]) for named in wanted]
        self._outcomes.update(fresh)
        while len(self._outcomes) > REMEMBERED:
            self._outcomes.popitem(last=False)
        return known

    async def _fetch(self, names: list[str]) -> dict[str, Outcome]:
        outcomes: dict[str, Outcome] = {}
        raw: dict[str, bytes] = {}
        for name in names:
            try:
                raw[name] = await asyncio.to_thread(self._read, name)
            except RowRefused as refusal:
                outcomes[name] = refusal
        take = self._pictures.keep if self._keep else self._pictures.look
        answers: Sequence[Picture | Problem] = await take(list(raw.values())) if raw else ()
        for name, answer in zip(raw, answers, strict=True):
            if isinstance(answer, Problem):
                reason = f"The picture {excerpt(name)} was refused: {answer.detail}"
                outcomes[name] = RowRefused("media", Reason.PICTURE_REFUSED, reason, "Save it again as JPEG or PNG.")
            else:
                outcomes[name] = answer
                self.kept += 1
        return outcomes

    def _read(self, name: str) -> bytes:
        return read(locate(name, self._folder, self._emoji), name, self._pictures.max_bytes)


def warning(line: int, refusal: RowRefused, product: str, sku: str = "") -> Remark:
    """A picture that was not taken, as it stands in a report."""
    return msgspec.structs.replace(remark(line, refusal, product, sku), refused=False)
