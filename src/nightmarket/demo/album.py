"""The pictures that the demo's goods name, painted into a folder once and found there ever after."""

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from .pictures import Recipe, render

HERE = Path(__file__).parent
SOURCES = (
    "pictures.json",
    "pictures.py",
    "scenes.py",
    "sprites.py",
    "forms.py",
    "parts.py",
    "paper.py",
    "turned.py",
)
"""What decides how a picture looks; if one of them changes, the album is made anew."""

PAINTERS = 8
"""Most processes that paint together; never more than there are processors."""

BATCH = 8
"""Pictures that one painter takes in a row: neighbours share their things, and a painter remembers what it drew."""


def recipes() -> dict[str, Recipe]:
    """All pictures by name."""
    return msgspec.json.decode((HERE / "pictures.json").read_bytes(), type=dict[str, Recipe])


def edition() -> str:
    """A name for how the pictures look today."""
    digest = hashlib.sha256()
    for name in SOURCES:
        digest.update((HERE / name).read_bytes())
    return digest.hexdigest()[:12]


def hang(shelf: Path, art: Path, wanted: Iterable[str] | None = None) -> Path:
    """The folder below `shelf` with the wanted pictures (all of them) as `NAME.jpg`; paints those that are missing.

    `art` is the folder of the emoji art. Safe to run twice at once: the second waits, and a picture appears whole or
    not at all. Raises `CalledProcessError` when a painter fails.
    """
    folder = shelf / f"demo-pictures-{edition()}"
    folder.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        _paint_missing(folder, art, wanted)
    return folder


def _paint_missing(folder: Path, art: Path, wanted: Iterable[str] | None) -> None:
    there = {path.stem for path in folder.glob("*.jpg")}
    missing = sorted(set(recipes() if wanted is None else wanted) - there)
    batches = [missing[start : start + BATCH] for start in range(0, len(missing), BATCH)]
    painters = min(PAINTERS, len(batches), os.cpu_count() or 1)
    shares = [[name for batch in batches[place::painters] for name in batch] for place in range(painters)]
    command = [sys.executable, "-m", __name__, str(folder), str(art)]
    running = [subprocess.Popen([*command, *share], stdin=subprocess.DEVNULL) for share in shares]  # noqa: S603
    codes = [one.wait() for one in running]
    if any(codes):
        raise subprocess.CalledProcessError(max(codes), command)


def paint(folder: Path, art: Path, names: Iterable[str]) -> None:
    """Paint these pictures, one after the other."""
    known = recipes()
    for name in names:
        wet = folder / f"{name}.{os.getpid()}.wet"
        wet.write_bytes(render(known[name], art))
        wet.replace(folder / f"{name}.jpg")


if __name__ == "__main__":
    paint(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
