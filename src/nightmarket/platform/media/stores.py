"""Where pictures' bytes are: by content, so that a name never means another thing later."""

import asyncio
import os
import re
import tempfile
from pathlib import Path
from typing import Protocol

from nightmarket.kernel.problems import Unavailable

KEY = re.compile(r"[0-9a-f]{64}(\.[0-9]{2,4}\.webp)?")
"""A hash, or a hash with the width of a derivative. Nothing else ever becomes a file's name."""


class MediaStore(Protocol):
    """Bytes by key. Keys are of the form `KEY`; others raise ValueError. Writing a key again does no harm."""

    async def write(self, key: str, data: bytes) -> None:
        """Keep the bytes: after this they survive a crash, and no reader ever sees a part of them."""
        ...

    async def read(self, key: str) -> bytes | None:
        """The bytes, or None."""
        ...


def check_key(key: str) -> None:
    """Raise ValueError unless it is a key."""
    if not KEY.fullmatch(key):
        raise ValueError("a media key is a SHA-256 in hexadecimal, perhaps with a width")


class FolderStore:
    """Files below one folder, spread over 256 more. Raises Unavailable when the disk fails or is full."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, key: str) -> Path:
        """Where the file of a key is or would be."""
        check_key(key)
        return self._folder / key[:2] / key

    async def write(self, key: str, data: bytes) -> None:
        await asyncio.to_thread(self._write, self.path(key), data)

    async def read(self, key: str) -> bytes | None:
        return await asyncio.to_thread(self._read, self.path(key))

    def _write(self, path: Path, data: bytes) -> None:
        if path.exists():
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                Path(temporary).replace(path)
            except OSError:
                Path(temporary).unlink(missing_ok=True)
                raise
            _sync_folder(path.parent)
        except OSError as error:
            raise Unavailable(
                "The picture could not be stored; the disk may be full.", retry_after_seconds=30
            ) from error

    def _read(self, path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable("The picture could not be read from disk.") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class MemoryStore:
    """Bytes in this process: for tests and simulations."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def write(self, key: str, data: bytes) -> None:
        check_key(key)
        self.kept[key] = data

    async def read(self, key: str) -> bytes | None:
        check_key(key)
        return self.kept.get(key)
