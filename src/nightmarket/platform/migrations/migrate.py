"""Brings a database to a revision. Several processes may ask at once: one works, the others wait and find it done."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool

from nightmarket.platform.home import StartRefused

REVISIONS = Path(__file__).parent
LOCK_KEY = 0x6E69676874  # "night"
LOCK_SECONDS = 60
"""How long a revision may wait for a table that the running shop uses before it gives up and changes nothing."""


class Standing(msgspec.Struct, frozen=True):
    """Where a database stands: its revision (None: empty), the newest one, and what lies between, oldest first."""

    current: str | None
    newest: str
    pending: list[str]


def standing(url: str) -> Standing:
    """Ask a database for its revision. Raises sqlalchemy's OperationalError when it cannot be reached."""
    with _connected(url) as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory.from_config(_config())
    newest = script.get_current_head() or ""
    known = [revision.revision for revision in reversed(list(script.walk_revisions()))]
    done = known.index(current) + 1 if current in known else 0
    return Standing(current=current, newest=newest, pending=known[done:])


def upgrade(url: str, revision: str = "head") -> None:
    """Bring a database up to a revision; nothing happens where it is there already. Raises StartRefused."""
    try:
        with _one_at_a_time(url) as connection:
            command.upgrade(_config(connection), revision)
    except OperationalError as error:
        if isinstance(error.orig, psycopg.errors.DiskFull):
            raise StartRefused("The database's disk is full. Free some space and start again.") from error
        if isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise StartRefused(
                f"A running shop used a table for {LOCK_SECONDS} s that a revision has to change. "
                "Nothing was changed; stop the shop, or try again when it is quiet."
            ) from error
        raise
    except ProgrammingError as error:
        if isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
            raise StartRefused(_refusal(error.orig)) from error
        raise


def _refusal(error: psycopg.Error) -> str:
    """What our role may not do, and what the administrator is to run where a revision says it."""
    said = (error.diag.message_primary or str(error)).rstrip(".")
    hint = error.diag.message_hint or "Give our role that right, or let the database's owner run `nightmarket migrate`."
    return f"{said}. {hint}"


def downgrade(url: str, revision: str) -> None:
    """Take a database back to a revision (`base`: empty). Data of the later rooms is lost."""
    with _one_at_a_time(url) as connection:
        command.downgrade(_config(connection), revision)


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(REVISIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _connected(url: str) -> Generator[Connection]:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


@contextmanager
def _one_at_a_time(url: str) -> Generator[Connection]:
    with _connected(url) as guard, _connected(url) as connection:
        guard.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK_KEY})
        connection.execute(text(f"SET lock_timeout = '{LOCK_SECONDS}s'"))
        connection.commit()
        yield connection
        connection.commit()
