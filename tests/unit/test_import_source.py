"""A file is looked at before anything of it is imported: what it is, whether it is text, and in which encoding."""

import gzip
from pathlib import Path

import pytest

from nightmarket.catalog.contract import ImportFormat
from nightmarket.catalog.errors import EncodingWrong, FileDamaged, FileEmpty, FileForeign, FileMissing, FileRefused
from nightmarket.catalog.handlers.import_formats import find_format
from nightmarket.catalog.handlers.import_source import BLOCK_BYTES, Source, changed_file, inspect


def put(folder: Path, name: str, content: bytes) -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


def look(folder: Path, name: str, content: bytes, encoding: str = "utf-8") -> Source:
    return inspect(put(folder, name, content), encoding)


def test_plain_and_packed_are_the_same_text(tmp_path: Path) -> None:
    """A file packed with gzip is found out by its content and reads as the plain one does, byte order mark or not."""
    text = "sku,title\r\nä,鍋\n"
    plain = look(tmp_path, "a.csv", text.encode())
    packed = look(tmp_path, "b.csv", gzip.compress(text.encode()))
    marked = look(tmp_path, "c.csv", b"\xef\xbb\xbf" + text.encode())
    assert (plain.packed, packed.packed) == (False, True)
    assert plain.sha256 == packed.sha256 != marked.sha256
    for source in (plain, packed, marked):
        with source.open() as opened:
            assert opened.read() == text
        assert source.letters == len(text)


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b" \r\n\t", gzip.compress(b"")])
def test_empty_file(tmp_path: Path, content: bytes) -> None:
    """A file with nothing in it is called empty."""
    with pytest.raises(FileEmpty):
        look(tmp_path, "a.csv", content)


@pytest.mark.parametrize("name", ["none.csv", ".", "a\0b"])
def test_missing_file(tmp_path: Path, name: str) -> None:
    """What is not there, or is a folder, is said to be missing."""
    with pytest.raises(FileMissing):
        inspect(str(tmp_path) + "/" + name, "utf-8")


def test_wrong_encoding_names_the_line(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 name their line, show what they may mean, and say what to add."""
    content = "sku,title\n1,Wok\n2,Café\n".encode("cp1252")
    with pytest.raises(EncodingWrong, match="line 3") as caught:
        look(tmp_path, "a.csv", content)
    assert "--encoding cp1252" in caught.value.detail
    assert caught.value.fields["line"] == 3
    with look(tmp_path, "a.csv", content, "cp1252").open() as opened:
        assert "Café" in opened.read()


def test_wrong_encoding_far_down(tmp_path: Path) -> None:
    """The line is right behind the first block too, also where a letter is cut by its end."""
    line = "é" * 49 + "\n"
    lines = BLOCK_BYTES // len(line.encode()) + 7
    with pytest.raises(EncodingWrong, match=f"line {lines + 1} "):
        look(tmp_path, "a.csv", line.encode() * lines + b"\xff\n")
    with pytest.raises(EncodingWrong, match="line 2 "):
        look(tmp_path, "b.csv", "a\né".encode()[:-1])


def test_other_encodings(tmp_path: Path) -> None:
    """UTF-16 is hinted at and read when named; a name that is no text encoding is refused."""
    text = "sku,title\n1,鍋\n"
    with pytest.raises(EncodingWrong, match="--encoding utf-16"):
        look(tmp_path, "a.csv", text.encode("utf-16"))
    with pytest.raises(FileForeign, match="utf-16-le"):
        look(tmp_path, "a.csv", text.encode("utf-16-le"))
    with look(tmp_path, "a.csv", text.encode("utf-16"), "utf-16").open() as opened:
        assert opened.read() == text
    with pytest.raises(EncodingWrong, match="is not utf-16"):
        look(tmp_path, "a.csv", text.encode(), "utf-16")
    for name in ("klingon", "zlib", "rot13", ""):
        with pytest.raises(EncodingWrong, match="no encoding"):
            look(tmp_path, "a.csv", text.encode(), name)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PK\x03\x04xl/workbook.xml", "save the sheet as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "save the sheet as CSV"),
        (b"%PDF-1.7", "PDF"),
        (b"\x89PNG\r\n", "picture"),
        (b"\x28\xb5\x2f\xfdxx", "unpack"),
        (b"PAR1", "Parquet"),
        (b"<!DOCTYPE html>", "login page"),
        (b"sku\0\0\0", "not text"),
        (gzip.compress(b"PK\x03\x04"), "ZIP"),
    ],
)
def test_file_that_is_not_what_it_says(tmp_path: Path, content: bytes, says: str) -> None:
    """Archives, workbooks and pictures are refused whatever their name, with a hint what to do."""
    with pytest.raises(FileForeign, match=says):
        look(tmp_path, "goods.csv", content)


@pytest.mark.parametrize("cut", [5, 12, -4])
def test_damaged_archive(tmp_path: Path, cut: int) -> None:
    """A packed file that ends early or is broken is called damaged."""
    content = gzip.compress(b"sku,title\n" * 500)
    with pytest.raises(FileDamaged):
        look(tmp_path, "a.csv.gz", content[:cut])


@pytest.mark.parametrize(
    ("name", "content", "format_"),
    [
        ("a.jsonl", b'{"product": 1}', ImportFormat.JSON_LINES),
        ("a.json", b' {"product": 1}', ImportFormat.JSON_LINES),
        ("a", b'{"product": 1}', ImportFormat.JSON_LINES),
        ("a.csv", b"sku,title", ImportFormat.TABLE),
        ("a", b"sku,title", ImportFormat.TABLE),
        ("x.json", b'[{"slug": "a", "name": "A"}]', ImportFormat.MERCHANTS),
        ("x.json", b'[{"slug": "a", "names": {"en": "A"}}]', ImportFormat.CATEGORIES),
    ],
)
def test_format_from_content_and_name(tmp_path: Path, name: str, content: bytes, format_: ImportFormat) -> None:
    """The content says what a file holds; its name only decides where the content does not."""
    assert find_format(look(tmp_path, name, content)) is format_


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b'{"product": 1}', "call it .jsonl"),
        ("a.jsonl", b'[{"product": 1}]', "per line"),
        ("a.json", b"[1]", "per line"),
    ],
)
def test_format_contradicted(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    """A name that contradicts the content is refused with a hint."""
    with pytest.raises(FileRefused, match=says):
        find_format(look(tmp_path, name, content))


def test_file_changed_after_it_was_looked_at(tmp_path: Path) -> None:
    """A file that was fit and is not any more when it is read is called changed, whatever broke."""
    for name, content in (("a.csv", b"sku\n\xff\n"), ("b.csv", gzip.compress(b"sku\n" * 999)[:-9])):
        source = look(tmp_path, name, gzip.compress(b"sku\n1\n") if name == "b.csv" else b"sku\n1\n")
        put(tmp_path, name, content)
        with pytest.raises(FileDamaged, match="changed while"), changed_file(source), source.open() as opened:
            opened.read()


@pytest.mark.parametrize("encoding", ["punycode", "idna", "unicode_escape", "raw-unicode-escape", "undefined"])
def test_notations_of_python_are_no_encodings_of_files(tmp_path: Path, encoding: str) -> None:
    """A stranger's XML that says it is in Punycode would be read for minutes, so such encodings are refused by name."""
    feed = f'<?xml version="1.0" encoding="{encoding}"?>-'.encode() + b"a" * 2_000
    with pytest.raises(EncodingWrong):
        look(tmp_path, "feed.xml", feed)
    with pytest.raises(EncodingWrong):
        look(tmp_path, "table.csv", b"sku,title\n1,Wok\n", encoding)
