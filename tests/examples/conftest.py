"""A market that is really open, with its demo, for the pages of the documentation to be walked in."""

import os
import shutil
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nightmarket.platform.postgres import EmbeddedPostgres
from tests.conftest import reachable_folder
from tests.terminal import Terminal, free_port
from tests.walking import ROOT, Shell

BIN = Path(sys.executable).parent
OPEN = [str(BIN / "nightmarket"), "up", "--demo"]
"""What `make run` runs; a test compares the two."""

OPENING_SECONDS = 300


@dataclass
class Night:
    """An open market: where it is, the terminal that it runs in, and a shell beside it."""

    home: Path
    port: int
    terminal: Terminal

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def shell(self, **instead: str) -> Shell:
        """A second terminal, where pages' addresses and folders are this market's; what it makes stays out of the way.

        `instead` is what pages write, by what stands for it here.
        """
        return Shell(
            {**os.environ, **surroundings(self.home, self.port)},
            {"127.0.0.1:1111": f"127.0.0.1:{self.port}", " .nightmarket/": f" {self.home}/"}
            | {theirs: ours for ours, theirs in instead.items()},
            workplace(self.home.parent),
        )


def workplace(folder: Path) -> Path:
    """A folder that looks like the repository to the commands of a page, and may be written to."""
    made = folder / "repository"
    if not made.exists():
        made.mkdir(mode=0o755)
        for name in ("examples", ".venv", "src"):
            (made / name).symlink_to(ROOT / name)
    return made


def surroundings(home: Path, port: int) -> dict[str, str]:
    """The variables that keep a market away from the reader's own."""
    return {
        "NIGHTMARKET_HOME": str(home),
        "PORT": str(port),
        "NIGHTMARKET_WORKERS": "1",
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }


def wait_until_open(terminal: Terminal) -> None:
    """A machine that is busy with other tests may take its time to fill a market."""
    give_up = time.monotonic() + OPENING_SECONDS
    while not terminal.heard("Ctrl-C stops all of it"):
        assert terminal.process.poll() is None, terminal.said
        assert time.monotonic() < give_up, terminal.said
        time.sleep(0.1)


@pytest.fixture(scope="session")
def night() -> Generator[Night]:
    """The market of this test run."""
    folder = reachable_folder("night")
    home, port = folder / "home", free_port()
    terminal = Terminal(OPEN, {**os.environ, **surroundings(home, port)})
    try:
        wait_until_open(terminal)
        yield Night(home, port, terminal)
        assert terminal.stop() == 0
    finally:
        terminal.clear_away()
        EmbeddedPostgres(home).stop()
        shutil.rmtree(folder, ignore_errors=True)


__all__ = ["ROOT", "Night", "night"]
