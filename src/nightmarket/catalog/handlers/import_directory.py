"""`merchants.json` and `categories.json`: small documents that are taken in one transaction."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from nightmarket.catalog.contract import (
    Category,
    Counts,
    ImportFormat,
    ImportReport,
    Merchant,
    MerchantChanged,
    Picture,
    Place,
    ReferenceChanged,
    Remark,
    Texts,
)
from nightmarket.catalog.errors import FileRefused, FileTooLarge, Reason
from nightmarket.catalog.model import bounds, checks
from nightmarket.catalog.model.checks import RowRefused
from nightmarket.catalog.model.json_faults import explain, fields_of
from nightmarket.catalog.model.json_rows import remark
from nightmarket.catalog.model.merchants import check_country, check_email
from nightmarket.catalog.model.reference_rules import check_position
from nightmarket.catalog.model.rows import PictureName, merchant_id, place_id
from nightmarket.catalog.model.trees import in_one_tree, is_rooted
from nightmarket.catalog.model.wire import (
    AttributeEntry,
    BrandEntry,
    CategoryEntry,
    MerchantEntry,
    PlaceEntry,
    SizeChartEntry,
)
from nightmarket.catalog.store import directory
from nightmarket.platform.database import Connection

from .import_goods import hue_of
from .import_pictures import PictureShelf, warning
from .import_source import Source

MAX_LETTERS = 4 * 1024 * 1024
MAX_ENTRIES = 1_000
MAX_STORY = 5_000
MAX_TAGLINE = 200

E = TypeVar("E", MerchantEntry, CategoryEntry, BrandEntry, AttributeEntry, SizeChartEntry)
Kept = tuple[int, E, str | None]
"""The entry's number, the entry, and the picture's SHA-256."""


def kind_of(head: str) -> ImportFormat | None:
    """Which of the two a JSON array is, by the fields of its first entry."""
    start = head.lstrip()[:4096]
    if not start.startswith("["):
        return None
    names, name = start.find('"names"'), start.find('"name"')
    if names >= 0 and (name < 0 or names < name):
        return ImportFormat.CATEGORIES
    return ImportFormat.MERCHANTS if name >= 0 else None


def entries(source: Source) -> list[tuple[int, str]]:
    """The document's entries, each with its number, not yet understood."""
    if source.letters > MAX_LETTERS:
        raise FileTooLarge(f"{Path(source.path).name} is over {MAX_LETTERS:,} letters.", field="file")
    with source.open() as text:
        content = text.read()
    try:
        raw = msgspec.json.decode(content, type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise FileRefused(explain(error, content).reason, field="file") from error
    if len(raw) > MAX_ENTRIES:
        raise FileTooLarge(f"{len(raw)} entries; at most {MAX_ENTRIES} are taken.", field="file")
    return [(number, bytes(entry).decode()) for number, entry in enumerate(raw, start=1)]


def understand(
    raw: Sequence[tuple[int, str]], shape: type[E], check: Callable[[E], None]
) -> tuple[list[tuple[int, E]], list[Remark]]:
    """The entries that are fit, and a remark for each that is not. Of several with one slug the last counts."""
    fit: dict[str, tuple[int, E]] = {}
    remarks: list[Remark] = []
    for number, text in raw:
        slug = ""
        try:
            try:
                entry = msgspec.json.decode(text, type=shape)
            except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
                raise explain(error, text, fields_of(shape, PlaceEntry)) from error
            slug = entry.slug[: bounds.MAX_SLUG]
            check(entry)
            fit[entry.slug] = (number, entry)
        except RowRefused as refusal:
            remarks.append(remark(number, refusal, slug))
    return list(fit.values()), remarks


async def picture_of(
    entry: MerchantEntry | CategoryEntry | BrandEntry, number: int, shelf: PictureShelf
) -> tuple[str | None, list[Remark]]:
    """The entry's picture as it was kept, or a warning."""
    file = f"emoji:{entry.emoji.removeprefix('emoji:')}" if entry.emoji else entry.image
    if not file:
        return None, []
    [(_, outcome)] = await shelf.outcomes([PictureName(file)])
    if isinstance(outcome, Picture):
        return outcome.image, []
    return None, [warning(number, outcome, entry.slug)] if outcome else []


def check_merchant(entry: MerchantEntry) -> None:
    """Raises RowRefused for what a merchant cannot be."""
    checks.slug(entry.slug, field="slug")
    entry.name = checks.text(entry.name, field="name", limit=bounds.MAX_NAME)
    if not entry.name:
        raise RowRefused("name", Reason.FIELD_MISSING, "The name is empty.", "Say what the merchant is called.")
    if entry.tagline is not None:
        entry.tagline = checks.texts(entry.tagline, field="tagline", limit=MAX_TAGLINE)
    if entry.story is not None:
        entry.story = checks.texts(entry.story, field="story", limit=MAX_STORY, lines=True)
    if entry.hue is not None and not 0 <= entry.hue < 360:
        raise RowRefused("hue", Reason.VALUE_INVALID, f"{entry.hue} is no hue.", "Give an angle from 0 to 359.")
    if entry.commission_basis_points is not None and not 0 <= entry.commission_basis_points <= 10_000:
        raise RowRefused(
            "commission_basis_points",
            Reason.VALUE_INVALID,
            f"{entry.commission_basis_points} is no commission.",
            "Give hundredths of a percent, from 0 to 10000.",
        )
    if entry.email is not None:
        entry.email = check_email(entry.email)
    if entry.country is not None:
        entry.country = check_country(entry.country)
    if entry.terms is not None:
        entry.terms = checks.texts(entry.terms, field="terms", limit=bounds.MAX_TERMS, lines=True)
    checks.at_most(len(entry.places), bounds.MAX_PLACES, "places", "places")
    for position, place in enumerate(entry.places):
        checks.slug(place.code, field=f"places[{position}].code")
        place.name = checks.texts(place.name, field=f"places[{position}].name", limit=bounds.MAX_NAME)


def check_category(entry: CategoryEntry) -> None:
    """Raises RowRefused for what a category cannot be."""
    checks.slug(entry.slug, field="slug")
    entry.names = checks.texts(entry.names, field="names", limit=bounds.MAX_NAME)
    if not entry.names:
        raise RowRefused("names", Reason.FIELD_MISSING, "There is no name.", "Give one in at least one language.")
    if entry.parent is not None:
        checks.slug(entry.parent, field="parent")
    if entry.tree is not None:
        checks.slug(entry.tree, field="tree")
    check_position(entry.position)


async def take_merchants(
    connection: Connection, kept: Sequence[Kept[MerchantEntry]], at: datetime, report: ImportReport
) -> list[MerchantChanged]:
    """Write the merchants and places that differ, and say which merchants do; in a dry run only count them."""
    before = {
        merchant.slug: merchant for merchant in await directory.merchants(connection, [e.slug for _, e, _ in kept])
    }
    owners = [merchant_id(entry.slug) for _, entry, _ in kept]
    places_before = {place.id: place for place in await directory.places(connection, owners)}
    merchants: list[Merchant] = []
    places: list[Place] = []
    for _, entry, image in kept:
        known = before.get(entry.slug)
        after = _merchant(entry, image, known)
        _tally(report.merchants, known, after)
        if after != known:
            merchants.append(after)
        for place in entry.places:
            id_ = place_id(after.id, place.code)
            known_place = places_before.get(id_)
            name: Texts = place.name or (known_place.name if known_place else directory.name_from(place.code))
            placed = Place(id_, after.id, place.code, name)
            _tally(report.places, known_place, placed)
            if placed != known_place:
                places.append(placed)
    if report.dry_run:
        return []
    await directory.write_merchants(connection, merchants, at, replace=True)
    await directory.write_places(connection, places, replace=True)
    now = await directory.read_merchants(connection, [merchant.id for merchant in merchants])
    return [MerchantChanged(one.id, one.state.value, one.version) for one in now.values()]


def _merchant(entry: MerchantEntry, image: str | None, known: Merchant | None) -> Merchant:
    id_ = merchant_id(entry.slug)
    known = known or Merchant(id=id_, slug=entry.slug, name=entry.name, tagline={}, story={}, hue=hue_of(id_))
    commission = entry.commission_basis_points
    return msgspec.structs.replace(
        known,
        name=entry.name,
        tagline=known.tagline if entry.tagline is None else entry.tagline,
        story=known.story if entry.story is None else entry.story,
        image=image or known.image,
        hue=known.hue if entry.hue is None else entry.hue,
        email=entry.email or known.email,
        country=entry.country or known.country,
        terms=known.terms if entry.terms is None else entry.terms,
        commission_basis_points=known.commission_basis_points if commission is None else commission,
    )


async def take_categories(
    connection: Connection, kept: Sequence[Kept[CategoryEntry]], at: datetime, report: ImportReport
) -> tuple[list[Remark], list[ReferenceChanged]]:
    """Write the categories that differ; returns a remark for each whose parents do not hold together, and what to
    tell others. A category is in the tree of its top category."""
    before = {category.slug: category for category in await directory.categories(connection)}
    parents = {slug: category.parent for slug, category in before.items()}
    parents.update({entry.slug: entry.parent for _, entry, _ in kept})
    remarks: list[Remark] = []
    refused = {entry.slug for _, entry, _ in kept if not is_rooted(entry.slug, parents)}
    after = dict(before)
    for number, entry, image in kept:
        if entry.slug in refused:
            report.categories.refused += 1
            fault = RowRefused(
                "parent",
                Reason.PARENT_UNKNOWN,
                f"The parents of {entry.slug!r} do not lead to a top category that exists.",
                f"Name existing categories, without a circle, at most {bounds.MAX_CATEGORY_DEPTH} deep.",
            )
            remarks.append(remark(number, fault, entry.slug))
        else:
            after[entry.slug] = _category(entry, image, before.get(entry.slug))
    after = in_one_tree(after)
    for _, entry, _ in kept:
        if entry.slug not in refused:
            _tally(report.categories, before.get(entry.slug), after[entry.slug])
    if report.dry_run:
        return remarks, []
    changed = [category for slug, category in after.items() if category != before.get(slug)]
    await directory.write_categories(connection, changed, at, replace=True)
    return remarks, [ReferenceChanged("category", category.slug) for category in changed]


def _category(entry: CategoryEntry, image: str | None, known: Category | None) -> Category:
    base = known or Category(entry.slug, entry.names, entry.parent, None)
    return msgspec.structs.replace(
        base,
        names=entry.names,
        parent=entry.parent,
        image=image or base.image,
        tree=base.tree if entry.tree is None else entry.tree,
        position=base.position if entry.position is None else entry.position,
    )


def _tally(counts: Counts, before: object, after: object) -> None:
    if before is None:
        counts.created += 1
    elif before == after:
        counts.unchanged += 1
    else:
        counts.updated += 1
