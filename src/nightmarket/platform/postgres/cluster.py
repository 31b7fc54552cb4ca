"""Makes a database cluster: UTF-8, checksums, passwords, and a locale under which every script has letters."""

import os
import shutil
import subprocess
from pathlib import Path

import msgspec

from nightmarket.platform.home import PRIVATE_FOLDER, StartRefused
from nightmarket.platform.postgres.account import Account
from nightmarket.platform.postgres.binaries import MAJOR_VERSION, privileges

OWNER = "nightmarket"
"""The database role that owns everything, and the database's name."""

CHARACTER_LOCALES = ("C.UTF-8", "en_US.UTF-8", "C")
"""For `LC_CTYPE`, in this order: with plain C, pg_trgm would see no letters in "Käse" or "茶"."""

INCLUDES = """
include 'nightmarket.conf'
include_if_exists 'local.conf'
"""

LEAST_FREE_BYTES = 300 * 1024 * 1024
_INITDB_SECONDS = 120


class Cluster(msgspec.Struct, frozen=True):
    """Where a cluster lies, whose it is, and the programs that serve it."""

    folder: Path
    programs: Path
    account: Account | None

    @property
    def data(self) -> Path:
        return self.folder / "data"


def ensure(cluster: Cluster, password: str) -> bool:
    """Make the cluster unless it is there. True when it was made now. Raises StartRefused."""
    version_file = cluster.data / "PG_VERSION"
    if version_file.exists():
        found = version_file.read_text().strip()
        if found != str(MAJOR_VERSION):
            raise StartRefused(
                f"{cluster.data} was made by PostgreSQL {found}; this Nightmarket brings {MAJOR_VERSION}. "
                "Move the data with pg_dump from the old version, or start the old version of Nightmarket."
            )
        return False
    _check_space(cluster.folder.parent)
    _make_folder(cluster)
    unfinished = cluster.folder / "data.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    password_file = cluster.folder / "password.unfinished"
    try:
        _write_as(cluster.account, password_file, password)
        _initdb(cluster, unfinished, password_file)
    finally:
        password_file.unlink(missing_ok=True)
    config = unfinished / "postgresql.conf"
    _write_as(cluster.account, config, config.read_text() + INCLUDES)
    _write_as(cluster.account, unfinished / "local.conf", "# Settings of your own, read after nightmarket.conf.\n")
    unfinished.rename(cluster.data)
    return True


def write_config(cluster: Cluster, text: str) -> None:
    _write_as(cluster.account, cluster.data / "nightmarket.conf", text)


def environment() -> dict[str, str]:
    """Nothing of ours is handed to the server: no secrets, no locale."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _make_folder(cluster: Cluster) -> None:
    cluster.folder.mkdir(exist_ok=True)
    cluster.folder.chmod(PRIVATE_FOLDER)
    if cluster.account:
        os.chown(cluster.folder, cluster.account.uid, cluster.account.gid)


def _write_as(account: Account | None, file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
        if account:
            os.fchown(stream.fileno(), account.uid, account.gid)


def _initdb(cluster: Cluster, target: Path, password_file: Path) -> None:
    command = [
        str(cluster.programs / "initdb"),
        f"--pgdata={target}",
        f"--username={OWNER}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--data-checksums",
        "--no-instructions",
    ]
    output = ""
    for locale in CHARACTER_LOCALES:
        done = subprocess.run(  # noqa: S603 (a program of ours, no shell)
            [*command, f"--lc-ctype={locale}"],
            check=False,
            cwd="/",
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_INITDB_SECONDS,
            **privileges(cluster.account),
        )
        output = done.stdout
        if done.returncode == 0:
            return
        if "locale" not in output:
            break
    if "No space left" in output:
        raise StartRefused(f"The disk under {cluster.folder} is full. Free some space and start again.")
    raise StartRefused(f"The database could not be made in {cluster.folder}:\n{output.strip()[-2000:]}")


def _check_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        raise StartRefused(
            f"{folder} has {free // 2**20} MB free; a new database needs {LEAST_FREE_BYTES // 2**20} MB. "
            "Free some space, or set NIGHTMARKET_HOME to another disk."
        )
