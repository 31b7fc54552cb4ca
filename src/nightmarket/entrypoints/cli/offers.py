"""`nightmarket offers`: offers from files, and to files."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
import msgspec

from nightmarket.entrypoints.cli.connected import database, note, settings_here
from nightmarket.entrypoints.offering.document import SCHEMA, json_schema
from nightmarket.entrypoints.offering.files import MAX_BYTES, Fault
from nightmarket.kernel.problems import InvalidInput

if TYPE_CHECKING:
    from nightmarket.bootstrap import Shop

T = TypeVar("T")

FAULTS_SHOWN = 50
"""Faults that the terminal shows."""

FILE = click.Path(path_type=Path)


@click.group()
def offers() -> None:
    """Offers as files: check them, publish them, write them out."""


@offers.command("check")
@click.argument("file", type=FILE)
@click.option("--merchant", metavar="SLUG", help="Whose offers these are. Default: the market's.")
def check_file(file: Path, merchant: str | None) -> None:
    """Try a file of offers against this shop's goods and book, and publish nothing.

    FILE is JSON Lines, a JSON list, or CSV with members as columns (`nightmarket offers schema` has them all).

    Ends with 1 if anything is wrong; every fault is named with its line, its member and how to mend it.
    """
    asyncio.run(with_shop(lambda shop: _take(shop, file, merchant, publish=False)))


@offers.command("publish")
@click.argument("file", type=FILE)
@click.option("--merchant", metavar="SLUG", help="Whose offers these are. Default: the market's.")
def publish_file(file: Path, merchant: str | None) -> None:
    """Publish a file of offers: all of it, or nothing.

    An offer with a `key` is the same offer whenever it comes again: unchanged it stays, changed it becomes its next
    revision. So a file can be kept, mended, and published as often as you like.
    """
    asyncio.run(with_shop(lambda shop: _take(shop, file, merchant, publish=True)))


@offers.command("export")
@click.option("--output", "-o", type=FILE, help="Where to. Default: output.")
def export_file(output: Path | None) -> None:
    """Write the offers of the present book as JSON Lines, as they can be published again."""
    asyncio.run(with_shop(lambda shop: _export(shop, output)))


@offers.command("schema")
def show_schema() -> None:
    """Print the JSON schema of an offer, as the API, files and the console take it."""
    click.echo(msgspec.json.format(msgspec.json.encode(json_schema(SCHEMA))).decode())


def read_bytes(file: Path) -> bytes:
    """A file within bounds. Raises InvalidInput."""
    if not file.is_file() or file.stat().st_size > MAX_BYTES:
        raise InvalidInput(f"{file} is no file of at most {MAX_BYTES:,} bytes.", field="file")
    return file.read_bytes()


def say_faults(faults: "list[Fault]") -> None:
    """Every fault, one a line."""
    for one in faults[:FAULTS_SHOWN]:
        click.echo(f"line {one.line}, {one.field or 'the whole'}: {one.detail}")
    if len(faults) > FAULTS_SHOWN:
        click.echo(f"... and {len(faults) - FAULTS_SHOWN:,} more.")


async def _take(shop: "Shop", file: Path, merchant: str | None, *, publish: bool) -> None:
    from nightmarket.entrypoints.offering.publishing import take_file
    from nightmarket.platform.access import SYSTEM

    whose = None
    if merchant is not None:
        known = {one.slug: one.id for one in await shop.catalog.merchants()}
        if merchant not in known:
            raise InvalidInput(f"There is no merchant {merchant!r}.", field="merchant")
        whose = known[merchant]
    report = await take_file(shop, read_bytes(file), whose, SYSTEM if publish else None)
    if report.faults:
        say_faults(list(report.faults))
        raise click.ClickException(f"{file.name}: nothing was published.")
    left = report.offers - report.changed
    if report.book is None:
        click.echo(f"{file.name}: {report.changed:,} offers could be published, {left:,} are as they stand.")
    else:
        click.echo(f"{file.name}: {report.changed:,} offers published, {left:,} as they stood; book {report.book}.")


async def _export(shop: "Shop", output: Path | None) -> None:
    from nightmarket.entrypoints.offering.writing import lines

    target = await asyncio.to_thread(output.open, "wb") if output else sys.stdout.buffer
    size = 0
    try:
        async for piece in lines(shop):
            target.write(piece)
            size += piece.count(b"\n")
    finally:
        if output:
            target.close()
    note(f"{size:,} offers")


async def with_shop(work: "Callable[[Shop], Awaitable[T]]", application: str = "offers") -> T:
    """Do something with the shop of this home."""
    from nightmarket.bootstrap import open_shop
    from nightmarket.platform.settings import with_secret
    from nightmarket.platform.telemetry.logs import configure_logging

    configure_logging(level="WARNING")
    settings = with_secret(settings_here())
    with database(settings) as url:
        async with open_shop(msgspec.structs.replace(settings, database_url=url), application=application) as shop:
            await shop.books.refresh()
            return await work(shop)
