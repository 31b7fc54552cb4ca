"""Keeps the texts of pages: read once into each process, written as versions."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from nightmarket.platform.database import Connection, Database
from nightmarket.platform.facts import Facts

from . import store
from .contract import FIXED, MAX_PAGES, Page, PageSaved
from .errors import PageRefused
from .model import check, to_html


class StoredPages:
    """Implements `contract.Pages`."""

    def __init__(self, database: Database, facts: Facts) -> None:
        self._database = database
        self._facts = facts
        self._pages: Mapping[str, Page] = {}

    def current(self) -> Mapping[str, Page]:
        return self._pages

    def listed(self) -> Sequence[Page]:
        return [page for slug, page in sorted(self._pages.items()) if page.listed and slug not in FIXED]

    async def refresh(self) -> None:
        async with self._database.read() as connection:
            self._pages = {page.slug: page for page in await store.newest(connection)}

    async def save(self, tx: Connection, page: Page, now: datetime) -> Page:
        check(page)
        if page.version == 0 and len(self._pages) >= MAX_PAGES:
            raise PageRefused(f"A shop has at most {MAX_PAGES} pages of words.", field="slug")
        saved = msgspec.structs.replace(page, version=page.version + 1, written_at=now)
        await store.insert(tx, saved)
        await self._facts.append(tx, [PageSaved(saved.slug, saved.version)], now)
        return saved

    async def versions(self, connection: Connection, slug: str) -> Sequence[Page]:
        return await store.versions(connection, slug)

    def rendered(self, body: str) -> str:
        return to_html(body)
