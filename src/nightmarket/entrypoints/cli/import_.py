"""`nightmarket import`: brings goods in from files."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click
import msgspec

from nightmarket.catalog.contract import (
    Counts,
    Importer,
    ImportFormat,
    ImportProgress,
    ImportReport,
    ImportRequest,
    Remark,
)
from nightmarket.entrypoints.cli.connected import database, note, settings_here

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
@click.option("--recount", is_flag=True, help="Count the stock again although the file has been imported before.")
def import_(*, files: tuple[str, ...], report: str | None, **options: Any) -> None:
    """Bring in goods from JSON Lines or CSV, and merchants and categories from JSON.

    Nothing is doubled by a repeat: an import that was broken off is simply started again. Each row that is refused
    is named with its line, its field, the reason and how to mend it. The exit status is 1 when rows were refused.

    \b
    Columns: sku, product, gtin, merchant, category, brand, image, for_sale,
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
        )
        for file in files
    ]
    reports = asyncio.run(_import_all(requests))
    sys.exit(1 if any(_refused(report) for report in reports) else 0)


async def _import_all(requests: Sequence[ImportRequest]) -> list[ImportReport]:
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
            return [await import_one(shop.importer, request, click.echo) for request in requests]


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
    for name in ("merchants", "places", "categories", "products", "variants"):
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
    told = _refused(report) + report.warnings
    lines = [_remark(remark) for remark in report.remarks[:REMARKS_SHOWN]]
    if written is not None:
        lines.append(f"  Every refusal and warning stands in {written}.")
    elif told > REMARKS_SHOWN:
        lines.append(f"  ... and more; --report FILE writes all of them ({_refused(report):,} refused).")
    return lines


def _remark(remark: Remark) -> str:
    place = ", ".join(part for part in (f"line {remark.line}", remark.sku or remark.product, remark.field) if part)
    return f"  {'refused' if remark.refused else 'warning'}  {place}: {remark.reason} {remark.mend}"


def _refused(report: ImportReport) -> int:
    counts = (report.merchants, report.places, report.categories, report.products, report.variants)
    return max(part.refused for part in counts)
