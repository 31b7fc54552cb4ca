"""Audits that read a table page by page: every page once, in its own transaction, and no more than is worth telling."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from nightmarket.kernel.findings import Finding
from nightmarket.platform.audit_pages import FINDINGS_LIMIT, PAGE, page_by_page
from nightmarket.platform.database import Connection, Database

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("rows", [0, 1, PAGE, 2 * PAGE + 7])
async def test_each_row_is_looked_at_once(database: str, rows: int) -> None:
    """Whatever the number of rows is to a page, and each page reads one instant."""
    seen: list[int] = []

    async def look(connection: Connection, after: UUID, limit: int) -> tuple[Sequence[Finding], UUID | None]:
        assert await connection.fetchval("SHOW transaction_isolation") == "repeatable read"
        assert await connection.fetchval("SHOW transaction_read_only") == "on"
        page = range(after.int + 1, min(after.int + limit, rows) + 1)
        seen.extend(page)
        return [Finding("odd", f"row {n}", "", "") for n in page if n % 999 == 0], UUID(int=page[-1]) if page else None

    opened = await Database.open(database)
    findings = await page_by_page(opened, look)
    await opened.close()
    assert seen == list(range(1, rows + 1))
    assert len(findings) == rows // 999


async def test_it_stops_where_enough_is_off(database: str) -> None:
    """A broken table is not told row by row."""
    pages: list[UUID] = []

    async def look(_: Connection, after: UUID, limit: int) -> tuple[Sequence[Finding], UUID | None]:
        pages.append(after)
        return [Finding("odd", "row", "", "")] * FINDINGS_LIMIT, UUID(int=after.int + limit)

    opened = await Database.open(database)
    assert len(await page_by_page(opened, look)) == FINDINGS_LIMIT
    await opened.close()
    assert len(pages) == 1
