"""Asking for jobs, from any process, in the transaction of the change that needs them."""

from collections.abc import Sequence

import msgspec

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.database import Connection

from . import store
from .job import JobNotFound, JobRequest, JobStatus

MAX_ID_LETTERS = 200
MAX_ARGUMENT_BYTES = 1_000_000
REQUESTS_LIMIT = 1_000

_encoder = msgspec.msgpack.Encoder()


class JobDesk:
    """Takes requests. A request is a row, so it exists if and only if the caller's transaction was committed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def request(self, tx: Connection, requests: Sequence[JobRequest]) -> int:
        """Queue jobs; the worker starts them within a second. Returns how many are new: an id runs once."""
        if not requests:
            return 0
        if len(requests) > REQUESTS_LIMIT:
            raise InvalidInput(f"Ask for at most {REQUESTS_LIMIT} jobs at once.")
        rows: list[tuple[str, str, bytes, str]] = []
        for one in requests:
            if not 1 <= len(one.id) <= MAX_ID_LETTERS or not one.id.isprintable():
                raise InvalidInput(f"A job's id has 1 to {MAX_ID_LETTERS} visible letters.", field="id")
            arguments = _encoder.encode(one.arguments)
            if len(arguments) > MAX_ARGUMENT_BYTES:
                raise InvalidInput("A job's arguments are too long; store them and give their id.", field="arguments")
            rows.append((one.id, one.name, arguments, one.requested_by))
        return len(await store.insert(tx, rows, self._clock.now()))

    async def cancel(self, tx: Connection, ids: Sequence[str]) -> None:
        """Stop jobs; what has ended stays as it is. Raises JobNotFound, and then stops none."""
        known = await store.cancel(tx, ids, self._clock.now())
        if set(known) != set(ids):
            raise JobNotFound("One of these jobs does not exist; none was stopped.")


async def status(connection: Connection, job_id: str) -> JobStatus:
    """How a job stands; raises JobNotFound."""
    found = await store.one(connection, job_id)
    if found is None:
        raise JobNotFound("There is no such job; it may be older than what is kept.")
    return found
