"""Jobs: what is under way, how far it is, and what failed."""

from datetime import datetime
from typing import Any

from litestar.response.base import ASGIResponse

from nightmarket.kernel.problems import InvalidInput, NotFound
from nightmarket.platform import jobs
from nightmarket.platform.jobs import JobDesk, JobState

from .desk import Desk

ROWS = 50
TONES = {
    JobState.QUEUED: "",
    JobState.RUNNING: "warn",
    JobState.DONE: "good",
    JobState.FAILED: "danger",
    JobState.CANCELLED: "",
}


async def show(desk: Desk) -> ASGIResponse:
    """Newest first."""
    return desk.page("jobs.html", **await _words(desk))


async def show_rows(desk: Desk) -> ASGIResponse:
    """The rows alone, for the script that keeps them fresh."""
    return desk.page("job_rows.html", **await _words(desk))


async def cancel(desk: Desk) -> ASGIResponse:
    """Ask a job to stop."""
    form = await desk.form()
    id = form.get("job")
    async with desk.acting("jobs.cancel", id) as tx:
        await JobDesk(desk.shop.clock).cancel(tx, [id])
    return desk.redirect("/console/jobs?done=stopping")


async def _words(desk: Desk) -> dict[str, Any]:
    """Merchants' people see the jobs that they asked for."""
    before = _cursor(desk.query("before"))
    async with desk.shop.database.read() as connection:
        found = await jobs.page(connection, before, ROWS + 1)
        counts = await jobs.counts(connection)
    shown = found[:ROWS]
    mine = [one for one in shown if desk.merchant is None or one.requested_by == str(desk.actor.id)]
    return {
        "jobs": mine,
        "tones": TONES,
        "counts": counts if desk.merchant is None else {},
        "first": before is None,
        "further": f"{shown[-1].requested_at.isoformat()}~{shown[-1].id}" if len(found) > ROWS else "",
    }


def _cursor(text: str) -> tuple[datetime, str] | None:
    if not text:
        return None
    at, _, id = text.partition("~")
    try:
        instant = datetime.fromisoformat(at.replace(" ", "+"))
    except ValueError:
        raise InvalidInput("That is not the end of a page of jobs.", field="before") from None
    if instant.tzinfo is None:
        raise NotFound("That is not the end of a page of jobs.", field="before")
    return instant, id
