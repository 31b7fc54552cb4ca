"""The home folder, made with the rights it needs, and the one kind of refusal to start."""

import os
from pathlib import Path

from nightmarket.kernel.problems import Kind, Problem

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
PASSABLE_FOLDER = 0o711
"""Others may pass through and read nothing: as root, the database's account has to reach its data."""

CONTENTS = (
    "cluster",
    "crowd",
    "engine-*",
    "logs",
    "media",
    "metrics",
    "nightmarket.pid",
    "postgres.*",
    ".postgres.*",
    "rehearsals",
    "secret",
    "testpay.sqlite3*",
    "vapid.pem",
    ".vapid.pem.*",
)
"""What Nightmarket puts into its home, and `nightmarket reset` takes out; whatever else lies there stays.
Whoever puts something new there names it here; a test resets a shop that has run and finds what is missing."""


class StartRefused(Problem):
    """Something on this machine stands in the way of starting; the detail says what, and how to mend it."""

    code = "start_refused"
    kind = Kind.CONFLICT


def make_home(home: Path) -> None:
    """Make the home folder with the rights it needs; raises StartRefused where that is not allowed."""
    make_folder(home, PASSABLE_FOLDER if os.geteuid() == 0 else PRIVATE_FOLDER)
    if not os.access(home, os.W_OK | os.X_OK):
        raise StartRefused(f"{home} is not writable for you. Set NIGHTMARKET_HOME to a folder of yours.")


def make_folder(folder: Path, mode: int) -> None:
    """Make a folder with this mode; one that exists keeps its own."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=mode)
    except FileExistsError:
        if folder.is_dir():
            return
        raise StartRefused(f"{folder} is a file, where a folder has to be. Set NIGHTMARKET_HOME to another.") from None
    except OSError as error:
        raise StartRefused(
            f"{folder} cannot be made: {error.strerror}. Set NIGHTMARKET_HOME to a folder that you may write."
        ) from error


def write_private(file: Path, content: bytes) -> None:
    """Write a file that only its owner may read; it appears whole or not at all."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.rename(file)
