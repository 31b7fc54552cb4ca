"""`nightmarket import`: brings goods in from files."""

import asyncio
import shlex
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from nightmarket.catalog.contract import (
    Counts,
    FileLook,
    Importer,
    ImportFormat,
    ImportProgress,
    ImportReport,
    ImportRequest,
    Remark,
)
from nightmarket.entrypoints.cli.connected import database, note, settings_here
from nightmarket.kernel.languages import DEFAULT_LANGUAGE

if TYPE_CHECKING:
    from nightmarket.bootstrap import Shop

T = TypeVar("T")

NEEDS = {
    "sku": "which column is the SKU (--map sku=COLUMN)",
    "price": "which column is the price (--map price.EUR=COLUMN)",
    "currency": "the currency of the prices (--currency EUR)",
    "merchant": "whose goods these are (--merchant SLUG)",
}
REMARKS_SHOWN = 20
"""Refusals and warnings that the terminal shows; `--report` writes all of them."""


@click.command(name="import")
@click.argument("files", nargs=-1, required=True, type=click.Path(), metavar="FILE...")
@click.option(
    "--format",
    "format_",
    type=click.Choice([kind.value for kind in ImportFormat]),
    help="What the files hold. Default: found out.",
)
@click.option(
    "--map", "columns", multiple=True, metavar="KEY=COLUMN", help="What a column means: price.EUR=Price. Repeat it."
)
@click.option("--merchant", metavar="SLUG", help="Whose goods these are; rows of others are refused.")
@click.option("--dry-run", is_flag=True, help="Check everything, write nothing.")
@click.option("--report", type=click.Path(), metavar="FILE", help="Write each refusal to a .csv or .jsonl file.")
@click.option("--encoding", default="utf-8", show_default=True, help="How the files' letters are written.")
@click.option(
    "--pictures", type=click.Path(), metavar="FOLDER", help="Where the pictures lie. Default: beside the file."
)
@click.option("--currency", metavar="CODE", help="Of prices that name none: EUR.")
@click.option("--language", default=DEFAULT_LANGUAGE, show_default=True, help="Of words that name none.")
@click.option("--propose", is_flag=True, help="Say what the columns of a table seem to mean, write nothing.")
@click.option("--recount", is_flag=True, help="Count the stock again although the file has been imported before.")
def import_(*, files: tuple[str, ...], report: str | None, propose: bool, **options: Any) -> None:
    """Bring in goods: JSON Lines, CSV, Shopify's product CSV, Google Merchant XML and TSV; merchants, categories,
    brands, attributes and size charts from JSON.

    An import that was broken off goes on where it stopped when the same command is given again, and nothing is
    doubled by a repeat. Each row that is refused is named with its line, its field, the reason and how to mend it. The
    exit status is 1 when rows were refused.

    \b
    Columns: sku, product, slug, gtin, merchant, category, brand, image, product_image, for_sale,
      title.de, summary.de, description.de, highlights.de  (en, de, it, zh)
      price.EUR, stock.main, option.size, attribute.material
      category==shoes  a constant for all rows
    """
    if report is not None and len(files) > 1:
        raise click.UsageError("--report takes one FILE at a time.")
    requests = [
        ImportRequest(
            file=file,
            format=ImportFormat(options["format_"]) if options["format_"] else None,
            columns=options["columns"],
            merchant=options["merchant"],
            dry_run=options["dry_run"],
            report=report,
            encoding=options["encoding"],
            pictures=options["pictures"],
            recount=options["recount"],
            currency=options["currency"],
            language=options["language"],
        )
        for file in files
    ]
    if propose:
        asyncio.run(_with_shop(lambda shop: _propose(shop.importer, requests)))
        return
    reports = asyncio.run(_with_shop(lambda shop: _import_all(shop.importer, requests)))
    sys.exit(1 if any(report.refused for report in reports) else 0)


async def _import_all(importer: Importer, requests: Sequence[ImportRequest]) -> list[ImportReport]:
    return [await import_one(importer, request, click.echo) for request in requests]


async def _propose(importer: Importer, requests: Sequence[ImportRequest]) -> None:
    for request in requests:
        click.echo(proposal(Path(request.file).name, await importer.look(request)))


def proposal(name: str, look: FileLook) -> str:
    """What a file seems to be, with a map to copy and change."""
    lines = [f"{name}: {look.format}"]
    for column in look.columns:
        meaning = f"{column.target} ({column.confidence:.0%})" if column.target else "left out"
        samples = f"  such as {', '.join(map(repr, column.samples))}" if column.samples else ""
        lines.append(f"  {column.name}: {meaning}{samples}")
    lines.extend(f"  Still to say: {NEEDS[need]}" for need in look.needs)
    if look.columns:
        chosen = " ".join(f"--map {shlex.quote(entry)}" for entry in look.wording)
        lines.append(f"  nightmarket import {shlex.quote(name)} {chosen}")
    return "\n".join(lines)


async def _with_shop(work: "Callable[[Shop], Awaitable[T]]") -> T:
    from nightmarket.bootstrap import open_shop
    from nightmarket.platform.migrations.current import is_current
    from nightmarket.platform.settings import with_secret
    from nightmarket.platform.telemetry.logs import configure_logging

    configure_logging(level="WARNING")
    settings = with_secret(settings_here())
    with database(settings) as url:
        if not is_current(url):
            from nightmarket.platform.migrations import migrate

            await asyncio.to_thread(migrate.upgrade, url)
        async with open_shop(msgspec.structs.replace(settings, database_url=url), application="import") as shop:
            return await work(shop)


async def import_one(importer: Importer, request: ImportRequest, say: Callable[[str], None]) -> ImportReport:
    """Import one file and say what became of it."""
    shown = sys.stderr.isatty()

    def progress(step: ImportProgress) -> None:
        if shown:
            click.echo(f"\r{step.report.file}: {step.share:4.0%}, line {step.line:,}", nl=False, err=True)

    report = await importer.run_import(request, progress)
    if shown:
        note("")
    say(summary(report, request.report))
    return report


def summary(report: ImportReport, written: str | None) -> str:
    """What a person at a terminal wants to know of an import."""
    what = "would be imported" if report.dry_run else "imported"
    lines = [f"{report.file}: {what} in {report.seconds:.1f} s ({report.format})"]
    if report.resumed_at:
        lines.append(f"  It had been broken off, and went on from line {report.resumed_at:,}; this is of the whole.")
    for name in ("merchants", "places", "categories", "brands", "attributes", "size_charts", "products", "variants"):
        counts: Counts = getattr(report, name)
        if any(msgspec.structs.astuple(counts)):
            parts = [f"{getattr(counts, part):,} {part}" for part in Counts.__struct_fields__ if getattr(counts, part)]
            lines.append(f"  {name:10}  {', '.join(parts)}")
    if report.stock_counted:
        lines.append(f"  {'stock':10}  {report.stock_counted:,} counted")
    if report.pictures:
        lines.append(f"  {'pictures':10}  {report.pictures:,} {'looked at' if report.dry_run else 'kept'}")
    if report.superseded:
        lines.append(f"  {report.superseded:,} rows gave way to a later row for the same SKU.")
    if report.columns:
        lines.append(f"  Columns: {', '.join(report.columns)}")
    if report.unknown_columns:
        lines.append(f"  Columns left out: {', '.join(report.unknown_columns)}")
    lines.extend(_remarks(report, written))
    return "\n".join(lines)


def _remarks(report: ImportReport, written: str | None) -> list[str]:
    told = report.refused + report.warnings
    lines = [_remark(remark) for remark in report.remarks[:REMARKS_SHOWN]]
    if written is not None:
        lines.append(f"  Every refusal and warning stands in {written}.")
    elif told > REMARKS_SHOWN:
        lines.append(f"  ... and more; --report FILE writes all of them ({report.refused:,} refused).")
    return lines


def _remark(remark: Remark) -> str:
    place = ", ".join(part for part in (f"line {remark.line}", remark.sku or remark.product, remark.field) if part)
    return f"  {'refused' if remark.refused else 'warning'}  {place}: {remark.reason} {remark.mend}"
