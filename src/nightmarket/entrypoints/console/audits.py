"""The audit, run by hand: every invariant recomputed, every row that is off named."""

import asyncio

from litestar.response.base import ASGIResponse

from nightmarket.kernel.findings import Check
from nightmarket.kernel.problems import Kind, Problem

from .desk import Desk
from .words import CHECKS

SHOWN_LIMIT = 200
"""Findings of one check that the page shows; `nightmarket audit` prints all."""

_running = asyncio.Semaphore(1)


class AuditRunning(Problem):
    """Another audit runs in this process; wait for it."""

    code = "audit_running"
    kind = Kind.CONFLICT


async def show(desk: Desk) -> ASGIResponse:
    """What the audit does, and the button."""
    return desk.page("audit.html", checks=None, found=0, shown=SHOWN_LIMIT, holds=CHECKS)


async def run(desk: Desk) -> ASGIResponse:
    """Run it and show what it finds. Reads only; one at a time in each process."""
    await desk.form()
    if _running.locked():
        raise AuditRunning("Another audit is running; wait for it to end and try again.")
    async with _running:
        await desk.note("audit.run", "")
        checks: list[Check] = [check async for check in desk.shop.audit.run()]
    found = sum(len(check.findings) for check in checks)
    return desk.page("audit.html", checks=checks, found=found, shown=SHOWN_LIMIT, holds=CHECKS)
