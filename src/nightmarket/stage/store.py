"""All SQL of the stage."""

from collections.abc import Sequence

import asyncpg
import msgspec

from nightmarket.platform.database import Connection, Record

from .contract import MAX_PAGES, VERSIONS_SHOWN, Page, PageText
from .errors import PageChanged

_read_texts = msgspec.json.Decoder(dict[str, PageText]).decode
_ROW = "slug, texts, listed, version, written_at, written_by"


def _page(row: Record) -> Page:
    return Page(row[0], _read_texts(row[1]), row[2], row[3], row[4], row[5])


async def newest(connection: Connection) -> Sequence[Page]:
    """The newest version of each page."""
    rows = await connection.fetch(
        f"SELECT DISTINCT ON (slug) {_ROW} FROM stage.page ORDER BY slug, version DESC LIMIT {MAX_PAGES}"
    )
    return [_page(row) for row in rows]


async def versions(connection: Connection, slug: str) -> Sequence[Page]:
    """The versions of a page, the newest first."""
    rows = await connection.fetch(
        f"SELECT {_ROW} FROM stage.page WHERE slug = $1 ORDER BY version DESC LIMIT {VERSIONS_SHOWN}", slug
    )
    return [_page(row) for row in rows]


async def insert(tx: Connection, page: Page) -> None:
    """Write a version. Raises PageChanged unless it follows the newest."""
    try:
        written = await tx.fetchval(
            """
            INSERT INTO stage.page (slug, texts, listed, version, written_at, written_by)
            SELECT $1, $2, $3, $4, $5, $6
            WHERE $4 = 1 + coalesce((SELECT max(version) FROM stage.page WHERE slug = $1), 0) RETURNING version
            """,
            page.slug,
            msgspec.json.encode(page.texts).decode(),
            page.listed,
            page.version,
            page.written_at,
            page.written_by,
        )
    except asyncpg.UniqueViolationError:
        written = None
    if written is None:
        raise PageChanged(
            "Someone else saved this page meanwhile. Open it in another window, compare, and save yours again."
        )
