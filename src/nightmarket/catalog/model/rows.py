"""A file's rows after they have been understood and checked, whatever the file's format was."""

from datetime import datetime
from functools import lru_cache
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Media, ProductKind, ProductState, Remark, Texts
from nightmarket.kernel.ids import derive

OTHER_CATEGORY = "other"
"""Where a product goes that names no category."""

IDS_KEPT = 5_000
"""Ids of variants and their stock that are not worked out again; a set asks for each several times."""

Attribute = str | int | float | bool | list[str] | dict[str, str]


@lru_cache(maxsize=1_000)
def merchant_id(slug: str) -> UUID:
    """A merchant's id follows from the slug."""
    return derive("merchant", slug)


@lru_cache(maxsize=10_000)
def place_id(merchant: UUID, code: str) -> UUID:
    """A place's id follows from its merchant and code."""
    return derive("place", merchant, code)


def product_id(merchant: str, key: str) -> UUID:
    """A product's id follows from the merchant's slug and the key in the file, so a repeated import finds it."""
    return derive("product", merchant, key)


@lru_cache(maxsize=IDS_KEPT)
def variant_id(merchant: str, sku: str) -> UUID:
    """A variant's id follows from the merchant's slug and the SKU, letter for letter."""
    return derive("variant", merchant, sku)


@lru_cache(maxsize=IDS_KEPT)
def stock_tally(variant: UUID, place: UUID) -> UUID:
    """The tally that counts a variant at a place."""
    return derive("stock", variant, place)


class PictureName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A picture as a file names it: `emoji:1f373`, or a path inside the file's folder."""

    file: str
    alt: Texts = {}


class TextPart(msgspec.Struct):
    """What a row says in one language; None leaves what is there."""

    title: str | None = None
    summary: str | None = None
    description: str | None = None
    highlights: tuple[str, ...] | None = None


class VariantRow(msgspec.Struct, kw_only=True):
    """What a row says of a variant; None or an absent key leaves what is there. `field` is where it stands."""

    line: int
    field: str
    sku: str
    position: int
    gtin: str | None = None
    options: dict[str, Texts] | None = None
    prices: dict[str, int] = {}
    costs: dict[str, int] = {}
    """What a piece costs its merchant."""
    stock: dict[str, int] = {}
    pictures: tuple[PictureName, ...] | None = None
    media: tuple[Media, ...] | None = None
    for_sale: bool | None = None
    slot: tuple[datetime, datetime] | None = None
    """When a booking begins and ends."""


class ProductRow(msgspec.Struct, kw_only=True):
    """What a row, or several that were joined, say of a product and its variants."""

    line: int
    merchant: str
    key: str
    id: UUID
    slug: str
    variants: list[VariantRow]
    category: str | None = None
    brand: str | None = None
    texts: dict[str, TextPart] = {}
    attributes: dict[str, Attribute] | None = None
    pictures: tuple[PictureName, ...] | None = None
    media: tuple[Media, ...] | None = None
    kind: ProductKind | None = None
    state: ProductState | None = None
    size_chart: str | None = None
    """A slug; empty for none."""
    shelves: tuple[str, ...] | None = None
    one_language: bool = False
    """From a format that knows one language and little of pictures: what it cannot say of them stays."""


class Reading(msgspec.Struct):
    """One row as read: the product it speaks of, or why not, and how many variants were refused in it."""

    product: ProductRow | None
    remarks: list[Remark]
    refused_variants: int = 0


def overlay_text(earlier: TextPart, later: TextPart) -> TextPart:
    """What two rows say together; the later one wins where both speak."""
    return TextPart(
        title=earlier.title if later.title is None else later.title,
        summary=earlier.summary if later.summary is None else later.summary,
        description=earlier.description if later.description is None else later.description,
        highlights=earlier.highlights if later.highlights is None else later.highlights,
    )


def overlay_variant(earlier: VariantRow, later: VariantRow) -> VariantRow:
    """Two rows for one SKU: the later one wins where both speak."""
    return VariantRow(
        line=later.line,
        field=later.field,
        sku=later.sku,
        position=earlier.position,
        gtin=later.gtin or earlier.gtin,
        options=earlier.options if later.options is None else later.options,
        prices=earlier.prices | later.prices,
        costs=earlier.costs | later.costs,
        stock=earlier.stock | later.stock,
        pictures=earlier.pictures if later.pictures is None else later.pictures,
        for_sale=earlier.for_sale if later.for_sale is None else later.for_sale,
        slot=later.slot or earlier.slot,
    )


def overlay_product(earlier: ProductRow, later: ProductRow) -> None:
    """Add to `earlier` what a later row says of the same product, variants aside."""
    for language, part in later.texts.items():
        before = earlier.texts.get(language)
        earlier.texts[language] = overlay_text(before, part) if before else part
    if later.attributes is not None:
        earlier.attributes = (earlier.attributes or {}) | later.attributes
    for name in ("category", "brand", "pictures", "kind", "state", "size_chart", "shelves"):
        said = getattr(later, name)
        if said is not None:
            setattr(earlier, name, said)
