"""`nightmarket audit`: recomputes every invariant of the shop."""

import asyncio

import click
import msgspec

from nightmarket.entrypoints.cli.connected import database, engine, settings_here
from nightmarket.kernel.problems import Problem
from nightmarket.platform.home import StartRefused

NAME_WIDTH = 14


class TablesMissing(Problem):
    """The database has no tables of ours, or older ones."""

    code = "tables_missing"


@click.command()
def audit() -> None:
    """Recompute every invariant and name each row that is off; exit with 1 if there is one.

    Works while the shop is open; else it starts this home's own database for as long as it takes.
    """
    raise SystemExit(asyncio.run(_audit()))


async def _audit() -> int:
    from nightmarket.bootstrap import open_shop
    from nightmarket.platform.migrations.current import is_current
    from nightmarket.platform.settings import with_secret
    from nightmarket.platform.telemetry import configure_logging

    configure_logging(level="WARNING")
    here = settings_here()
    if not here.database_url and engine(here).layout.remembered() is None:
        raise StartRefused(f"No shop was ever opened in {here.home}. Set NIGHTMARKET_HOME to the folder of yours.")
    settings = with_secret(here)
    found = 0
    with database(settings) as url:
        if not is_current(url):
            raise TablesMissing("The tables are missing or older than this release; run: nightmarket migrate")
        async with open_shop(msgspec.structs.replace(settings, database_url=url), application="audit") as shop:
            async for check in shop.audit.run():
                found += len(check.findings)
                said = f"{len(check.findings):,} off" if check.findings else "0 off"
                click.echo(f"{check.name:{NAME_WIDTH}} {said:>9}   {check.seconds:6.2f} s   {check.holds}")
                for one in check.findings:
                    click.echo(f"{'':{NAME_WIDTH}} {one.row}: {one.rule}; expected {one.expected}, found {one.found}")
    click.echo(f"{found:,} findings." if found else "Everything adds up.")
    return 1 if found else 0
