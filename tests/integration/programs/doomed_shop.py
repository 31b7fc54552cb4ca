"""A real shop under its real supervisor, whose web process can be doomed. argv: home, port."""

import asyncio
import os
import sys
from pathlib import Path

import msgspec

from nightmarket.entrypoints.cli.up import is_ready
from nightmarket.platform.migrations import migrate
from nightmarket.platform.postgres import EmbeddedPostgres
from nightmarket.platform.settings import Settings, as_environment, with_secret
from nightmarket.platform.supervisor import ChildSpec, Plan, Supervisor
from nightmarket.platform.supervisor.listening import check_port

home, port = Path(sys.argv[1]), int(sys.argv[2])
settings = with_secret(Settings(home=home, port=port))
WEB = str(Path(__file__).with_name("doomed_web.py"))


def write(name: str, line: str) -> None:
    sys.stdout.write(f"{name} | {line}\n")
    sys.stdout.flush()


def children(url: str) -> list[ChildSpec]:
    told = as_environment(msgspec.structs.replace(settings, database_url=url))
    environment = {**os.environ, **told, "PYTHONUNBUFFERED": "1"}
    return [
        ChildSpec(name="web-1", command=[sys.executable, WEB, "web-1"], environment=environment, stop_first=True),
        ChildSpec(
            name="worker",
            command=[sys.executable, "-m", "nightmarket.entrypoints.worker", "worker"],
            environment=environment,
        ),
    ]


plan = Plan(
    home=home,
    address=settings.address,
    engine=EmbeddedPostgres(home, say=lambda text: write("postgres", text)),
    database_url=None,
    check=lambda cut_off: check_port("127.0.0.1", port, wait_for_the_dying=cut_off),
    prepare=migrate.upgrade,
    children=children,
    is_ready=lambda: is_ready(settings),
    announce=lambda: write("test", "ready"),
)
sys.exit(asyncio.run(Supervisor(plan, write).run()))
