"""One import: what the file is, what a dry run found, how far it is, what came of it."""

import csv
import io
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse

from nightmarket.catalog.contract import (
    IMPORT_JOB,
    Counts,
    FileLook,
    ImportFormat,
    ImportReport,
    ImportRun,
    Remark,
    RunState,
)
from nightmarket.catalog.errors import FileRefused
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.tables import plain_cell
from nightmarket.entrypoints.pages import Form
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.platform import jobs
from nightmarket.platform.jobs import JobDesk, JobState

from .listing import CURRENCIES
from .meanings import MEANINGS
from .scope import choosable, own_slug, run_of
from .words import FORMATS, KINDS, NEEDS, STATES

REMARKS_SHOWN = 50
"""Refusals and warnings on the page; the file has all of them."""

JOBS_LOOKED_AT = 200
AT_WORK = (RunState.QUEUED, RunState.RUNNING)


async def show(desk: Desk) -> ASGIResponse:
    """The import's page."""
    return await run_page(desk, await run_of(desk))


async def run_page(desk: Desk, run: ImportRun, *, form: Form | None = None, status: int = 200) -> ASGIResponse:
    """The page, with the form as it was sent if something in it has to be mended."""
    look, unfit = None, ""
    if run.state not in AT_WORK:
        try:
            look = await desk.shop.importer.look(msgspec.structs.replace(run.request, columns=()))
        except FileRefused as refusal:
            unfit = refusal.detail
    return desk.page(
        "imports/run.html",
        status=status,
        look=look,
        unfit=unfit,
        form=form or (_as_form(run, look) if look else Form()),
        needs=NEEDS,
        merchant_names={one.slug: one.name for one in await choosable(desk)},
        own=await own_slug(desk),
        currencies=CURRENCIES,
        languages=LANGUAGES,
        meanings=MEANINGS,
        is_table=look is not None and look.format is ImportFormat.TABLE,
        tried=run.state is RunState.DONE and run.request.dry_run,
        **await _words(desk, run),
    )


async def show_progress(desk: Desk) -> ASGIResponse:
    """How far it is, for the script that keeps it fresh; at the end the whole page is loaded again."""
    run = await run_of(desk)
    answer = desk.page("imports/progress.html", **await _words(desk, run))
    if run.state not in AT_WORK:
        answer.headers.add("hx-refresh", "true")
    return answer


async def _words(desk: Desk, run: ImportRun) -> dict[str, Any]:
    remarks: list[Remark] = []
    async for found in desk.shop.import_runs.remarks(run.id):
        remarks.extend(found)
        if len(remarks) >= REMARKS_SHOWN:
            break
    return {
        "run": run,
        "ident": encode("imp", run.id),
        "report": run.report,
        "counts": _counts(run.report) if run.report else [],
        "remarks": remarks[:REMARKS_SHOWN],
        "at_work": run.state in AT_WORK,
        "states": STATES,
        "formats": FORMATS,
        "kinds": KINDS,
    }


def _counts(report: ImportReport) -> list[tuple[str, Counts]]:
    """What was counted of each kind of thing that the file has."""
    found = [(name, getattr(report, name)) for name in KINDS]
    return [(name, counts) for name, counts in found if any(msgspec.structs.astuple(counts))]


def _as_form(run: ImportRun, look: FileLook) -> Form:
    """What is chosen so far: by a person, else by what the columns seem to mean."""
    values = {
        "merchant": run.request.merchant or "",
        "currency": run.request.currency or "",
        "language": run.request.language,
        "encoding": run.request.encoding,
    }
    chosen: dict[str, str] = {}
    for entry in run.request.columns:
        meaning, _, name = entry.partition("=")
        chosen[name] = meaning
    for place, column in enumerate(look.columns):
        values[f"column-{place}"] = chosen.get(column.name, "") if run.request.columns else column.target
    for entry in run.request.columns:
        if entry.startswith("category=="):
            values["category"] = entry.removeprefix("category==")
    return Form(values)


async def stop(desk: Desk) -> ASGIResponse:
    """Ask the import to stop; what is in stays in."""
    await desk.form()
    run = await run_of(desk)
    ident = encode("imp", run.id)
    async with desk.shop.database.read() as connection:
        found = await jobs.page(connection, None, JOBS_LOOKED_AT)
    mine = [
        job.id
        for job in found
        if job.name == IMPORT_JOB
        and job.id.startswith(f"{ident}.")
        and job.state in (JobState.QUEUED, JobState.RUNNING)
    ]
    async with desk.acting("imports.stop", ident, run.file) as tx:
        await JobDesk(desk.shop.clock).cancel(tx, mine)
        await desk.shop.import_runs.stop(tx, run.id)
    return desk.redirect(f"/console/imports/{ident}?done=import-stopped")


async def send_refused(desk: Desk) -> ASGIResponse:
    """Every refused row with its line, field, reason and remedy, as CSV, set by set."""
    run = await run_of(desk)

    async def pieces() -> AsyncGenerator[bytes]:
        yield _lines([Remark.__struct_fields__]).encode("utf-8-sig")
        async for remarks in desk.shop.import_runs.remarks(run.id):
            yield _lines([[str(cell) for cell in msgspec.structs.astuple(remark)] for remark in remarks]).encode()

    return download(pieces(), "text/csv; charset=utf-8", f"{run.file}.refused.csv")


def _lines(rows: list[tuple[str, ...]] | list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([plain_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def download(pieces: AsyncGenerator[bytes], kind: str, name: str) -> ASGIResponse:
    """A file that is sent while it is made."""
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "private, no-store"}
    return ASGIStreamingResponse(iterator=pieces, headers=headers, media_type=kind)
