"""Style sheets, scripts and pictures of our own: read once, compressed once, addressed by their content."""

import gzip
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from nightmarket.kernel.problems import NotFound
from nightmarket.platform.http import ASGIScope, Response, header, immutable_response

PREFIX = "/static"
HASH_LETTERS = 12
GZIP_LEVEL = 9
MAX_FILE_BYTES = 2_000_000

MIMES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
}
COMPRESSED = frozenset({".css", ".js", ".svg", ".txt"})


class StaticFile(msgspec.Struct, frozen=True):
    """One file as it is served; `packed` is its gzip form, empty where that would not help."""

    body: bytes
    packed: bytes
    mime: str
    digest: str


class StaticFiles:
    """All files below a folder and some chosen ones from elsewhere, each at an address that names its content."""

    def __init__(self, folder: Path, chosen: Mapping[str, Path]) -> None:
        found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if _is_ours(path)}
        found.update({name: path for name, path in chosen.items() if path.is_file()})
        self._files = {name: _read(path) for name, path in found.items()}

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def url(self, name: str) -> str:
        """Where browsers find the file; a change of content changes the address."""
        return f"{PREFIX}/{self._files[name].digest}/{name}"

    def body(self, name: str) -> bytes:
        """The file's content, for one that has an address of its own."""
        return self._files[name].body

    def size(self, name: str) -> int:
        """Bytes of the file before compression."""
        return len(self._files[name].body)

    def answer(self, scope: ASGIScope, digest: str, name: str) -> Response:
        """The file, to be kept for ever; raises NotFound, also for the content it once had."""
        file = self._files.get(name)
        if file is None or file.digest != digest:
            raise NotFound("There is no such file.")
        packs = bool(file.packed) and "gzip" in (header(scope, b"accept-encoding") or "")
        tag = f'"{file.digest}-gzip"' if packs else f'"{file.digest}"'
        response = immutable_response(scope, file.packed if packs else file.body, file.mime, tag)
        response.headers.append((b"vary", b"accept-encoding"))
        if packs and response.status != 304:
            response.headers.append((b"content-encoding", b"gzip"))
        return response


def _is_ours(path: Path) -> bool:
    return path.is_file() and path.suffix in MIMES


def _read(path: Path) -> StaticFile:
    body = path.read_bytes()
    if len(body) > MAX_FILE_BYTES:
        raise ValueError(f"{path.name} is too large to be served from memory")
    packed = _packed(body) if path.suffix in COMPRESSED else b""
    return StaticFile(
        body=body,
        packed=packed if len(packed) < len(body) else b"",
        mime=MIMES[path.suffix],
        digest=hashlib.blake2b(body, digest_size=16).hexdigest()[:HASH_LETTERS],
    )


@cache
def _packed(body: bytes) -> bytes:
    return gzip.compress(body, GZIP_LEVEL, mtime=0)
