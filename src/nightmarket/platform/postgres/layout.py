"""What lies where in a home folder, and where the cluster goes when the server's account cannot reach that folder."""

import hashlib
import secrets
from pathlib import Path

import msgspec

from nightmarket.platform.home import (
    PASSABLE_FOLDER,
    PRIVATE_FOLDER,
    StartRefused,
    make_folder,
    make_home,
    write_private,
)
from nightmarket.platform.postgres.account import Account, can_enter

SHELTER = Path("/var/lib/nightmarket")
"""Used by root only, where the home lies in a folder that no other account may enter (such as /root)."""


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
