"""A job: work over a set, which goes on where it stopped."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar

import msgspec

from nightmarket.kernel.problems import Kind, Problem

T = TypeVar("T")


class JobState(StrEnum):
    """`queued`, `running`, then one of the others for good."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobContext(Protocol):
    """What a running job may do beside its work."""

    id: str
    requested_by: str

    def arguments(self, shape: type[T]) -> T:
        """What the job was asked to do, as that struct; raises InvalidInput if it is something else."""
        ...

    async def step(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """Do a part of the work once: its result is kept, and when the job goes on after a crash it is not done again.

        A crash between the work and the keeping does it again, so the work itself is repeatable by ids. Steps are
        known by their order, so a job takes the same steps each time it runs. Unavailable is tried five times.
        """
        ...

    async def progress(self, done: int, total: int | None = None, message: str = "") -> None:
        """Say how far it is; raises JobCancelled if somebody asked to stop. Written a few times a second at most."""
        ...


class Job(msgspec.Struct, frozen=True):
    """A kind of job, declared in a module's `jobs.py`. `run` returns what to show at the end, or nothing."""

    name: str
    run: Callable[[JobContext], Awaitable[str | None]]


class JobRequest(msgspec.Struct, frozen=True):
    """Ask for a job. The same id again is the same job; `arguments` is a struct, dictionary or list."""

    id: str
    name: str
    requested_by: str
    arguments: Any = None


class JobStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a job stands. `failure` says what went wrong and how to mend it."""

    id: str
    name: str
    requested_by: str
    requested_at: datetime
    state: JobState
    cancel_asked: bool
    started_at: datetime | None
    finished_at: datetime | None
    done: int
    total: int | None
    message: str
    failure: str | None
    arguments: bytes


class JobCancelled(Exception):
    """Somebody asked the job to stop; let it pass, after tidying up."""


class JobNotFound(Problem):
    """No job with that id."""

    code = "job_not_found"
    kind = Kind.NOT_FOUND
