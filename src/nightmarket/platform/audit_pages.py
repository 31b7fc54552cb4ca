"""Audits that read a whole table: page by page, each page one instant's truth."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from nightmarket.kernel.findings import Finding

from .database import Connection, Database

PAGE = 2_000
FINDINGS_LIMIT = 1_000

Look = Callable[[Connection, UUID, int], Awaitable[tuple[Sequence[Finding], UUID | None]]]
"""Looks at so many rows after an id: what is off with them, and the last of their ids, None where there are no more."""


async def page_by_page(database: Database, look: Look) -> Sequence[Finding]:
    """What is off in the order of ids; stops after the page in which FINDINGS_LIMIT are reached.

    Each page is read in one read-only transaction of its own, so that a long audit holds up no clearing of old rows.
    """
    findings: list[Finding] = []
    after = UUID(int=0)
    while len(findings) < FINDINGS_LIMIT:
        async with (
            database.read() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            found, last = await look(connection, after, PAGE)
        if last is None:
            break
        findings.extend(found)
        after = last
    return findings
