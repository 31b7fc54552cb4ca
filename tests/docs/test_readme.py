"""The first page says what is there: its commands, its map, its languages; and it can be read in two minutes."""

import re
from pathlib import Path

from nightmarket.entrypoints.cli import COMMANDS
from nightmarket.kernel.languages import LANGUAGES

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text()
MOST_WORDS = 600
"""Two minutes, with the links."""

NAMES = {"en": "English", "de": "German", "it": "Italian", "zh": "Chinese"}


def test_it_is_read_in_two_minutes() -> None:
    """A first page that goes on and on is not read at all."""
    assert len(TEXT.split()) <= MOST_WORDS


def test_its_commands_exist() -> None:
    """Each `make` target and each subcommand that it names is one."""
    targets = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", TEXT, re.MULTILINE))
    assert {"run", "test"} <= named <= targets
    (row,) = re.findall(r"^\| \*\*engineers\*\* \| (.+) \|$", TEXT, re.MULTILINE)
    commands = set(re.findall(r"`(?:nightmarket )?([a-z]+)`", row))
    assert commands <= set(COMMANDS)
    assert len(commands) > 3


def test_the_map_is_the_house() -> None:
    """Each room that has something in it stands on the map, and nothing else does."""
    package = ROOT / "src" / "nightmarket"
    rooms = {path.name for path in package.iterdir() if path.is_dir() and any(path.glob("[!_]*"))}
    (drawn,) = re.findall(r"^src/nightmarket/\n((?:  .+\n)+)", TEXT, re.MULTILINE)
    assert set(re.findall(r"^  (\w+)/", drawn, re.MULTILINE)) == rooms
    for folder in re.findall(r"(\w+)/", TEXT.split(drawn)[1].split("```")[0]):
        assert (ROOT / folder).is_dir(), folder


def test_every_room_has_its_page() -> None:
    """The map promises a page per room that says what it is for."""
    package = ROOT / "src" / "nightmarket"
    rooms = [path for path in package.iterdir() if path.is_dir() and any(path.glob("[!_]*"))]
    assert [room.name for room in rooms if not (room / "README.md").exists()] == []


def test_its_languages_are_those_of_the_house() -> None:
    """A language that the shop speaks is named, and none that it doesn't."""
    assert set(NAMES) == set(LANGUAGES)
    assert all(name in TEXT for name in NAMES.values())


def test_it_promises_nothing_of_clusters() -> None:
    """Until a run on a cluster is measured, the page says so."""
    assert "*designed for* a cluster" in TEXT
    assert "*not yet* measured" in TEXT
