"""`nightmarket doctor`: looks at this machine and says what stands in the way, and how to mend it."""

import shutil
import sys
from collections.abc import Generator
from pathlib import Path

import click
import msgspec

import nightmarket
from nightmarket.entrypoints.cli.connected import engine, settings_here
from nightmarket.kernel.problems import Problem
from nightmarket.platform.database import COMMITTERS, READERS
from nightmarket.platform.postgres.inspection import EXTENSIONS, LEAST_VERSION, inspect
from nightmarket.platform.settings import Settings
from nightmarket.platform.supervisor import running
from nightmarket.platform.supervisor.listening import check_port

LEAST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 1024**3
WORKER_CONNECTIONS = 20
"""The worker, DBOS, one listener, and the commands that a person runs beside the shop."""

FRONT_END_FILES = (
    "htmx.org/dist/htmx.min.js",
    "htmx-ext-sse/dist/sse.min.js",
    "lucide-static/icons/shopping-cart.svg",
    "@lobehub/fluent-emoji-3d/package.json",
)


class Finding(msgspec.Struct, frozen=True):
    """One line of the diagnosis; `mend` is empty where all is well."""

    subject: str
    found: str
    mend: str = ""


@click.command()
def doctor() -> None:
    """Check Python, disk, port, front-end files and the database; exit with 1 if something is wrong.

    Starts this home's own database for the check if it does not run.
    """
    well = True
    for finding in examine(settings_here()):
        well = well and not finding.mend
        click.echo(f"{'ok   ' if not finding.mend else 'WRONG'}  {finding.subject:12} {finding.found}")
        if finding.mend:
            click.echo(f"{'':20}-> {finding.mend}")
    raise SystemExit(0 if well else 1)


def examine(settings: Settings) -> Generator[Finding]:
    """All findings, cheapest first."""
    yield _python()
    yield _disk(settings.home)
    yield _port(settings)
    yield _front_end()
    yield from _database(settings)


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding("Python", version, "" if sys.version_info >= LEAST_PYTHON else "Install Python 3.11 or newer.")


def _disk(home: Path) -> Finding:
    there = next(folder for folder in (home, *home.parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    found = f"{free / 2**30:.1f} GB free for {home}"
    return Finding("disk", found, "" if free >= LEAST_FREE_BYTES else "Free some space, or move NIGHTMARKET_HOME.")


def _port(settings: Settings) -> Finding:
    shop = running(settings.home)
    if shop is not None:
        return Finding("port", f"the shop is open at {shop.address} (process {shop.pid})")
    try:
        check_port(settings.host, settings.port)
    except Problem as problem:
        return Finding("port", f"{settings.host}:{settings.port} cannot be used", problem.detail)
    return Finding("port", f"{settings.host}:{settings.port} is free")


def _front_end() -> Finding:
    folder = Path(nightmarket.__file__).parents[2] / "node_modules"
    missing = [name for name in FRONT_END_FILES if not (folder / name).exists()]
    if missing:
        return Finding("front end", f"missing in {folder}: {', '.join(missing)}", "make run (or: npm ci --omit=dev)")
    return Finding("front end", f"libraries are in {folder}")


def _database(settings: Settings) -> Generator[Finding]:
    server = engine(settings)
    if not settings.database_url and server.layout.remembered() is None:
        yield Finding("database", "none yet; `nightmarket up` makes it")
        return
    try:
        if settings.database_url:
            yield from _examine_database(settings, settings.database_url)
        else:
            with server.lent() as url:
                yield from _examine_database(settings, url)
    except Problem as problem:
        yield Finding("database", "cannot be used", problem.detail)


def _examine_database(settings: Settings, url: str) -> Generator[Finding]:
    from nightmarket.platform.migrations import migrate

    server = inspect(url)
    upgrade = "" if server.version >= LEAST_VERSION else f"Upgrade to PostgreSQL {LEAST_VERSION} or newer."
    yield Finding("PostgreSQL", server.release, upgrade)
    new_database = "CREATE DATABASE ... ENCODING 'UTF8' LOCALE 'C.UTF-8' TEMPLATE template0, and move the data there."
    yield Finding("encoding", server.encoding, "" if server.encoding == "UTF8" else new_database)
    # With plain C, pg_trgm sees letters in ASCII only: searches for Käse or 茶 would find nothing.
    has_letters = server.character_locale not in {"C", "POSIX"}
    yield Finding("letters", f"LC_CTYPE is {server.character_locale}", "" if has_letters else new_database)
    missing = [name for name in EXTENSIONS if name not in server.extensions]
    install = "Install them on the server (Debian: postgresql-contrib, postgresql-18-pgvector)." if missing else ""
    yield Finding("extensions", f"missing: {', '.join(missing)}" if missing else ", ".join(EXTENSIONS), install)
    needed = settings.workers * (COMMITTERS + READERS) + WORKER_CONNECTIONS
    found = f"{server.max_connections} allowed, {server.connections} in use, {needed} needed"
    yield Finding(
        "connections", found, "" if server.max_connections >= needed else f"Set max_connections to {needed + 10}."
    )
    yield Finding(
        "rights",
        "may make schemas" if server.may_create else "may not make schemas",
        "" if server.may_create else "GRANT CREATE ON DATABASE ... TO ...",
    )
    ready = "not ready" if server.merchants else "ready, or made by the first migration"
    yield Finding("merchants", f"their database role is {ready}", f"{server.merchants};" if server.merchants else "")
    if server.version < LEAST_VERSION or server.encoding != "UTF8":
        return
    standing = migrate.standing(url)
    pending = f"nightmarket migrate (pending: {', '.join(standing.pending)})" if standing.pending else ""
    yield Finding("tables", f"at revision {standing.current or 'nothing'} of {standing.newest}", pending)
