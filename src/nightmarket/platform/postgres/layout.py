"""What lies where in a home folder, and where the cluster goes when the server's account cannot reach that folder."""

import hashlib
import os
import secrets
from pathlib import Path

import msgspec

from nightmarket.platform.postgres.account import Account, can_enter
from nightmarket.platform.postgres.errors import StartRefused

SHELTER = Path("/var/lib/nightmarket")
"""Used by root only, where the home lies in a folder that no other account may enter (such as /root)."""

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
PASSABLE_FOLDER = 0o711
"""Others may pass through and read nothing: as root, the server's account has to reach the cluster."""


class Remembered(msgspec.Struct):
    """What the home keeps of its server, in `postgres.json`."""

    port: int
    base: str
    """The folder with `cluster` and, if needed, a copy of the programs: the home itself or a shelter."""


class Layout:
    """Paths of one home. `prepare()` makes the folders; nothing outside the home and its shelter is touched."""

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self.state_file = self.home / "postgres.json"
        self.password_file = self.home / "postgres.password"
        self.log_file = self.home / "logs" / "postgres.log"
        self.start_lock = self.home / "postgres.start.lock"
        self.use_lock = self.home / "postgres.use.lock"

    def prepare(self) -> None:
        """Make the home and its logs folder; raises StartRefused where that is not allowed."""
        make_home(self.home)
        self.log_file.parent.mkdir(exist_ok=True, mode=PRIVATE_FOLDER)

    def remembered(self) -> Remembered | None:
        try:
            return msgspec.json.decode(self.state_file.read_bytes(), type=Remembered)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise StartRefused(
                f"{self.state_file} cannot be read ({error}). It holds the port and the folder of the database; "
                "put it back from a backup, or write it anew."
            ) from error

    def remember(self, state: Remembered) -> None:
        write_private(self.state_file, msgspec.json.encode(state))

    def password(self) -> str:
        """The database's password, made on first use."""
        if not self.password_file.exists():
            write_private(self.password_file, secrets.token_urlsafe(24).encode())
        return self.password_file.read_text().strip()

    def base_for(self, account: Account | None, shelters: Path = SHELTER) -> Path:
        """The folder that takes the cluster: the home, or a shelter where the account cannot enter the home."""
        if can_enter(account, self.home):
            return self.home
        shelter = shelters / f"{self.home.parent.name or 'home'}-{hashlib.sha256(bytes(self.home)).hexdigest()[:8]}"
        if not can_enter(account, shelter):
            name = account.name if account else ""
            raise StartRefused(
                f"The database runs as {name}, which may enter neither {self.home} nor {shelter}. "
                "Set NIGHTMARKET_HOME to a folder below /srv or /opt."
            )
        make_folder(shelters, PASSABLE_FOLDER)
        make_folder(shelter, PASSABLE_FOLDER)
        return shelter


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
