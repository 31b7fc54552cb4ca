"""`nightmarket export`: writes goods out to files."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from nightmarket.catalog.contract import ExportFormat, ExportRequest
from nightmarket.entrypoints.cli.connected import database, note, settings_here
from nightmarket.kernel.languages import DEFAULT_LANGUAGE


@click.command(name="export")
@click.option(
    "--format",
    "format_",
    type=click.Choice([kind.value for kind in ExportFormat]),
    default=ExportFormat.JSON_LINES.value,
    show_default=True,
    help="What to write.",
)
@click.option("--merchant", metavar="SLUG", help="Whose goods; without it, everybody's (jsonl and csv only).")
@click.option("--language", default=DEFAULT_LANGUAGE, show_default=True, help="Of Shopify's and Google's words.")
@click.option("--currency", default="EUR", show_default=True, help="Of Shopify's and Google's prices.")
@click.option("--output", "-o", type=click.Path(dir_okay=False), metavar="FILE", help="Where to. Default: output.")
def export(*, output: str | None, **options: Any) -> None:
    """Write goods out: JSON Lines, CSV, Shopify's product CSV, Google Merchant XML or TSV.

    What is written can be imported again, here or in another shop, and comes in as it was. jsonl and csv hold
    everything; Shopify and Google hold one language and one currency.
    """
    request = ExportRequest(
        format=ExportFormat(options["format_"]),
        merchant=options["merchant"],
        language=options["language"],
        currency=options["currency"],
    )
    asyncio.run(_export(request, output))


async def _export(request: ExportRequest, output: str | None) -> None:
    from nightmarket.bootstrap import open_shop
    from nightmarket.platform.settings import with_secret
    from nightmarket.platform.telemetry.logs import configure_logging

    configure_logging(level="WARNING")
    settings = with_secret(settings_here())
    with database(settings) as url:
        async with open_shop(msgspec.structs.replace(settings, database_url=url), application="export") as shop:
            pieces = shop.exporter.export(request)
            first = await anext(pieces)  # what is wrong with the request shows before a file is made
            target = await asyncio.to_thread(Path(output).open, "wb") if output else sys.stdout.buffer
            size = 0
            try:
                target.write(first)
                async for piece in pieces:
                    target.write(piece)
                    size += len(piece)
            finally:
                target.flush()
                if output:
                    target.close()
    if output:
        note(f"{output}: {size + len(first):,} bytes")
