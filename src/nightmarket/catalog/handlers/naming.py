"""What rows of goods name that is defined elsewhere: size charts, typed attributes, categories."""

from collections.abc import Iterable, Sequence
from typing import TypedDict
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Attribute, Category, Place, Remark
from nightmarket.catalog.errors import Reason
from nightmarket.catalog.model.rows import OTHER_CATEGORY, ProductRow, place_id
from nightmarket.catalog.store import directory, reference
from nightmarket.platform.database import Connection

OTHER_NAMES = {"en": "Other", "de": "Sonstiges", "it": "Altro", "zh": "其他"}
SHELF_TREE = "collections"
"""The tree of a shelf that is only named; `categories.json` or the console says another."""


MAIN_PLACE = "main"


class Named(TypedDict):
    """What there is of what the rows name."""

    size_charts: frozenset[str]
    attributes: dict[str, Attribute]


async def named(connection: Connection, rows: Sequence[ProductRow]) -> Named:
    """Size charts that exist and attributes that are typed, of those that the rows name."""
    return Named(
        size_charts=await charts(connection, (row.size_chart for row in rows)),
        attributes=await definitions(connection, (key for row in rows for key in row.attributes or ())),
    )


async def charts(connection: Connection, slugs: Iterable[str | None]) -> frozenset[str]:
    """Those of the size charts that exist."""
    wanted = {slug for slug in slugs if slug}
    return frozenset(chart.slug for chart in await reference.size_charts(connection, list(wanted)))


async def definitions(connection: Connection, keys: Iterable[str]) -> dict[str, Attribute]:
    """Those of the attributes that are typed."""
    wanted = set(keys)
    return {one.key: one for one in await reference.attributes(connection, list(wanted))} if wanted else {}


async def within_range(connection: Connection, rows: Sequence[ProductRow]) -> tuple[list[ProductRow], list[Remark]]:
    """The rows without categories and shelves that there are not, and a warning for each that was left out."""
    wanted = {slug for row in rows for slug in (row.category, *(row.shelves or ())) if slug}
    there = {one.slug for one in await directory.categories(connection, sorted(wanted))} | {OTHER_CATEGORY}
    kept: list[ProductRow] = []
    remarks: list[Remark] = []
    for row in rows:
        category = row.category if row.category in there else None
        shelves = tuple(slug for slug in row.shelves or () if slug in there)
        if row.category and category is None:
            remarks.append(_no_such_category(row, "category", row.category))
        remarks.extend(_no_such_category(row, "shelves", slug) for slug in row.shelves or () if slug not in there)
        kept.append(
            msgspec.structs.replace(row, category=category, shelves=shelves or (() if row.shelves == () else None))
        )
    return kept, remarks


def _no_such_category(row: ProductRow, field: str, slug: str) -> Remark:
    return Remark(
        line=row.line,
        field=field,
        code=Reason.CATEGORY_UNKNOWN,
        reason=f"There is no category {slug!r}; the product was taken without it.",
        mend="Name one of the market's categories, or ask the market to make this one.",
        product=row.key,
        refused=False,
    )


def new_category(slug: str, *, shelf: bool = False) -> Category:
    """A category of which only the slug is known; as a shelf it stands in a tree apart from the goods'."""
    names = OTHER_NAMES if slug == OTHER_CATEGORY else directory.name_from(slug)
    return Category(slug, names, None, None, tree=SHELF_TREE if shelf else "goods")


def main_place(merchant: UUID) -> Place:
    """Where a merchant keeps stock who has said nothing of it."""
    return Place(place_id(merchant, MAIN_PLACE), merchant, MAIN_PLACE, directory.name_from(MAIN_PLACE))
