"""Imports one file: looks at it, reads it as a stream, and takes it in sets, each in a transaction of its own."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import msgspec
import structlog

from nightmarket.catalog.contract import FileLook, ImportProgress, ImportReport, ImportRequest, RunState
from nightmarket.catalog.errors import FileForeign, ImportUnderWay
from nightmarket.catalog.model import checks
from nightmarket.catalog.model.checks import RowRefused
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import derive
from nightmarket.kernel.languages import DEFAULT_LANGUAGE, LANGUAGES
from nightmarket.kernel.money import known_currency
from nightmarket.kernel.problems import InvalidInput, Problem, Unavailable
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Facts
from nightmarket.platform.jobs import JobCancelled
from nightmarket.tally.contract import Tallies

from .import_formats import LISTED, find_format, open_rows
from .import_goods import GoodsWriter
from .import_listed import ListedTaker
from .import_look import look_at
from .import_pictures import PictureShelf, PictureSources
from .import_remarks import RemarkFile
from .import_runs import RunLedger, remarks_of
from .import_sets import REMARKS_KEPT, Sets, note
from .import_source import Source, changed_file, inspect
from .import_taking import Batch, SetTaker

MAX_FAILURE = 2_000
"""Letters of what is kept of a failure."""

Progress = Callable[[ImportProgress], None]

log = structlog.get_logger(__name__)


class FileImporter:
    """Implements `contract.Importer`. `sources` says where pictures may come from; their folder is the request's."""

    def __init__(
        self, database: Database, tallies: Tallies, facts: Facts, sources: PictureSources, clock: Clock
    ) -> None:
        self._database = database
        self._tallies = tallies
        self._facts = facts
        self._sources = sources
        self._clock = clock

    async def look(self, request: ImportRequest) -> FileLook:
        source = await asyncio.to_thread(inspect, request.file, request.encoding, whole=False)
        format_ = request.format or find_format(source, mapped=bool(request.columns))
        return await asyncio.to_thread(look_at, source, format_, request)

    async def run_import(
        self, request: ImportRequest, progress: Progress | None = None, *, run: UUID | None = None
    ) -> ImportReport:
        ledger = RunLedger(self._database, self._clock, run) if run is not None else None
        try:
            _check(request)
            source = await asyncio.to_thread(inspect, request.file, request.encoding)
            report = ImportReport(
                id=self._import_id(request, source),
                file=source.path.name,
                format=request.format or find_format(source, mapped=bool(request.columns)),
                dry_run=request.dry_run,
            )
            if request.merchant is not None and report.format in LISTED:
                raise FileForeign(
                    f"{report.file} is about the whole shop ({report.format}); for one merchant only goods are taken.",
                    field="file",
                )
            ledger = ledger or RunLedger(self._database, self._clock, _run_id(request, source))
            report = await self._run(Work(source, request, ledger, progress), report)
        except ImportUnderWay:
            raise
        except JobCancelled:
            await self._end(ledger, RunState.STOPPED)
            raise
        except Exception as error:
            text = error.detail if isinstance(error, Problem) else f"{type(error).__name__}: {error}"
            await self._end(ledger, RunState.FAILED, text[:MAX_FAILURE])
            raise
        log.info("import_finished", file=report.file, dry_run=report.dry_run, seconds=report.seconds)
        return report

    async def _end(self, ledger: RunLedger | None, state: RunState, failure: str | None = None) -> None:
        if ledger is not None:
            with suppress(Unavailable):
                await ledger.end(state, failure)

    def _import_id(self, request: ImportRequest, source: Source) -> UUID:
        """The same file read in the same way is the same import, so that going on with it counts no stock twice."""
        again = self._clock.now().isoformat() if request.recount else ""
        return derive("import", *_reading(request, source), again)

    async def _run(self, work: "Work", report: ImportReport) -> ImportReport:
        started = time.monotonic()
        request, ledger = work.request, work.ledger
        await ledger.begin(request, report)
        report = ledger.resumed or report
        earlier = report.seconds
        folder = _folder(request, work.source)
        shelf = PictureShelf(msgspec.structs.replace(self._sources, folder=folder), keep=not request.dry_run)
        with RemarkFile(request.report, work.source.path) as remarks:
            if ledger.resumed is not None:
                await self._tell_again(report, ledger.run, remarks)
            if report.format in LISTED:
                taker = ListedTaker(self._database, self._facts, self._clock, shelf)
                found = await taker.take(work.source, report)
                note(report, found)
                await ledger.note_all(report, found)
                remarks.add(found)
            else:
                report = await self._take_goods(work, report, shelf, remarks)
        report.pictures += shelf.kept
        report.seconds = round(earlier + time.monotonic() - started, 3)
        await ledger.finish(report)
        return report

    async def _take_goods(
        self, work: "Work", report: ImportReport, shelf: PictureShelf, remarks: RemarkFile
    ) -> ImportReport:
        writer = GoodsWriter(self._tallies, self._facts, report.id, report.file, within_range=work.request.within_range)
        taker = SetTaker(self._database, self._clock, writer, work.ledger, dry_run=work.request.dry_run)
        with work.source.open() as text, changed_file(work.source):
            rows = open_rows(text, work.request, report)
            sets = Sets(rows, work.ledger.rows_taken)
            while (gathering := await asyncio.to_thread(sets.next)) is not None:
                batch = Batch(
                    gathering=gathering,
                    warnings=await shelf.fill(gathering.products.values()),
                    read=sets.read,
                    line=rows.line,
                    share=min(1.0, rows.letters / work.source.letters),
                    report=report,
                )
                await taker.take(batch)
                report = batch.report
                remarks.add(batch.remarks)
                if work.progress is not None:
                    work.progress(ImportProgress(batch.line, batch.share, report))
        return report

    async def _tell_again(self, report: ImportReport, run: UUID, remarks: RemarkFile) -> None:
        """What was refused before the import was broken off stands in the report too."""
        async for earlier in remarks_of(self._database, run):
            remarks.add(earlier)
            report.remarks.extend(earlier[: max(0, REMARKS_KEPT - len(report.remarks))])


class Work(msgspec.Struct, frozen=True):
    """One import: its file, what is asked, where it is noted, and who wants to hear of it."""

    source: Source
    request: ImportRequest
    ledger: RunLedger
    progress: Progress | None


def _check(request: ImportRequest) -> None:
    if request.merchant is not None:
        try:
            checks.slug(request.merchant, field="merchant")
        except RowRefused as refusal:
            raise InvalidInput(f"{refusal.reason} {refusal.mend}", field="merchant") from refusal
    if request.currency is not None and not known_currency(request.currency):
        raise InvalidInput(f"{checks.excerpt(request.currency)} is not a currency, such as EUR.", field="currency")
    if request.language not in LANGUAGES:
        raise InvalidInput(f"Use one of the languages {', '.join(LANGUAGES)}.", field="language")


def _folder(request: ImportRequest, source: Source) -> Path | None:
    if request.pictures is None:
        return source.path.parent
    return Path(request.pictures) if request.pictures else None


def _reading(request: ImportRequest, source: Source) -> tuple[str | bytes, ...]:
    """What a file is and how it is read."""
    assumed = [f"currency={request.currency}"] if request.currency else []
    if request.language != DEFAULT_LANGUAGE:
        assumed.append(f"language={request.language}")
    return (source.sha256, source.encoding, request.merchant or "", *request.columns, *assumed)


def _run_id(request: ImportRequest, source: Source) -> UUID:
    """What the same command finds again after it was broken off, a repeated count too."""
    kind = ("dry" if request.dry_run else "", "recount" if request.recount else "")
    return derive("import-run", *_reading(request, source), *kind)
