"""Imports as rows: how far each is, what was refused, and who may see it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import ImportReport, ImportRequest, ImportRun, Remark, RunState
from nightmarket.catalog.errors import ImportNotFound, ImportUnderWay
from nightmarket.catalog.store import runs
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.database import Connection, Database

RUNS_LIMIT = 200
KEPT = timedelta(days=90)
"""After that a run is forgotten, with the file that was uploaded for it."""

SWEEP_LIMIT = 100
SILENT = timedelta(minutes=15)
"""A run that has not moved for so long has lost its worker, and may be asked for again."""

BEFORE_ALL = -1


class StoredImportRuns:
    """Implements `contract.ImportRuns`. Files below `uploads` belong to their runs and go with them."""

    def __init__(self, database: Database, clock: Clock, uploads: Path) -> None:
        self._database = database
        self._clock = clock
        self.uploads = uploads
        """Where files wait that were sent to the console."""

    async def add(self, tx: Connection, run: ImportRun) -> None:
        if not await runs.insert(tx, run):
            raise ImportUnderWay("An import with this id exists already.")

    async def change(self, tx: Connection, run: ImportRun) -> None:
        kept = await runs.lock(tx, run.id)
        if kept is None:
            raise ImportNotFound("There is no such import.")
        at_work = kept.run.state in (RunState.QUEUED, RunState.RUNNING)
        if at_work and self._clock.now() - kept.run.updated_at < SILENT:
            raise ImportUnderWay("This import is at work; wait until it has ended, or stop it first.")
        anew = kept.run.request != run.request or kept.run.state in (RunState.READY, RunState.DONE)
        await runs.begin(tx, msgspec.structs.replace(run, updated_at=self._clock.now()), anew=anew)

    async def stop(self, tx: Connection, id: UUID) -> None:
        kept = await runs.lock(tx, id)
        if kept is not None and kept.run.state is RunState.QUEUED:
            await runs.end(tx, id, RunState.STOPPED, self._clock.now())

    async def one(self, connection: Connection, id: UUID, merchant: str | None) -> ImportRun:
        kept = await runs.read(connection, id)
        if kept is None or merchant not in (None, kept.run.merchant):
            raise ImportNotFound("There is no such import.")
        return kept.run

    async def page(
        self, connection: Connection, merchant: str | None, before: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[ImportRun]:
        if not 1 <= limit <= RUNS_LIMIT:
            raise InvalidInput(f"Ask for 1 to {RUNS_LIMIT} imports; {limit} is not possible.", field="limit")
        return await runs.page(connection, merchant, before, limit)

    def remarks(self, id: UUID, *, refused_only: bool = False) -> AsyncIterator[Sequence[Remark]]:
        return remarks_of(self._database, id, refused_only=refused_only)

    async def sweep(self) -> int:
        """Forget old runs and their files; for a drain. Returns how many."""
        async with self._database.transaction() as tx:
            forgotten = await runs.sweep(tx, self._clock.now(), KEPT, SWEEP_LIMIT)
        await asyncio.to_thread(self._remove, [Path(request.file) for request in forgotten])
        return len(forgotten)

    def _remove(self, files: Sequence[Path]) -> None:
        for file in files:
            if self.uploads in file.parents:
                file.unlink(missing_ok=True)
                with suppress(OSError):
                    file.parent.rmdir()


class RunLedger:
    """The row of one run, as the import that is at work on it moves it on."""

    def __init__(self, database: Database, clock: Clock, run: UUID) -> None:
        self.run = run
        self.rows_taken = 0
        self.resumed: ImportReport | None = None
        """What an earlier attempt had done, if this one goes on with it."""
        self._database = database
        self._clock = clock

    async def begin(self, request: ImportRequest, report: ImportReport) -> None:
        """Open the run, or go on with one that was broken off: by a crash, a fault, or because somebody stopped it."""
        now = self._clock.now()
        fresh = ImportRun(
            id=self.run,
            merchant=request.merchant,
            requested_by="command line",
            file=report.file,
            request=request,
            state=RunState.RUNNING,
            begun_at=now,
            updated_at=now,
        )
        async with self._database.transaction() as tx:
            if await runs.insert(tx, fresh):
                return
            kept = await runs.lock(tx, self.run)
            assert kept is not None
            anew = kept.run.state in (RunState.DONE, RunState.READY) or kept.run.report is None
            await runs.begin(tx, fresh, anew=anew)
        if not anew:
            self.rows_taken = kept.rows_taken
            self.resumed = kept.run.report
            if self.resumed is not None:
                self.resumed.resumed_at = kept.run.line

    async def advance(
        self, tx: Connection, step: runs.Step, remarks: Sequence[Remark], *, repeated: bool
    ) -> ImportReport | None:
        """Note a set in its own transaction. If an attempt whose answer was lost had noted it, its report is the right
        one, and comes back."""
        if await runs.advance(tx, step, self._clock.now()):
            if remarks:
                await runs.add_remarks(tx, self.run, step.before, remarks)
            return None
        kept = await runs.read(tx, self.run)
        if repeated and kept is not None and kept.rows_taken == step.after:
            return kept.run.report
        raise ImportUnderWay("Another process is at work on this very import; let it go on.")

    async def note_all(self, report: ImportReport, remarks: Sequence[Remark]) -> None:
        """What was refused in a file that is taken in one transaction."""
        async with self._database.transaction() as tx:
            await runs.add_remarks(tx, self.run, 0, remarks)
            step = runs.Step(run=self.run, before=self.rows_taken, after=1, line=0, share=1.0, report=report)
            await self.advance(tx, step, (), repeated=True)
        self.rows_taken = 1

    async def finish(self, report: ImportReport) -> None:
        """It is done, and this is what it did."""
        async with self._database.transaction() as tx:
            at = self._clock.now()
            await runs.put_report(tx, self.run, report, at)
            await runs.end(tx, self.run, RunState.DONE, at)

    async def end(self, state: RunState, failure: str | None = None) -> None:
        """How it ended before its end."""
        async with self._database.transaction() as tx:
            await runs.end(tx, self.run, state, self._clock.now(), failure)


async def remarks_of(database: Database, id_: UUID, *, refused_only: bool = False) -> AsyncIterator[list[Remark]]:
    """Every refusal and warning so far, set by set."""
    after = BEFORE_ALL
    while True:
        async with database.read() as connection:
            found = await runs.remarks_after(connection, id_, after, refused_only=refused_only)
        if found is None:
            return
        after, remarks = found
        yield [remark for remark in remarks if remark.refused or not refused_only]
