"""Whether a database is up to date, asked without loading alembic: most starts have nothing to migrate."""

from pathlib import Path

import psycopg

VERSIONS = Path(__file__).parent / "versions"


def is_current(url: str) -> bool:
    """True when the database stands at the newest revision."""
    newest = max(file.name.partition("_")[0] for file in VERSIONS.glob("[0-9]*.py"))
    try:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(newest,)]
    except psycopg.errors.UndefinedTable:
        return False
