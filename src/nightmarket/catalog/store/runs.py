"""How far imports are, and what was refused in them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import ImportReport, ImportRequest, ImportRun, Remark, RunState
from nightmarket.platform.database import Connection, Record

_ENCODER = msgspec.msgpack.Encoder()
_REQUEST = msgspec.msgpack.Decoder(ImportRequest)
_REPORT = msgspec.msgpack.Decoder(ImportReport)
_REMARKS = msgspec.msgpack.Decoder(list[Remark])

_COLUMNS = """
id, merchant, requested_by, file, request, state, line, share, report, failure, begun_at, updated_at, rows_taken
"""


class Kept(msgspec.Struct, frozen=True):
    """A run and how many of its readings are behind it."""

    run: ImportRun
    rows_taken: int


def _kept(row: Record) -> Kept:
    run = ImportRun(
        id=row["id"],
        merchant=row["merchant"],
        requested_by=row["requested_by"],
        file=row["file"],
        request=_REQUEST.decode(row["request"]),
        state=RunState(row["state"]),
        line=row["line"],
        share=row["share"],
        report=_REPORT.decode(row["report"]) if row["report"] is not None else None,
        failure=row["failure"],
        begun_at=row["begun_at"],
        updated_at=row["updated_at"],
    )
    return Kept(run, row["rows_taken"])


async def insert(tx: Connection, run: ImportRun) -> bool:
    """Add a run; False where its id exists."""
    made = await tx.fetchval(
        """
        INSERT INTO catalog.import_run (id, merchant, requested_by, file, request, dry_run, state, begun_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) ON CONFLICT DO NOTHING RETURNING id
        """,
        run.id,
        run.merchant,
        run.requested_by,
        run.file,
        _ENCODER.encode(run.request),
        run.request.dry_run,
        run.state.value,
        run.begun_at,
    )
    return made is not None


async def lock(tx: Connection, id_: UUID) -> Kept | None:
    """The run, for whoever changes it next."""
    row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM catalog.import_run WHERE id = $1 FOR UPDATE", id_)
    return _kept(row) if row else None


async def read(connection: Connection, id_: UUID) -> Kept | None:
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM catalog.import_run WHERE id = $1", id_)
    return _kept(row) if row else None


async def begin(tx: Connection, run: ImportRun, *, anew: bool) -> None:
    """Set request and state; `anew` forgets how far it was and what was refused."""
    await tx.execute(
        """
        UPDATE catalog.import_run SET request = $2, dry_run = $3, state = $4, updated_at = $5, failure = NULL,
            merchant = $7, rows_taken = CASE WHEN $6 THEN 0 ELSE rows_taken END,
            line = CASE WHEN $6 THEN 0 ELSE line END, share = CASE WHEN $6 THEN 0 ELSE share END,
            report = CASE WHEN $6 THEN NULL ELSE report END, begun_at = CASE WHEN $6 THEN $5 ELSE begun_at END
        WHERE id = $1
        """,
        run.id,
        _ENCODER.encode(run.request),
        run.request.dry_run,
        run.state.value,
        run.updated_at,
        anew,
        run.merchant,
    )
    if anew:
        await tx.execute("DELETE FROM catalog.import_remark WHERE run = $1", run.id)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One more set of a run: from how many readings to how many, and what is known after it."""

    run: UUID
    before: int
    after: int
    line: int
    share: float
    report: ImportReport


async def advance(tx: Connection, step: Step, at: datetime) -> bool:
    """Note a set in the transaction that writes it; False where somebody else has moved the run on."""
    status = await tx.execute(
        """
        UPDATE catalog.import_run SET rows_taken = $3, line = $4, share = $5, report = $6, updated_at = $7
        WHERE id = $1 AND rows_taken = $2 AND state = 'running'
        """,
        step.run,
        step.before,
        step.after,
        step.line,
        step.share,
        _ENCODER.encode(msgspec.structs.replace(step.report, remarks=[])),
        at,
    )
    return status.endswith(" 1")


async def add_remarks(tx: Connection, run: UUID, number: int, remarks: Sequence[Remark]) -> None:
    """What was refused or left out in one set."""
    await tx.execute(
        """
        INSERT INTO catalog.import_remark (run, number, refused, remarks) VALUES ($1, $2, $3, $4)
        ON CONFLICT (run, number) DO UPDATE SET refused = excluded.refused, remarks = excluded.remarks
        """,
        run,
        number,
        sum(remark.refused for remark in remarks),
        _ENCODER.encode(remarks),
    )


async def put_report(tx: Connection, id_: UUID, report: ImportReport, at: datetime) -> None:
    """What the run did; its remarks stand by themselves."""
    await tx.execute(
        "UPDATE catalog.import_run SET report = $2, updated_at = $3 WHERE id = $1",
        id_,
        _ENCODER.encode(msgspec.structs.replace(report, remarks=[])),
        at,
    )


async def end(tx: Connection, id_: UUID, state: RunState, at: datetime, failure: str | None = None) -> None:
    """How the run ended."""
    await tx.execute(
        """
        UPDATE catalog.import_run SET state = $2, updated_at = $3, failure = $4,
            share = CASE WHEN $2 = 'done' THEN 1 ELSE share END
        WHERE id = $1
        """,
        id_,
        state.value,
        at,
        failure,
    )


async def page(
    connection: Connection, merchant: str | None, before: tuple[datetime, UUID] | None, limit: int
) -> list[ImportRun]:
    """Newest first."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS} FROM catalog.import_run
        WHERE ($1::text IS NULL OR merchant = $1) AND ($2::timestamptz IS NULL OR (begun_at, id) < ($2, $3))
        ORDER BY begun_at DESC, id DESC LIMIT $4
        """,
        merchant,
        *(before or (None, None)),
        limit,
    )
    return [_kept(row).run for row in rows]


async def remarks_after(
    connection: Connection, id_: UUID, after: int, *, refused_only: bool
) -> tuple[int, list[Remark]] | None:
    """The remarks of the next set that has some, and that set's number."""
    row = await connection.fetchrow(
        """
        SELECT number, remarks FROM catalog.import_remark
        WHERE run = $1 AND number > $2 AND (refused > 0 OR NOT $3) ORDER BY number LIMIT 1
        """,
        id_,
        after,
        refused_only,
    )
    return (row[0], _REMARKS.decode(row[1])) if row else None


async def sweep(tx: Connection, now: datetime, kept: timedelta, limit: int) -> list[ImportRequest]:
    """Forget runs that have rested for so long; returns what they were asked to do."""
    rows = await tx.fetch(
        """
        DELETE FROM catalog.import_run WHERE id = ANY (ARRAY(
            SELECT id FROM catalog.import_run WHERE updated_at < $1 ORDER BY updated_at LIMIT $2
            FOR UPDATE SKIP LOCKED))
        RETURNING request
        """,
        now - kept,
        limit,
    )
    return [_REQUEST.decode(row[0]) for row in rows]
