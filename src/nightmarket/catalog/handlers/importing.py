"""Imports one file: looks at it, reads it as a stream, and takes it in sets, each in a transaction of its own."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import UUID

import structlog

from nightmarket.catalog.contract import ImportFormat, ImportProgress, ImportReport, ImportRequest, Pictures, Remark
from nightmarket.catalog.errors import FileForeign
from nightmarket.catalog.model import checks
from nightmarket.catalog.model.checks import RowRefused
from nightmarket.catalog.model.gathering import Gathering
from nightmarket.catalog.model.rows import ProductRow, Reading
from nightmarket.catalog.model.wire import CategoryEntry, MerchantEntry
from nightmarket.catalog.store.goods import SlugTaken
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import derive
from nightmarket.kernel.problems import InvalidInput, Unavailable
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Facts
from nightmarket.platform.group_commit import RETRYABLE
from nightmarket.tally.contract import Tallies

from . import import_directory as listed
from . import import_reference as referred
from .import_goods import Applied, GoodsWriter
from .import_lines import JsonLines
from .import_pictures import PictureShelf
from .import_remarks import RemarkFile
from .import_source import Source, changed_file, inspect
from .import_table import Table

SET_ROWS = 1_000
"""Variants that one transaction writes at most, and rows that are read for it."""

SET_LETTERS = 8_000_000
"""Letters that are read for one transaction, so that memory stays bounded whatever the rows are like."""

ATTEMPTS = 5
FIRST_PAUSE_SECONDS = 0.2
PASSING = (*RETRYABLE, SlugTaken, Unavailable)
"""What passes: another import took the same slug, a lock, or the database was away or too slow for the set."""

TABLES = (".csv", ".tsv", ".tab", ".txt")
Progress = Callable[[ImportProgress], None]

log = structlog.get_logger(__name__)


class FileImporter:
    """Implements `contract.Importer`. `emoji` is the folder of pictures that `emoji:` names refer to, if installed."""

    def __init__(
        self,
        database: Database,
        tallies: Tallies,
        facts: Facts,
        pictures: Pictures,
        clock: Clock,
        *,
        emoji: Path | None = None,
    ) -> None:
        self._database = database
        self._tallies = tallies
        self._facts = facts
        self._pictures = pictures
        self._clock = clock
        self._emoji = emoji

    async def run_import(self, request: ImportRequest, progress: Progress | None = None) -> ImportReport:
        started = time.monotonic()
        if request.merchant is not None:
            try:
                checks.slug(request.merchant, field="merchant")
            except RowRefused as refusal:
                raise InvalidInput(f"{refusal.reason} {refusal.mend}", field="merchant") from refusal
        source = await asyncio.to_thread(inspect, request.file, request.encoding)
        report = ImportReport(
            id=self._import_id(request, source),
            file=source.path.name,
            format=request.format or find_format(source),
            dry_run=request.dry_run,
        )
        folder = Path(request.pictures) if request.pictures is not None else source.path.parent
        shelf = PictureShelf(self._pictures, folder, self._emoji, keep=not request.dry_run)
        if report.format in referred.FORMATS:
            taker = referred.ReferenceTaker(self._database, self._facts, self._clock, shelf)
            with RemarkFile(report, request.report, source.path) as remarks:
                remarks.add(await taker.take(await asyncio.to_thread(listed.entries, source), report))
        elif report.format in (ImportFormat.MERCHANTS, ImportFormat.CATEGORIES):
            with RemarkFile(report, request.report, source.path) as remarks:
                await self._take_listed(source, report, shelf, remarks)
        else:
            await self._take_goods(source, request, report, shelf, progress)
        report.pictures = shelf.kept
        report.seconds = round(time.monotonic() - started, 3)
        log.info("import_finished", file=report.file, dry_run=report.dry_run, seconds=report.seconds)
        return report

    def _import_id(self, request: ImportRequest, source: Source) -> UUID:
        """The same file read in the same way is the same import, so that going on with it counts no stock twice."""
        again = self._clock.now().isoformat() if request.recount else ""
        return derive("import", source.sha256, source.encoding, request.merchant or "", *request.columns, again)

    async def _take_listed(
        self, source: Source, report: ImportReport, shelf: PictureShelf, remarks: RemarkFile
    ) -> None:
        raw = await asyncio.to_thread(listed.entries, source)
        if report.format is ImportFormat.MERCHANTS:
            merchants, refused = listed.understand(raw, MerchantEntry, listed.check_merchant)
            report.merchants.refused += len(refused)
            remarks.add(refused)
            kept = [(number, entry, await _picture(entry, number, shelf, remarks)) for number, entry in merchants]
            async with self._database.transaction() as tx:
                await listed.take_merchants(tx, kept, self._clock.now(), report)
            return
        categories, refused = listed.understand(raw, CategoryEntry, listed.check_category)
        report.categories.refused += len(refused)
        remarks.add(refused)
        filed = [(number, entry, await _picture(entry, number, shelf, remarks)) for number, entry in categories]
        async with self._database.transaction() as tx:
            remarks.add(await listed.take_categories(tx, filed, self._clock.now(), report))

    async def _take_goods(
        self,
        source: Source,
        request: ImportRequest,
        report: ImportReport,
        shelf: PictureShelf,
        progress: Progress | None,
    ) -> None:
        writer = GoodsWriter(self._tallies, self._facts, report.id, report.file)
        with source.open() as text, changed_file(source):
            if report.format is ImportFormat.TABLE:
                rows = Table(text, request.columns, request.merchant)
                report.columns, report.unknown_columns = rows.columns.wording, rows.columns.unknown
            else:
                rows = JsonLines(text, request.merchant)
            with RemarkFile(report, request.report, source.path) as remarks:
                sets = Sets(rows)
                while (gathering := await asyncio.to_thread(sets.next)) is not None:
                    warnings = await shelf.fill(gathering.products.values())
                    applied = await self._apply(writer, list(gathering.products.values()), dry_run=request.dry_run)
                    _sum_up(report, gathering, applied)
                    told = [*gathering.remarks, *warnings, *(r for part in applied for r in part.remarks)]
                    remarks.add(sorted(told, key=lambda remark: remark.line))
                    if progress is not None:
                        progress(ImportProgress(rows.line, min(1.0, rows.letters / source.letters), report))

    async def _apply(
        self, writer: GoodsWriter, rows: Sequence[ProductRow], *, dry_run: bool, attempt: int = 1
    ) -> list[Applied]:
        """Write one set. When the database is away, too slow or in conflict, wait and try again with half of it."""
        if not rows:
            return []
        try:
            if dry_run:
                async with self._database.read() as connection:
                    applied = await writer.preview(connection, rows)
            else:
                async with self._database.transaction() as tx:
                    applied = await writer.write(tx, rows, self._clock.now())
        except PASSING as error:
            if attempt == ATTEMPTS:
                raise
            log.info("import_set_retried", rows=len(rows), attempt=attempt, reason=type(error).__name__)
            await asyncio.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
            half = (len(rows) + 1) // 2
            first = await self._apply(writer, rows[:half], dry_run=dry_run, attempt=attempt + 1)
            return first + await self._apply(writer, rows[half:], dry_run=dry_run, attempt=attempt + 1)
        writer.remember(applied)
        return [applied]


async def _picture(
    entry: MerchantEntry | CategoryEntry, number: int, shelf: PictureShelf, remarks: RemarkFile
) -> str | None:
    image, warnings = await listed.picture_of(entry, number, shelf)
    remarks.add(warnings)
    return image


class Sets:
    """Rows, gathered into sets that one transaction can take."""

    def __init__(self, rows: JsonLines | Table) -> None:
        self._rows = rows
        self._readings: Iterator[Reading] = rows.rows()
        self._waiting: Reading | None = None

    def next(self) -> Gathering | None:
        """The next set, or None at the end of the file. Reads the file: call it off the event loop."""
        gathering = Gathering()
        start = self._rows.letters
        read = 0
        while read < SET_ROWS and self._rows.letters - start < SET_LETTERS:
            reading, self._waiting = self._waiting or next(self._readings, None), None
            if reading is None:
                break
            if reading.product and gathering.variants + len(reading.product.variants) > SET_ROWS:
                self._waiting = reading
                break
            gathering.add(reading)
            read += 1
        return gathering if read else None


def _sum_up(report: ImportReport, gathering: Gathering, applied: Sequence[Applied]) -> None:
    taken = {row.key for row in gathering.products.values()}
    refused = [remark for remark in gathering.remarks if remark.refused]
    report.products.refused += len({_subject(remark) for remark in refused if remark.product not in taken})
    report.variants.refused += gathering.refused_variants
    report.superseded += gathering.superseded
    for part in applied:
        report.merchants.created += len(part.new.merchants)
        report.places.created += len(part.new.places)
        report.categories.created += len(part.new.categories)
        report.stock_counted += part.counted
        for total, counts in ((report.products, part.plan.product_counts), (report.variants, part.plan.variant_counts)):
            total.created += counts.created
            total.updated += counts.updated
            total.unchanged += counts.unchanged
            total.refused += counts.refused


def _subject(remark: Remark) -> str | int:
    """What was refused: the product by its key, else the row by its line."""
    return remark.product or remark.line


def find_format(source: Source) -> ImportFormat:
    """What the file holds, by its content first and its name second."""
    name = source.path.name.lower().removesuffix(".gz")
    start = source.head.lstrip()[:1]
    if start == "{":
        if name.endswith(TABLES):
            raise FileForeign(f"{source.path.name} holds JSON, not a table; call it .jsonl.", field="file")
        return ImportFormat.JSON_LINES
    if start == "[":
        kind = referred.kind_of(source.head, name) or listed.kind_of(source.head)
        if kind is None or name.endswith((".jsonl", ".ndjson")):
            raise FileForeign(
                f"{source.path.name} is one JSON array; write one product per line, without the brackets around them.",
                field="file",
            )
        return kind
    if name.endswith((".jsonl", ".ndjson", ".json")):
        return ImportFormat.JSON_LINES
    return ImportFormat.TABLE
