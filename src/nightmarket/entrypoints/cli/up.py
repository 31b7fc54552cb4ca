"""`nightmarket up`: opens the shop on this machine and keeps it open."""

import asyncio
import http.client
import os
import sys
import time
from datetime import datetime

import click
import msgspec

from nightmarket.entrypoints.cli.connected import engine, settings_here
from nightmarket.entrypoints.cli.opening import DEMO, SEEDS, greeting, seed_settings
from nightmarket.platform.migrations.current import is_current
from nightmarket.platform.postgres.inspection import check
from nightmarket.platform.settings import SettingRefused, Settings, as_environment, with_secret
from nightmarket.platform.supervisor import ChildSpec, Plan, Supervisor, follow_supervisor
from nightmarket.platform.supervisor.listening import check_port

READY_PATH = "/health/ready"
READY_SECONDS = 5.0
CLOSE_SECONDS = 60.0
"""For a shop that belongs to a rehearsal: from the end of that to its own, where it does not close by itself."""

NAME_WIDTH = 11


@click.command()
@click.option("--demo", is_flag=True, help="Fill an empty shop with the demo, and show its accounts.")
@click.option(
    "--workers", type=int, metavar="N", help="Web processes. Default: NIGHTMARKET_WORKERS, else 1 or 2, by cores."
)
@click.option("--seed", metavar="NAME", help="Fill an empty shop with a named assortment; --demo is --seed demo.")
def up(*, demo: bool, workers: int | None, seed: str | None) -> None:
    """Open the shop and keep it open until Ctrl-C.

    Starts PostgreSQL (unless DATABASE_URL names one), brings its tables up to date, and runs the web processes and
    the worker. What dies is started again. A second Ctrl-C hurries.
    """
    follow_supervisor(CLOSE_SECONDS)
    settings = settings_here({"demo": demo or None, "workers": workers, **seed_settings(seed)})
    seeds = _wanted_seeds(settings, seed)
    settings = with_secret(settings)
    began = time.monotonic()
    server = None if settings.database_url else engine(settings)
    sales: list[datetime] = []

    def prepare(url: str) -> None:
        if settings.database_url:
            check(url)
        if not is_current(url):
            from nightmarket.platform.migrations import migrate

            migrate.upgrade(url)
        for name in seeds:
            opens = SEEDS[name](settings, url)
            sales.extend([opens] if opens else [])
        if settings.demo or not settings.is_loopback:
            from nightmarket.entrypoints.cli.demo_accounts import keep_safe

            keep_safe(settings, url)

    plan = Plan(
        home=settings.home,
        address=settings.address,
        engine=server,
        database_url=settings.database_url,
        check=lambda cut_off: check_port(settings.host, settings.port, wait_for_the_dying=cut_off),
        prepare=prepare,
        children=lambda url: processes(settings, url),
        is_ready=lambda: is_ready(settings),
        announce=lambda: click.echo(greeting(settings, time.monotonic() - began, min(sales, default=None))),
    )
    sys.exit(asyncio.run(Supervisor(plan, _write).run()))


def processes(settings: Settings, url: str) -> list[ChildSpec]:
    """The web processes, which share one port, the worker, and in a demo of this machine the crowd outside."""
    told = as_environment(msgspec.structs.replace(settings, database_url=url))
    environment = {**os.environ, **told, "PYTHONUNBUFFERED": "1"}

    def spec(name: str, module: str, *, web: bool) -> ChildSpec:
        command = [sys.executable, "-m", f"nightmarket.{module}", name]
        return ChildSpec(name=name, command=command, environment=environment, stop_first=web)

    web = [spec(f"web-{number}", "entrypoints.web", web=True) for number in range(1, settings.workers + 1)]
    crowd = [spec("crowd", "rehearsal.outside", web=True)] if settings.demo and settings.is_loopback else []
    return [*web, spec("worker", "entrypoints.worker", web=False), *crowd]


def is_ready(settings: Settings) -> bool:
    """Whether a web process says that it can serve."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 (a comparison, no bind)
    connection = http.client.HTTPConnection(host, settings.port, timeout=READY_SECONDS)
    try:
        connection.request("GET", READY_PATH)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _wanted_seeds(settings: Settings, seed: str | None) -> list[str]:
    if seed is not None and seed not in SEEDS:
        raise SettingRefused(f"There is no assortment called {seed}. There are: {', '.join(SEEDS) or 'none'}.")
    wanted = [seed] if seed else []
    return [*wanted, DEMO] if settings.demo and DEMO in SEEDS and DEMO not in wanted else wanted


def _write(name: str, line: str) -> None:
    try:
        click.echo(f"{name:{NAME_WIDTH}} | {line}")
    except OSError:
        return  # nobody reads any more; the shop goes on
