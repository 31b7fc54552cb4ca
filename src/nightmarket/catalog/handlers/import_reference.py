"""`brands.json`, `attributes.json` and `size_charts.json`: what goods refer to, each file in one transaction."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from nightmarket.catalog.contract import (
    Attribute,
    Brand,
    BrandChanged,
    Counts,
    ImportFormat,
    ImportReport,
    ReferenceChanged,
    Remark,
    SizeChart,
)
from nightmarket.catalog.model.brands import named_brand
from nightmarket.catalog.model.reference_rules import check_attribute, check_brand, check_size_chart
from nightmarket.catalog.model.wire import AttributeEntry, BrandEntry, SizeChartEntry
from nightmarket.catalog.store import reference
from nightmarket.kernel.clock import Clock
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.facts import Facts

from .import_directory import picture_of, understand
from .import_pictures import PictureShelf

FORMATS = (ImportFormat.BRANDS, ImportFormat.ATTRIBUTES, ImportFormat.SIZE_CHARTS)


def kind_of(head: str, name: str) -> ImportFormat | None:
    """Which of the three a JSON array is, by its name, else by the fields of its first entry."""
    start = head.lstrip()[:4096]
    if not start.startswith("["):
        return None
    for format_ in FORMATS:
        if name.startswith(format_.value.replace("-", "_")):
            return format_
    if '"columns"' in start and '"rows"' in start:
        return ImportFormat.SIZE_CHARTS
    return ImportFormat.ATTRIBUTES if '"key"' in start and '"type"' in start else None


class ReferenceTaker:
    """Takes the entries of one such file."""

    def __init__(self, database: Database, facts: Facts, clock: Clock, shelf: PictureShelf) -> None:
        self._database = database
        self._facts = facts
        self._clock = clock
        self._shelf = shelf

    async def take(self, raw: Sequence[tuple[int, str]], report: ImportReport) -> list[Remark]:
        """Write what differs, or in a dry run only count it; returns what was refused or left out."""
        at = self._clock.now()
        match report.format:
            case ImportFormat.ATTRIBUTES:
                attributes, refused = understand(raw, AttributeEntry, check_attribute)
                async with self._database.transaction() as tx:
                    changed = await _take_attributes(tx, [entry for _, entry in attributes], at, report)
                    await self._tell(tx, "attribute", changed, at)
                report.attributes.refused += len(refused)
                return refused
            case ImportFormat.SIZE_CHARTS:
                charts, refused = understand(raw, SizeChartEntry, check_size_chart)
                async with self._database.transaction() as tx:
                    changed = await _take_charts(tx, [entry for _, entry in charts], at, report)
                    await self._tell(tx, "size_chart", changed, at)
                report.size_charts.refused += len(refused)
                return refused
            case _:
                brands, refused = understand(raw, BrandEntry, check_brand)
                report.brands.refused += len(refused)
                kept: list[tuple[BrandEntry, str | None]] = []
                for number, entry in brands:
                    image, warnings = await picture_of(entry, number, self._shelf)
                    refused.extend(warnings)
                    kept.append((entry, image))
                async with self._database.transaction() as tx:
                    written = await _take_brands(tx, kept, at, report)
                    await self._facts.append(tx, [BrandChanged(slug, version) for slug, version in written], at)
                return refused

    async def _tell(self, tx: Connection, what: str, keys: Sequence[str], at: datetime) -> None:
        await self._facts.append(tx, [ReferenceChanged(what, key) for key in keys], at)


async def _take_brands(
    tx: Connection, kept: Sequence[tuple[BrandEntry, str | None]], at: datetime, report: ImportReport
) -> list[tuple[str, int]]:
    before = {brand.slug: brand for brand in await reference.brands(tx, [entry.slug for entry, _ in kept])}
    changed: list[Brand] = []
    for entry, image in kept:
        known = before.get(entry.slug)
        base = known or named_brand(entry.slug, entry.name)
        after = msgspec.structs.replace(
            base,
            name=entry.name,
            tagline=base.tagline if entry.tagline is None else entry.tagline,
            story=base.story if entry.story is None else entry.story,
            image=image or base.image,
            hue=base.hue if entry.hue is None else entry.hue,
        )
        if _differs(report.brands, known, after):
            changed.append(after)
    return [] if report.dry_run else await reference.write_brands(tx, changed, at, replace=True)


async def _take_attributes(
    tx: Connection, entries: Sequence[AttributeEntry], at: datetime, report: ImportReport
) -> list[str]:
    before = {one.key: one for one in await reference.attributes(tx, [entry.key for entry in entries])}
    changed: list[Attribute] = []
    for entry in entries:
        known = before.get(entry.key)
        after = Attribute(**msgspec.structs.asdict(entry), version=known.version if known else 1)
        if _differs(report.attributes, known, after):
            changed.append(after)
    if report.dry_run:
        return []
    await reference.write_attributes(tx, changed, at)
    return [one.key for one in changed]


async def _take_charts(
    tx: Connection, entries: Sequence[SizeChartEntry], at: datetime, report: ImportReport
) -> list[str]:
    before = {chart.slug: chart for chart in await reference.size_charts(tx, [entry.slug for entry in entries])}
    changed: list[SizeChart] = []
    for entry in entries:
        known = before.get(entry.slug)
        rows = tuple(tuple(row) for row in entry.rows)
        after = SizeChart(entry.slug, entry.names, tuple(entry.columns), rows, known.version if known else 1)
        if _differs(report.size_charts, known, after):
            changed.append(after)
    if report.dry_run:
        return []
    await reference.write_size_charts(tx, changed, at)
    return [one.slug for one in changed]


def _differs(counts: Counts, before: object, after: object) -> bool:
    if before is None:
        counts.created += 1
    elif before == after:
        counts.unchanged += 1
    else:
        counts.updated += 1
    return before != after
