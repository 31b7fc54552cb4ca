"""Takes one set after another: each is written in a transaction that also notes how far the import is."""

import asyncio
from collections.abc import Sequence

import msgspec
import structlog

from nightmarket.catalog.contract import ImportReport, Remark
from nightmarket.catalog.model.gathering import Gathering
from nightmarket.catalog.model.rows import ProductRow
from nightmarket.catalog.store.goods import SlugTaken
from nightmarket.catalog.store.runs import Step
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.problems import Unavailable
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.group_commit import RETRYABLE

from .import_goods import Applied, GoodsWriter
from .import_runs import RunLedger
from .import_sets import note, summed

ATTEMPTS = 5
FIRST_PAUSE_SECONDS = 0.2
PASSING = (*RETRYABLE, SlugTaken, Unavailable)
"""What passes: another import took the same slug, a lock, or the database was away or too slow for the set."""

log = structlog.get_logger(__name__)


class Batch(msgspec.Struct, kw_only=True):
    """A set to take: what was gathered, and how far the file is then."""

    gathering: Gathering
    warnings: Sequence[Remark]
    read: int
    """Readings that are behind the import after it."""
    line: int
    share: float
    report: ImportReport
    """Before the set is taken, then after it."""
    applied: list[Applied] = msgspec.field(default_factory=list[Applied])
    noted: tuple[ImportReport, list[Remark]] | None = None
    """The report and the remarks that the transaction under way notes."""

    @property
    def remarks(self) -> list[Remark]:
        """What was refused or left out in the set, once it is taken."""
        return self.noted[1] if self.noted else []


class SetTaker:
    """Takes the sets of one import, or in a dry run looks at what taking them would do."""

    def __init__(
        self, database: Database, clock: Clock, writer: GoodsWriter, ledger: RunLedger, *, dry_run: bool
    ) -> None:
        self._database = database
        self._clock = clock
        self._writer = writer
        self._ledger = ledger
        self._dry_run = dry_run

    async def take(self, batch: Batch) -> None:
        """Write a set; `batch` has its report and remarks afterwards."""
        await self._apply(batch, list(batch.gathering.products.values()), last=True, attempt=1)
        assert batch.noted is not None
        batch.report = batch.noted[0]
        self._ledger.rows_taken = batch.read

    async def _apply(self, batch: Batch, rows: Sequence[ProductRow], *, last: bool, attempt: int) -> None:
        """Write rows of a set. When the database is away, too slow or in conflict, wait and try half of them.

        With the last ones the set's end is noted. A set that is broken off between its halves is taken again as a
        whole, which changes nothing in the first.
        """
        if not (rows or last):
            return
        try:
            applied = await self._write(batch, rows, last=last, attempt=attempt)
        except PASSING as error:
            if attempt == ATTEMPTS:
                raise
            log.info("import_set_retried", rows=len(rows), attempt=attempt, reason=type(error).__name__)
            await asyncio.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
            half = (len(rows) + 1) // 2
            await self._apply(batch, rows[:half], last=False, attempt=attempt + 1)
            await self._apply(batch, rows[half:], last=last, attempt=attempt + 1)
            return
        for part in applied:
            self._writer.remember(part)
        batch.applied.extend(applied)

    async def _write(self, batch: Batch, rows: Sequence[ProductRow], *, last: bool, attempt: int) -> list[Applied]:
        if self._dry_run:
            applied = []
            if rows:
                async with self._database.read() as connection:
                    applied = [await self._writer.preview(connection, rows)]
            if last:
                async with self._database.transaction() as tx:
                    await self._note(tx, batch, applied, attempt)
            return applied
        async with self._database.transaction() as tx:
            applied = [await self._writer.write(tx, rows, self._clock.now())] if rows else []
            if last:
                await self._note(tx, batch, applied, attempt)
        return applied

    async def _note(self, tx: Connection, batch: Batch, applied: Sequence[Applied], attempt: int) -> None:
        """How far the import is with this set, and what was refused in it."""
        parts = [*batch.applied, *applied]
        told = [*batch.gathering.remarks, *batch.warnings, *(remark for part in parts for remark in part.remarks)]
        remarks = sorted(told, key=lambda remark: remark.line)
        after = summed(batch.report, batch.gathering, parts)
        note(after, remarks)
        step = Step(
            run=self._ledger.run,
            before=self._ledger.rows_taken,
            after=batch.read,
            line=batch.line,
            share=batch.share,
            report=after,
        )
        kept = await self._ledger.advance(tx, step, remarks, repeated=attempt > 1)
        if kept is not None:
            after = msgspec.structs.replace(kept, remarks=after.remarks)
        batch.noted = (after, remarks)
