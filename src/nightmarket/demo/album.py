"""The pictures that the demo's goods name, rendered into a folder once and found there ever after."""

import hashlib
import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import msgspec

from .pictures import Recipe, render

HERE = Path(__file__).parent
SOURCES = ("pictures.json", "pictures.py", "scenes.py", "sprites.py", "forms.py", "parts.py", "paper.py", "turned.py")
"""What decides how a picture looks; if one of them changes, the album is made anew."""

AT_ONCE = 8
"""Most processes that paint together; never more than there are processors."""

BATCH = 8


def recipes() -> dict[str, Recipe]:
    """All pictures by name."""
    return msgspec.json.decode((HERE / "pictures.json").read_bytes(), type=dict[str, Recipe])


def edition() -> str:
    """A name for how the pictures look today."""
    digest = hashlib.sha256()
    for name in SOURCES:
        digest.update((HERE / name).read_bytes())
    return digest.hexdigest()[:12]


def hang(shelf: Path, art: Path, wanted: Mapping[str, Recipe] | None = None) -> Path:
    """The folder below `shelf` with the wanted pictures (all of them) as `NAME.jpg`; paints those that are missing.

    `art` is the folder of the emoji art. Safe to run twice at once: a picture appears whole or not at all.
    """
    folder = shelf / f"demo-pictures-{edition()}"
    folder.mkdir(parents=True, exist_ok=True)
    there = {path.stem for path in folder.glob("*.jpg")}
    # neighbours share their things, and a process remembers the things it has drawn
    missing = [(name, recipe) for name, recipe in sorted((wanted or recipes()).items()) if name not in there]
    batches = [missing[start : start + BATCH] for start in range(0, len(missing), BATCH)]
    workers = min(AT_ONCE, len(batches), os.cpu_count() or 1)
    if workers <= 1:
        for batch in batches:
            _paint(batch, folder, art)
        return folder
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as painters:
        for done in [painters.submit(_paint, batch, folder, art) for batch in batches]:
            done.result()
    return folder


def _paint(batch: list[tuple[str, Recipe]], folder: Path, art: Path) -> None:
    for name, recipe in batch:
        wet = folder / f"{name}.{os.getpid()}.wet"
        wet.write_bytes(render(recipe, art))
        wet.replace(folder / f"{name}.jpg")
