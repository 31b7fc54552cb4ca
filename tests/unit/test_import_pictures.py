"""A picture's name leads into the file's own folder, or nowhere."""

import os
from pathlib import Path

import pytest

from nightmarket.catalog.errors import Reason
from nightmarket.catalog.handlers.import_pictures import MAX_NAME, locate, read
from nightmarket.catalog.model.checks import RowRefused


def code_of(name: str, folder: Path, emoji: Path | None = None) -> Reason:
    with pytest.raises(RowRefused) as caught:
        locate(name, folder, emoji)
    assert caught.value.reason.isprintable()
    return caught.value.code


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a picture, beside a secret."""
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    inside = tmp_path / "goods"
    (inside / "photos").mkdir(parents=True)
    (inside / "photos" / "wok.jpg").write_bytes(b"wok")
    return inside


def test_picture_inside(folder: Path) -> None:
    """A relative path inside the folder is found, also through a link that stays inside."""
    (folder / "same.jpg").symlink_to("photos/wok.jpg")
    assert read(locate("photos/wok.jpg", folder, None), "x", 10) == b"wok"
    assert read(locate("same.jpg", folder, None), "x", 10) == b"wok"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "../secret.jpg",
            "photos/../../secret.jpg",
            "photos/../photos/wok.jpg",
            "./photos/wok.jpg",
            "photos//wok.jpg",
        ),
        *("/etc/passwd", "~/x.jpg", "C:\\x.jpg", "c:x.jpg", "..\\secret.jpg", "photos\\wok.jpg", "\\\\host\\x.jpg"),
        *(
            "file:///etc/passwd",
            "https://127.0.0.1/x.jpg",
            "photos/wok.jpg\0.txt",
            "photos/\nwok.jpg",
            "x" * (MAX_NAME + 1),
        ),
        *("NUL", "con.jpg", "photos/COM1.jpg", "lpt1", "wok.jpg.", "wok.jpg ", "photos /wok.jpg"),
    ],
)
def test_path_tricks(folder: Path, name: str) -> None:
    """Absolute paths, steps upwards, drives, addresses, devices and control characters are refused unread."""
    assert code_of(name, folder) is Reason.PICTURE_PATH


def test_links_that_lead_out(folder: Path) -> None:
    """A link to a file or folder outside is refused."""
    (folder / "out.jpg").symlink_to("../secret.jpg")
    (folder / "up").symlink_to("..")
    assert code_of("out.jpg", folder) is Reason.PICTURE_PATH
    assert code_of("up/secret.jpg", folder) is Reason.PICTURE_PATH


def test_missing_and_endless(folder: Path) -> None:
    """What is not there, or links in a circle, is missing."""
    (folder / "circle.jpg").symlink_to("circle.jpg")
    assert code_of("none.jpg", folder) is Reason.PICTURE_MISSING
    assert code_of("circle.jpg", folder) is Reason.PICTURE_MISSING


def test_only_files_within_the_bound(folder: Path) -> None:
    """Folders and pipes are no pictures (and nobody waits for them); a file over the bound is not read."""
    os.mkfifo(folder / "pipe.jpg")
    for name in ("photos", "pipe.jpg"):
        with pytest.raises(RowRefused) as caught:
            read(locate(name, folder, None), name, 10)
        assert caught.value.code is Reason.PICTURE_PATH
    with pytest.raises(RowRefused) as caught:
        read(locate("photos/wok.jpg", folder, None), "photos/wok.jpg", 2)
    assert caught.value.code is Reason.PICTURE_TOO_LARGE


def test_emoji(folder: Path, tmp_path: Path) -> None:
    """An emoji is a code in the folder of emoji; anything else behind the colon is refused."""
    (tmp_path / "1f373.webp").write_bytes(b"pan")
    assert locate("emoji:1F373", folder, tmp_path).read_bytes() == b"pan"
    assert code_of("emoji:1f374", folder, tmp_path) is Reason.PICTURE_MISSING
    assert code_of("emoji:1f373", folder) is Reason.PICTURE_MISSING
    for name in ("emoji:", "emoji:../1f373", "emoji:wok", "emoji:1f373/../x", "emoji:1f373\n"):
        assert code_of(name, folder, tmp_path) is Reason.PICTURE_PATH
