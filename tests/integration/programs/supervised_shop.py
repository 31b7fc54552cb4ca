"""Supervises idle children and a real PostgreSQL, for tests. argv: home, port, then `name[:habit]` of each child."""

import asyncio
import os
import sys
from pathlib import Path

from nightmarket.kernel.problems import Problem
from nightmarket.platform.postgres import EmbeddedPostgres
from nightmarket.platform.supervisor import ChildSpec, Plan, Supervisor
from nightmarket.platform.supervisor.listening import check_port

CHILD = str(Path(__file__).with_name("idle_child.py"))
home, port = Path(sys.argv[1]), int(sys.argv[2])
wanted = [argument.partition(":")[::2] for argument in sys.argv[3:]]


def write(name: str, line: str) -> None:
    sys.stdout.write(f"{name} | {line}\n")
    sys.stdout.flush()


def children(url: str) -> list[ChildSpec]:
    environment = {**os.environ, "DATABASE_URL": url, "PYTHONUNBUFFERED": "1"}
    return [
        ChildSpec(
            name=name,
            command=[sys.executable, CHILD, name, str(home), habit],
            environment=environment,
            stop_first=name.startswith("web"),
            stop_seconds=60.0 if habit == "deaf" else 1.0,
        )
        for name, habit in wanted
    ]


plan = Plan(
    home=home,
    address=f"http://127.0.0.1:{port}",
    engine=EmbeddedPostgres(home, say=lambda text: write("postgres", text)),
    database_url=None,
    check=lambda cut_off: check_port("127.0.0.1", port, wait_for_the_dying=cut_off),
    prepare=lambda url: write("test", f"prepared {url.rpartition('/')[2]}"),
    children=children,
    is_ready=lambda: all((home / f"{name}.mark").exists() for name, _ in wanted),
    announce=lambda: write("test", "ready"),
)
home.mkdir(exist_ok=True)
home.chmod(0o755)
try:
    code = asyncio.run(Supervisor(plan, write).run())
except Problem as problem:
    write("refused", problem.detail)
    code = 3
sys.exit(code)
