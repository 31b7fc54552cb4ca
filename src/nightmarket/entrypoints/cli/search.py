"""`nightmarket search rebuild`: makes what search reads anew from the catalogue."""

import asyncio
import sys
import time

import click
import msgspec

from nightmarket.entrypoints.cli.connected import database, note, settings_here

SAY_SECONDS = 1.0


@click.group()
def search() -> None:
    """Look after search."""


@search.command()
def rebuild() -> None:
    """Index all goods anew.

    Seldom needed: changes are followed as they happen, and a new release does this by itself. Works while the shop is
    open, which goes on searching what is there; a repeat is harmless.
    """
    goods = asyncio.run(_rebuild())
    click.echo(f"Indexed {goods:,} products.")


async def _rebuild() -> int:
    from nightmarket.bootstrap import open_shop
    from nightmarket.entrypoints.cli.audit import TablesMissing
    from nightmarket.platform.migrations.current import is_current
    from nightmarket.platform.settings import with_secret
    from nightmarket.platform.telemetry import configure_logging

    configure_logging(level="WARNING")
    settings = with_secret(settings_here())
    said_at = time.monotonic()

    def say(done: int, of: int) -> None:
        nonlocal said_at
        if sys.stderr.isatty() and time.monotonic() - said_at >= SAY_SECONDS:
            said_at = time.monotonic()
            note(f"{done:,} of {of:,} products")

    with database(settings) as url:
        if not is_current(url):
            raise TablesMissing("The tables are missing or older than this release; run: nightmarket migrate")
        async with open_shop(msgspec.structs.replace(settings, database_url=url), application="search-rebuild") as shop:
            return await shop.indexer.rebuild(say)
