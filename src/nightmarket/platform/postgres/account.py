"""Whom the embedded server runs as: PostgreSQL refuses to run as root, so root hands it to an unprivileged account."""

import os
import pwd
import stat
from collections.abc import Sequence
from pathlib import Path

import msgspec

from nightmarket.platform.home import StartRefused

PREFERRED = ("nightmarket", "postgres", "nobody")
"""Looked for in this order; the account has to exist, because `initdb` asks for its name."""


class Account(msgspec.Struct, frozen=True):
    """An operating system account without privileges."""

    name: str
    uid: int
    gid: int


def server_account(wanted: str | None = None) -> Account | None:
    """None where this process is not root: the server then runs as whoever started it."""
    if os.geteuid() != 0:
        return None
    return find_account((wanted,) if wanted else PREFERRED)


def find_account(names: Sequence[str]) -> Account:
    """The first of these accounts that exists and is not root's."""
    for name in names:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise StartRefused(
        f"PostgreSQL does not run as root, and none of the accounts {', '.join(names)} exists here. "
        "Make one (useradd --system nightmarket), name another with NIGHTMARKET_DATABASE_ACCOUNT, "
        "or start Nightmarket as an ordinary user."
    )


def can_enter(account: Account | None, folder: Path) -> bool:
    """Whether that account may pass through every folder down to this one, as far as it exists already."""
    if account is None:
        return True
    where = folder.resolve()
    return all(_may_pass(account, step) for step in (where, *where.parents) if step.exists())


def _may_pass(account: Account, folder: Path) -> bool:
    found = folder.stat()
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)
