"""Deal test files out to processes that run at once: `python -m pytest -p tools.dealing --dealt-from=FOLDER FILES`.

Every process is given all files, in the same order, and takes the next one that no other has taken, so that all end at
about the same time, whatever each file costs on this machine. The folder, empty at first, holds what is taken.
"""

from pathlib import Path

import pytest


class Dealer:
    """Leaves out the tests of files that another process has taken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mine: dict[Path, bool] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """Without an answer the test runs as ever."""
        if item.path not in self._mine:
            self._mine[item.path] = self._takes(item.path)
        return None if self._mine[item.path] else True

    def _takes(self, file: Path) -> bool:
        try:
            (self._folder / str(file).replace("/", "+")).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--dealt-from", type=Path, metavar="FOLDER", help="take the next file that FOLDER does not hold")


def pytest_configure(config: pytest.Config) -> None:
    folder: Path | None = config.getoption("--dealt-from")
    if folder is not None:
        config.pluginmanager.register(Dealer(folder))
