"""A shop of a rehearsal's own: the demo, opened in a temporary home and gone afterwards.

However the rehearsal ends: the shop holds the other end of a pipe, and closes when that does. The folder that a killed
rehearsal could not take away goes with the next one: only a rehearsal that lives holds its folder's lock.
"""

import contextlib
import fcntl
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
from nightmarket.kernel.clock import SystemClock
from nightmarket.kernel.problems import Problem
from nightmarket.platform.postgres import EmbeddedPostgres
from nightmarket.platform.settings import Settings, read_settings
from nightmarket.platform.supervisor import running
from nightmarket.platform.supervisor.lifeline import VARIABLE as LIFELINE
from nightmarket.rehearsal.errors import NotRehearsed

OPEN_SECONDS = 180.0
CLOSE_SECONDS = 60.0
LOOK_SECONDS = 0.25
PREFIX = "nightmarket-rehearsal-"
LOG, LOCK = "shop.log", "lock"
MOST_LEFTOVERS = 100
_NOT_OURS = frozenset(
    {
        *("DATABASE_URL", "PUBLIC_URL", "HOST", "PORT", "NIGHTMARKET_HOME", "NIGHTMARKET_SECRET"),
        *("NIGHTMARKET_MAIL_SERVER", "NIGHTMARKET_MAIL_FROM"),
    }
)
_PASSABLE = 0o711


@contextmanager
def own_shop() -> Generator[Settings]:
    """The settings of a demo that is open for the length of the block. Raises NotRehearsed where it does not open."""
    clear_leftovers(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    folder.chmod(_PASSABLE)  # the database's account has to reach its data
    with (folder / LOCK).open("wb") as lock, _lifeline() as (end, variable):
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield from _opened(folder, end, variable)


def clear_leftovers(below: Path) -> int:
    """Take away the folders of rehearsals of this account that were killed; returns how many there were."""
    gone = 0
    for folder in sorted(below.glob(f"{PREFIX}*"))[:MOST_LEFTOVERS]:
        try:
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid() or not _is_left(folder):
                continue
            EmbeddedPostgres(folder / "home").stop()
            shutil.rmtree(folder, ignore_errors=True)
            gone += 1
        except (OSError, Problem) as reason:
            note(f"{folder} was left by a rehearsal and cannot be taken away: {reason}")
    return gone


def _is_left(folder: Path) -> bool:
    """Whether nobody holds it any more: neither a rehearsal nor the shop in it."""
    if running(folder / "home") is not None:
        return False
    try:
        with (folder / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except FileNotFoundError:
        age = SystemClock().now().timestamp() - folder.stat().st_mtime
        return age > OPEN_SECONDS  # one is just being made, or is from before
    return True


@contextmanager
def _lifeline() -> Generator[tuple[int, dict[str, str]]]:
    """A pipe whose reading end the shop gets; the writing end closes with this process, however that ends."""
    reading, writing = os.pipe()
    try:
        yield reading, {LIFELINE: str(reading)}
    finally:
        os.close(writing)
        os.close(reading)


def _opened(folder: Path, lifeline: int, variable: dict[str, str]) -> Generator[Settings]:
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
    home = folder / "home"
    environment = {**kept, "NIGHTMARKET_HOME": str(home), "PORT": str(_free_port()), "HOST": "127.0.0.1", **variable}
    settings = read_settings(environment, {"demo": True})
    command = [sys.executable, "-c", "from nightmarket.entrypoints.cli import main; main()", "up", "--demo"]
    with (folder / LOG).open("wb") as log:
        shop = subprocess.Popen(  # noqa: S603 (our own command)
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=(lifeline,),
        )
    try:
        _wait(shop, settings, folder / LOG)
        yield settings
    finally:
        with contextlib.suppress(ProcessLookupError):
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
