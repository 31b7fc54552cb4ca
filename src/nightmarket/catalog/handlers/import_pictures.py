"""Finds and keeps the pictures that rows name. A picture that cannot be had is a warning; its product comes anyway."""

import asyncio
import os
import re
import stat
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path, PureWindowsPath
from typing import cast

import msgspec

from nightmarket.catalog.contract import Media, Picture, Pictures, Remark
from nightmarket.catalog.errors import Reason
from nightmarket.catalog.model.checks import RowRefused, excerpt
from nightmarket.catalog.model.json_rows import remark
from nightmarket.catalog.model.rows import PictureName, ProductRow, VariantRow
from nightmarket.kernel.problems import Problem
from nightmarket.platform.outside import Outside, OutsideFailed, OutsideRefused

from .import_addresses import address_failed, address_refused, host_of, is_address, own_image

AT_ONCE = 4
"""Pictures read and decoded together."""

REMEMBERED = 2_000
"""Names whose outcome is remembered during one import; many products may share a picture."""

MAX_NAME = 300
_EMOJI = re.compile(r"[0-9a-f]{2,6}(?:-[0-9a-f]{2,6})*\Z")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|clock\$|com[0-9]|lpt[0-9])(?:\..*)?\Z", re.IGNORECASE)

KNOWN_AT_ONCE = 200
HOST_FAILURES = 5
"""Fetches from one host that may fail in a row; after them it is not asked again in this import."""

Outcome = Picture | RowRefused | None
"""None: not looked at, in a dry run."""


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
        "Name a file beside or below the imported one, such as photos/wok.jpg, a web address, or emoji:1f373.",
    )


def _missing(name: str, why: str) -> RowRefused:
    return RowRefused(
        "media", Reason.PICTURE_MISSING, f"The picture {excerpt(name)} is missing: {why}.", "Put it there and repeat."
    )


class PictureSources(msgspec.Struct, frozen=True):
    """Where an import's pictures may come from: a folder, the emoji, the web through its filter, the shop itself.

    Without `folder` names of files lead nowhere, which is what a stranger's upload gets. `address` is the shop's own.
    """

    pictures: Pictures
    folder: Path | None
    emoji: Path | None = None
    outside: Outside | None = None
    address: str = ""


class PictureShelf:
    """The pictures of one import."""

    def __init__(self, sources: PictureSources, *, keep: bool) -> None:
        self.kept = 0
        self._sources = sources
        self._pictures = sources.pictures
        self._keep = keep
        self._outcomes: OrderedDict[str, Outcome] = OrderedDict()
        self._silent: Counter[str] = Counter()
        """Fetches that failed in a row, by host."""

    async def fill(self, rows: Iterable[ProductRow]) -> list[Remark]:
        """Set `media` of the rows and their variants; returns a warning for each picture that was not taken."""
        holders = [
            (holder, holder.line, row.key, "" if holder is row else cast("VariantRow", holder).sku)
            for row in rows
            for holder in (row, *row.variants)
            if holder.pictures is not None
        ]
        found = await self._look_up([named.file for holder, *_ in holders for named in holder.pictures or ()])
        remarks: list[Remark] = []
        for holder, line, product, sku in holders:
            media: list[Media] = []
            for named in holder.pictures or ():
                outcome = found[named.file]
                if isinstance(outcome, Picture):
                    media.append(Media(outcome.image, dict(named.alt), outcome.width, outcome.height, outcome.colour))
                elif isinstance(outcome, RowRefused):
                    remarks.append(warning(line, outcome, product, sku))
            if media or not holder.pictures:
                holder.media = tuple(media)
        return remarks

    async def outcomes(self, names: Iterable[PictureName]) -> list[tuple[PictureName, Outcome]]:
        """Each picture as it was kept, or why it was not."""
        wanted = list(names)
        found = await self._look_up([named.file for named in wanted])
        return [(named, found[named.file]) for named in wanted]

    async def _look_up(self, names: Sequence[str]) -> dict[str, Outcome]:
        wanted = dict.fromkeys(names)
        found = {name: self._outcomes[name] for name in wanted if name in self._outcomes}
        new = [name for name in wanted if name not in found]
        own = {name: image for name in new if (image := own_image(name, self._sources.address))}
        fresh = await self._own(own)
        others = [name for name in new if name not in own]
        for start in range(0, len(others), AT_ONCE):
            fresh.update(await self._fetch(others[start : start + AT_ONCE]))
        self._outcomes.update(fresh)
        while len(self._outcomes) > REMEMBERED:
            self._outcomes.popitem(last=False)
        return found | fresh

    async def _own(self, images: dict[str, str]) -> dict[str, Outcome]:
        """Pictures that the shop has already are neither fetched nor decoded again."""
        known: dict[str, Picture] = {}
        wanted = list(dict.fromkeys(images.values()))
        for start in range(0, len(wanted), KNOWN_AT_ONCE):
            known.update(await self._pictures.known(wanted[start : start + KNOWN_AT_ONCE]))
        self.kept += len(known)
        return {
            name: known.get(image) or _missing(name, "this shop has no such picture") for name, image in images.items()
        }

    async def _fetch(self, names: Sequence[str]) -> dict[str, Outcome]:
        given = await asyncio.gather(*(self._bytes(name) for name in names))
        outcomes: dict[str, Outcome] = {
            name: one for name, one in zip(names, given, strict=True) if not isinstance(one, bytes)
        }
        raw = {name: one for name, one in zip(names, given, strict=True) if isinstance(one, bytes)}
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

    async def _bytes(self, name: str) -> bytes | RowRefused | None:
        try:
            if is_address(name):
                return await self._from_web(name)
            return await asyncio.to_thread(self._read, name)
        except RowRefused as refusal:
            return refusal

    async def _from_web(self, url: str) -> bytes | None:
        """A dry run looks at the address only: nobody's pictures are fetched for nothing."""
        if self._sources.outside is None:
            raise address_refused(url, "pictures are not fetched from the web here")
        host = host_of(url)
        if self._silent[host] >= HOST_FAILURES:
            raise address_failed(
                url, f"{host} did not answer {HOST_FAILURES} times in a row, so it was not asked again"
            )
        try:
            if not self._keep:
                self._sources.outside.check(url)
                return None
            found = await self._sources.outside.fetch(url, self._pictures.max_bytes)
        except OutsideRefused as refusal:
            raise address_refused(url, refusal.detail) from refusal
        except OutsideFailed as failure:
            self._silent[host] += 1
            raise address_failed(url, failure.detail) from failure
        self._silent[host] = 0
        return found

    def _read(self, name: str) -> bytes:
        if self._sources.folder is None and not name.startswith("emoji:"):
            raise _path_refused(name, "is a file, and this import has no folder of pictures")
        folder = self._sources.folder or Path()
        return read(locate(name, folder, self._sources.emoji), name, self._pictures.max_bytes)


def warning(line: int, refusal: RowRefused, product: str, sku: str = "") -> Remark:
    """A picture that was not taken, as it stands in a report."""
    return msgspec.structs.replace(remark(line, refusal, product, sku), refused=False)
