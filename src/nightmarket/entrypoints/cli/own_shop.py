"""A shop of a rehearsal's own: the demo, opened in a temporary home and gone afterwards."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from nightmarket.entrypoints.cli.connected import note
from nightmarket.entrypoints.cli.up import is_ready
from nightmarket.platform.postgres import EmbeddedPostgres
from nightmarket.platform.settings import Settings, read_settings
from nightmarket.platform.supervisor import running
from nightmarket.rehearsal.errors import NotRehearsed

OPEN_SECONDS = 180.0
CLOSE_SECONDS = 60.0
LOOK_SECONDS = 0.25
PREFIX = "nightmarket-rehearsal-"
LOG = "shop.log"
_NOT_OURS = frozenset({"DATABASE_URL", "PUBLIC_URL", "HOST", "PORT", "NIGHTMARKET_HOME", "NIGHTMARKET_SECRET"})
_PASSABLE = 0o711


@contextmanager
def own_shop() -> Generator[Settings]:
    """The settings of a demo that is open for the length of the block. Raises NotRehearsed where it does not open."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    folder.chmod(_PASSABLE)  # the database's account has to reach its data
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
    home = folder / "home"
    environment = {**kept, "NIGHTMARKET_HOME": str(home), "PORT": str(_free_port()), "HOST": "127.0.0.1"}
    settings = read_settings(environment, {"demo": True})
    command = [sys.executable, "-c", "from nightmarket.entrypoints.cli import main; main()", "up", "--demo"]
    with (folder / LOG).open("wb") as log:
        shop = subprocess.Popen(  # noqa: S603 (our own command)
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait(shop, settings, folder / LOG)
        yield settings
    finally:
        _close(shop, home)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(shop: "subprocess.Popen[bytes]", settings: Settings, log: Path) -> None:
    gives_up = time.monotonic() + OPEN_SECONDS
    while running(settings.home) is None or not is_ready(settings):
        if shop.poll() is not None or time.monotonic() > gives_up:
            said = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
            raise NotRehearsed(f"The shop for the rehearsal did not open:\n{said}")
        time.sleep(LOOK_SECONDS)


def _close(shop: "subprocess.Popen[bytes]", home: Path) -> None:
    if shop.poll() is None:
        shop.send_signal(signal.SIGTERM)
    try:
        shop.wait(CLOSE_SECONDS)
    except subprocess.TimeoutExpired:
        note("The shop of the rehearsal does not close; it is ended.")
        shop.kill()
        shop.wait()
    EmbeddedPostgres(home).stop()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
