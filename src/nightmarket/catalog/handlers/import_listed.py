"""Takes small documents about the whole shop: merchants, categories, brands, attributes, size charts."""

import asyncio

from nightmarket.catalog.contract import ImportFormat, ImportReport, Remark
from nightmarket.catalog.model.wire import CategoryEntry, MerchantEntry
from nightmarket.kernel.clock import Clock
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Facts

from . import import_directory as listed
from . import import_reference as referred
from .import_pictures import PictureShelf
from .import_source import Source


class ListedTaker:
    """Takes one document in one transaction; pictures are kept before it."""

    def __init__(self, database: Database, facts: Facts, clock: Clock, shelf: PictureShelf) -> None:
        self._database = database
        self._facts = facts
        self._clock = clock
        self._shelf = shelf

    async def take(self, source: Source, report: ImportReport) -> list[Remark]:
        """Write what differs, or in a dry run only count it; returns what was refused or left out."""
        raw = await asyncio.to_thread(listed.entries, source)
        match report.format:
            case ImportFormat.MERCHANTS:
                return await self._merchants(raw, report)
            case ImportFormat.CATEGORIES:
                return await self._categories(raw, report)
            case _:
                taker = referred.ReferenceTaker(self._database, self._facts, self._clock, self._shelf)
                return await taker.take(raw, report)

    async def _merchants(self, raw: list[tuple[int, str]], report: ImportReport) -> list[Remark]:
        merchants, remarks = listed.understand(raw, MerchantEntry, listed.check_merchant)
        report.merchants.refused += len(remarks)
        kept: list[listed.Kept[MerchantEntry]] = []
        for number, entry in merchants:
            image, warnings = await listed.picture_of(entry, number, self._shelf)
            remarks.extend(warnings)
            kept.append((number, entry, image))
        async with self._database.transaction() as tx:
            changed = await listed.take_merchants(tx, kept, self._clock.now(), report)
            await self._facts.append(tx, changed, self._clock.now())
        return remarks

    async def _categories(self, raw: list[tuple[int, str]], report: ImportReport) -> list[Remark]:
        categories, remarks = listed.understand(raw, CategoryEntry, listed.check_category)
        report.categories.refused += len(remarks)
        kept: list[listed.Kept[CategoryEntry]] = []
        for number, entry in categories:
            image, warnings = await listed.picture_of(entry, number, self._shelf)
            remarks.extend(warnings)
            kept.append((number, entry, image))
        async with self._database.transaction() as tx:
            further, changed = await listed.take_categories(tx, kept, self._clock.now(), report)
            remarks.extend(further)
            await self._facts.append(tx, changed, self._clock.now())
        return remarks
