"""Work that takes longer than a request: jobs over sets, and drains over rows that are due.

    Any process:
    desk = JobDesk(clock)
    await desk.request(tx, [JobRequest(id, name, requested_by, arguments)]) -> int     how many are new; an id runs once
    await desk.cancel(tx, ids) -> None                                                  raises JobNotFound
    await status(connection, job_id) -> JobStatus                                       raises JobNotFound
    await page(connection, before: (requested_at, id) | None, limit) -> list[JobStatus]
    await counts(connection) -> dict[str, int]

    A module's jobs.py: Job("catalog.import", run), where async run(context: JobContext) -> str | None uses
    context.arguments(Struct); await context.step("name", work) -> result; await context.progress(done, total, message)

    The worker:
    runner = JobRunner(database, clock, jobs, executor="worker")
    await runner.start(); await runner.stop()
    await runner.step() -> int; await runner.sweep() -> int                              for drains
    async with Drains([Drain("messages", postman.step, idle_seconds=0.5, tally=metrics), ...]): ...   drain.wake()

A request is a row written in the caller's transaction, not a call of DBOS's client: a job then exists if and only if
the change that needs it does, and web processes need neither a second driver nor threads. DBOS runs it.
"""

from .desk import JobDesk, status
from .drains import Drain, Drains, Share
from .job import Job, JobCancelled, JobContext, JobNotFound, JobRequest, JobState, JobStatus
from .store import counts, page

__all__ = [
    "Drain",
    "Drains",
    "Job",
    "JobCancelled",
    "JobContext",
    "JobDesk",
    "JobNotFound",
    "JobRequest",
    "JobState",
    "JobStatus",
    "Share",
    "counts",
    "page",
    "status",
]
