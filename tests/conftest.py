"""Fixtures for all tests: a real PostgreSQL, fresh databases, and a clock and ids that are played, not lived."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Generator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg.sql import SQL, Identifier

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.platform.migrations import migrate
from nightmarket.platform.postgres import EmbeddedPostgres, ServerOptions

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")  # how long a case takes says how busy the machine is, not whether the rule holds

TEMPORARY_PREFIX = "nightmarket-tests-"
TEMPLATE = "template_nightmarket"
FESTIVAL_EVE = datetime(2026, 11, 10, 12, tzinfo=UTC)
_numbers = count(1)


def reachable_folder(label: str) -> Path:
    """A temporary folder that the server's account may enter too (pytest's own are closed to others)."""
    folder = Path(tempfile.mkdtemp(prefix=f"{TEMPORARY_PREFIX}{os.getpid()}-{label}-"))
    folder.chmod(0o755)
    return folder


def _sweep_after_killed_runs() -> None:
    """Stop and remove what test runs left behind whose process is gone; another run may sweep at the same time."""
    for folder in Path(tempfile.gettempdir()).glob(f"{TEMPORARY_PREFIX}*"):
        owner = folder.name.removeprefix(TEMPORARY_PREFIX).split("-")[0]
        with contextlib.suppress(FileNotFoundError):
            if owner.isdigit() and not Path("/proc", owner).exists() and folder.stat().st_uid == os.geteuid():
                for state in folder.glob("**/postgres.json"):
                    EmbeddedPostgres(state.parent).stop()
                shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def home() -> Generator[Path]:
    """A place for one home folder, gone after the test."""
    folder = reachable_folder("home")
    yield folder / "home"
    shutil.rmtree(folder)


def _cluster(*, durable: bool) -> Generator[str]:
    _sweep_after_killed_runs()
    folder = reachable_folder("cluster")
    server = EmbeddedPostgres(folder / "home", ServerOptions(durable=durable))
    try:
        url = server.start()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(TEMPLATE)))
        migrate.upgrade(_database_url(url, TEMPLATE))
        yield url
    finally:
        server.stop()
        shutil.rmtree(folder)


def _database_url(url: str, name: str) -> str:
    return f"{url.rpartition('/')[0]}/{name}"


def _fresh_database(cluster_url: str, template: str = TEMPLATE) -> Generator[str]:
    name = f"test_{next(_numbers)}"
    with psycopg.connect(cluster_url, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template)))
        yield _database_url(cluster_url, name)
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def copy_of(database: str) -> Generator[str]:
    """A copy of a database of a test that nobody is connected to, filled once for several tests."""
    yield from _fresh_database(_database_url(database, "postgres"), database.rpartition("/")[2])


@pytest.fixture(scope="session")
def postgres_url() -> Generator[str]:
    """A PostgreSQL of this test run: real, but without fsync, as nothing in it has to survive."""
    yield from _cluster(durable=False)


@pytest.fixture(scope="session")
def durable_postgres_url() -> Generator[str]:
    """A PostgreSQL of this test run that syncs every commit to disk, for what is measured or killed."""
    yield from _cluster(durable=True)


@pytest.fixture(scope="module")
def database(postgres_url: str) -> Generator[str]:
    """The URL of a fresh, migrated database for this test module."""
    yield from _fresh_database(postgres_url)


@pytest.fixture(scope="module")
def durable_database(durable_postgres_url: str) -> Generator[str]:
    """As `database`, on a server that syncs every commit."""
    yield from _fresh_database(durable_postgres_url)


@pytest.fixture
def fresh_database(postgres_url: str) -> Generator[str]:
    """The URL of a fresh, migrated database for one test."""
    yield from _fresh_database(postgres_url)


@pytest.fixture
def clock() -> VirtualClock:
    """Stands at noon (UTC) on the day before the festival."""
    return VirtualClock(FESTIVAL_EVE)


@pytest.fixture
def ids(clock: VirtualClock) -> SeededIds:
    """The same ids in every run."""
    return SeededIds(clock, seed=11)
