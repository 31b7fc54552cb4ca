"""A file before it is imported: is it text, in which encoding, packed or not, how long, and which one is it."""

import codecs
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from nightmarket.catalog.errors import (
    EncodingWrong,
    FileDamaged,
    FileEmpty,
    FileForeign,
    FileMissing,
    FileTooLarge,
)

MAX_FILE_BYTES = 2 * 1024**3
"""Of a file when unpacked."""

HEAD_LETTERS = 64 * 1024
BLOCK_BYTES = 1024 * 1024
GZIP = b"\x1f\x8b"

FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook (.xlsx); save the sheet as CSV (UTF-8), or unpack the archive"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls); save the sheet as CSV (UTF-8)"),
    (b"%PDF", "a PDF; export the data as CSV"),
    (b"\x89PNG", "a picture; pictures are named in the rows of a file"),
    (b"\xff\xd8\xff", "a picture; pictures are named in the rows of a file"),
    (b"GIF8", "a picture; pictures are named in the rows of a file"),
    (b"RIFF", "a picture or sound; pictures are named in the rows of a file"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd; unpack it, or pack it with gzip"),
    (b"BZh", "packed with bzip2; unpack it, or pack it with gzip"),
    (b"\xfd7zXZ", "packed with xz; unpack it, or pack it with gzip"),
    (b"7z\xbc\xaf", "a 7-Zip archive; unpack it"),
    (b"PAR1", "a Parquet file; export the data as CSV"),
    (b"SQLite format 3", "an SQLite database; export the data as CSV"),
    (b"<!DOCTYPE", "a web page; perhaps a login page was saved instead of the download"),
    (b"<html", "a web page; perhaps a login page was saved instead of the download"),
)
_DECLARED = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding=[\"']([A-Za-z0-9._-]{1,40})[\"']")
"""The encoding that an XML document names for itself."""

UNFIT_ENCODINGS = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined"})
"""Python's own notations, in which no file is written. Reading a megabyte of Punycode takes minutes, and a stranger's
XML may name it for itself."""

WIDE_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


class Source(msgspec.Struct, frozen=True):
    """A file that was read through once and found to be text."""

    path: Path
    packed: bool
    encoding: str
    sha256: bytes
    letters: int
    head: str

    def open(self) -> io.TextIOBase:
        """Its text from the start, without byte order mark, with line ends as they are."""
        return io.TextIOWrapper(_open(self.path, packed=self.packed), encoding=self.encoding, newline="")


def _open(path: Path, *, packed: bool) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path, "rb")) if packed else path.open("rb")


def inspect(file: str, encoding: str, *, whole: bool = True) -> Source:
    """Read the file through once, or with `whole` false its first block only, which does to look at it.

    Raises a `FileRefused` that says what is wrong and how to mend it.
    """
    path = Path(file)
    decoder = _decoder(encoding)
    try:
        if not path.is_file():
            raise FileMissing(f"{path.name} is not a file; check the path.", field="file")
        with path.open("rb") as opened:
            packed = opened.read(2) == GZIP
        with _open(path, packed=packed) as opened:
            declared = _DECLARED.match(opened.read(200))
        if declared and decoder == "utf-8-sig":
            decoder = _decoder(declared[1].decode())
        with _open(path, packed=packed) as opened:
            return _read_through(path, opened, decoder, packed=packed, whole=whole)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileDamaged(f"{path.name} ends early or is damaged ({error}); fetch it again.", field="file") from error
    except (OSError, ValueError) as error:
        raise FileMissing(f"{file!r} cannot be read: {error}.", field="file") from error


@contextmanager
def changed_file(source: Source) -> Generator[None]:
    """What goes wrong with a file that was found to be fit means that it was changed in between."""
    try:
        yield
    except (UnicodeError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileDamaged(
            f"{source.path.name} was changed while it was read; import it again.", field="file"
        ) from error


def _decoder(encoding: str) -> str:
    try:
        with suppress(UnicodeError):
            b"a".decode(encoding)  # refuses codecs that are not for text
        found = codecs.lookup(encoding).name
        if found.replace("_", "-") in UNFIT_ENCODINGS:
            raise LookupError(encoding)
    except LookupError:
        raise EncodingWrong(
            f"There is no encoding {encoding!r}; try utf-8, cp1252, utf-16 or gb18030.", field="encoding"
        ) from None
    return "utf-8-sig" if found == "utf-8" else found


def _blocks(opened: BinaryIO) -> Iterator[bytes]:
    while block := opened.read(BLOCK_BYTES):
        yield block


def _read_through(path: Path, opened: BinaryIO, encoding: str, *, packed: bool, whole: bool) -> Source:
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder(encoding)()
    head, size, letters, lines, filled = "", 0, 0, 0, False
    for block in _blocks(opened):
        if size == 0:
            _refuse_foreign(path, block, encoding)
        size += len(block)
        if size > MAX_FILE_BYTES:
            raise FileTooLarge(f"{path.name} is over {MAX_FILE_BYTES // 1024**3} GiB; split it.", field="file")
        digest.update(block)
        try:
            text = decoder.decode(block)
        except UnicodeError as error:
            raise _wrong_encoding(path, error, lines, encoding) from error
        if len(head) < HEAD_LETTERS:
            head += text[: HEAD_LETTERS - len(head)]
        letters += len(text)
        lines += text.count("\n")
        filled = filled or bool(text.strip())
        if not whole:
            break
    try:
        decoder.decode(b"", final=whole)
    except UnicodeError as error:
        raise _wrong_encoding(path, error, lines, encoding) from error
    if not filled:
        raise FileEmpty(f"{path.name} is empty.", field="file")
    return Source(path, packed, encoding, digest.digest(), letters, head)


def _refuse_foreign(path: Path, start: bytes, encoding: str) -> None:
    for mark, what in FOREIGN:
        if start.startswith(mark):
            raise FileForeign(f"{path.name} is {what}.", field="file")
    if encoding == "utf-8-sig":
        for mark, wide in WIDE_MARKS.items():
            if start.startswith(mark):
                raise EncodingWrong(f"{path.name} is in UTF-16; add --encoding {wide}.", field="encoding")
        if b"\0" in start[:4096]:
            raise FileForeign(
                f"{path.name} is not text; if it is text in UTF-16, add --encoding utf-16-le.", field="file"
            )


def _wrong_encoding(path: Path, error: UnicodeError, lines: int, encoding: str) -> EncodingWrong:
    if not isinstance(error, UnicodeDecodeError):
        return EncodingWrong(f"{path.name} is not {encoding}: {error}.", field="encoding")
    line = lines + error.object[: error.start].count(b"\n") + 1
    named = "UTF-8" if encoding == "utf-8-sig" else encoding
    near = error.object[max(0, error.start - 15) : error.start + 15].decode("cp1252", "replace")
    hint = (
        f"Read as Windows-1252 it says {near!a}: if that is right, add --encoding cp1252; else save it as UTF-8."
        if encoding == "utf-8-sig"
        else "Name another one."
    )
    return EncodingWrong(
        f"{path.name} is not {named}: line {line} has other bytes. {hint}", field="encoding", line=line
    )
