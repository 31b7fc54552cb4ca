"""Brands, typed attributes and size charts: made and changed by hand."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from nightmarket.catalog.contract import Attribute, Brand, BrandChanged, ReferenceChanged, SizeChart
from nightmarket.catalog.errors import Reason
from nightmarket.catalog.model.brands import brand_slug
from nightmarket.catalog.model.checks import RowRefused
from nightmarket.catalog.model.flaws import Flaws
from nightmarket.catalog.model.reference_rules import check_attribute, check_brand, check_size_chart
from nightmarket.catalog.model.wire import AttributeEntry, BrandEntry, SizeChartEntry
from nightmarket.catalog.store import reference
from nightmarket.platform.database import Connection

from .means import Means, check_amount, check_version

MOST_ENTRIES = 100

E = TypeVar("E", BrandEntry, AttributeEntry, SizeChartEntry)


async def save_brands(means: Means, tx: Connection, brands: Sequence[Brand]) -> Sequence[Brand]:
    """Names, words, pictures, colours."""
    check_amount(brands, MOST_ENTRIES, "brands")
    await reference.lock_reference(tx)
    slugs = [brand.slug or brand_slug(brand.name) or "" for brand in brands]
    before = {brand.slug: brand for brand in await reference.brands(tx, slugs)}
    flaws = Flaws()
    after: list[Brand] = []
    for number, (slug, brand) in enumerate(zip(slugs, brands, strict=True)):
        flaws.about(number)
        known = before.get(slug)
        check_version(brand.name, brand.version, known.version if known else 0)
        entry = _checked(BrandEntry(brand.name, slug, brand.tagline, brand.story, hue=brand.hue), check_brand, flaws)
        if brand.image and (known is None or brand.image != known.image):
            await _check_picture(means, brand.image, flaws)
        after.append(Brand(entry.slug, entry.name, entry.tagline or {}, entry.story or {}, brand.image, brand.hue))
    flaws.settle()
    at = means.clock.now()
    written = await reference.write_brands(tx, after, at, replace=True)
    await means.facts.append(tx, [BrandChanged(slug, version) for slug, version in written], at)
    return await reference.brands(tx, [brand.slug for brand in after])


async def save_attributes(means: Means, tx: Connection, attributes: Sequence[Attribute]) -> Sequence[Attribute]:
    """What attributes are called, measured in, and may be."""
    check_amount(attributes, MOST_ENTRIES, "attributes")
    await reference.lock_reference(tx)
    before = {one.key: one.version for one in await reference.attributes(tx, [one.key for one in attributes])}
    flaws = Flaws()
    after: list[Attribute] = []
    for number, one in enumerate(attributes):
        flaws.about(number)
        check_version(one.key, one.version, before.get(one.key, 0))
        given = AttributeEntry(one.key, one.names, one.type, one.unit, dict(one.choices), one.filterable, one.position)
        entry = _checked(given, check_attribute, flaws)
        after.append(Attribute(**msgspec.structs.asdict(entry)))
    flaws.settle()
    await reference.write_attributes(tx, after, means.clock.now())
    await _tell(means, tx, "attribute", [one.key for one in after])
    return await reference.attributes(tx, [one.key for one in after])


async def save_size_charts(means: Means, tx: Connection, charts: Sequence[SizeChart]) -> Sequence[SizeChart]:
    """Headings and rows."""
    check_amount(charts, MOST_ENTRIES, "charts")
    await reference.lock_reference(tx)
    before = {one.slug: one.version for one in await reference.size_charts(tx, [one.slug for one in charts])}
    flaws = Flaws()
    after: list[SizeChart] = []
    for number, one in enumerate(charts):
        flaws.about(number)
        check_version(one.slug, one.version, before.get(one.slug, 0))
        given = SizeChartEntry(one.slug, one.names, list(one.columns), [list(row) for row in one.rows])
        entry = _checked(given, check_size_chart, flaws)
        rows = tuple(tuple(row) for row in entry.rows)
        after.append(SizeChart(entry.slug, entry.names, tuple(entry.columns), rows))
    flaws.settle()
    await reference.write_size_charts(tx, after, means.clock.now())
    await _tell(means, tx, "size_chart", [one.slug for one in after])
    return await reference.size_charts(tx, [one.slug for one in after])


def _checked(entry: E, check: Callable[[E], None], flaws: Flaws) -> E:
    flaws.check(lambda: check(entry), None)
    return entry


async def _check_picture(means: Means, image: str, flaws: Flaws) -> None:
    if image not in await means.pictures.known([image]):
        flaws.note(RowRefused("image", Reason.PICTURE_MISSING, "That picture is not here.", "Upload it again."))


async def _tell(means: Means, tx: Connection, what: str, keys: Sequence[str]) -> None:
    await means.facts.append(tx, [ReferenceChanged(what, key) for key in keys], means.clock.now())
