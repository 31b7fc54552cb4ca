"""A product as a form sends it becomes the rows that are stored, checked as an import's rows are. Pure."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import (
    Attribute,
    Media,
    MediaDraft,
    Merchant,
    Picture,
    ProductDraft,
    ProductKind,
    ProductText,
    Texts,
    VariantDraft,
)
from nightmarket.catalog.errors import Reason
from nightmarket.kernel.ids import derive, encode
from nightmarket.kernel.languages import pick

from . import bounds, checks
from .brands import brand_slug
from .checks import RowRefused
from .flaws import Flaws
from .json_rows import check_attributes, check_options
from .records import ProductRecord, VariantRecord
from .rows import product_id, variant_id
from .shelves_and_slots import check_shelves, check_slot
from .typed import check_typed

KEY_TAIL = 10
"""Letters of the key of a product whose title has no letter of the Latin alphabet."""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What there is beside the draft: its merchant, what it was before, and what it refers to."""

    merchant: Merchant
    before: ProductRecord | None
    variants: tuple[VariantRecord, ...]
    categories: Mapping[str, str]
    """Slug and tree of the categories it names."""
    size_charts: frozenset[str]
    attributes: Mapping[str, Attribute]
    pictures: Mapping[str, Picture]
    """By SHA-256, of those that it names."""


class Built(msgspec.Struct, frozen=True):
    """What is to be written: the product, its variants as they are from now on, and those that are new."""

    product: ProductRecord
    variants: tuple[VariantRecord, ...]
    new: tuple[UUID, ...]


def build(draft: ProductDraft, around: Surroundings, flaws: Flaws) -> Built:
    """The rows of a draft; what is wrong goes into `flaws`, and then the rows must not be written."""
    texts = {language: _words(language, words, flaws) for language, words in draft.texts.items()}
    if not texts:
        flaws.note(
            RowRefused(
                "texts", Reason.TITLE_MISSING, "The product has no title.", "Give a title in at least one language."
            )
        )
    key = draft.key or _key_from(pick({code: text.title for code, text in texts.items()}, "en") or "", around.merchant)
    before = around.before
    if before is None:
        key = flaws.check(lambda: checks.slug(key, field="key"), key)
    product = before.id if before else product_id(around.merchant.slug, key)
    brand = flaws.check(lambda: checks.text(draft.brand, field="brand", limit=bounds.MAX_BRAND), "")
    record = ProductRecord(
        id=product,
        merchant=around.merchant.id,
        slug=before.slug if before else key,
        category=_category(draft.category, around, flaws),
        brand=brand,
        texts=texts,
        attributes=flaws.check(lambda: check_typed(check_attributes(dict(draft.attributes)), around.attributes), {}),
        media=_media(draft.media, "media", bounds.MAX_PRODUCT_PICTURES, around, flaws),
        version=before.version + 1 if before else 1,
        brand_slug=brand_slug(brand),
        kind=draft.kind,
        state=draft.state,
        size_chart=_chart(draft, around, flaws),
        shelves=_shelves(draft, around, flaws),
    )
    variants, new = _variants(draft, record, around, flaws)
    return Built(record, variants, new)


def _key_from(title: str, merchant: Merchant) -> str:
    return checks.make_slug(title) or f"goods-{encode('', derive('product-key', merchant.slug, title))[-KEY_TAIL:]}"


def _words(language: str, words: ProductText, flaws: Flaws) -> ProductText:
    field = f"texts.{language}"
    flaws.check(lambda: checks.check_language(language, field="texts"), None)
    title = flaws.check(lambda: checks.text(words.title, field=f"{field}.title", limit=bounds.MAX_TITLE), "?")
    if not title:
        flaws.note(
            RowRefused(f"{field}.title", Reason.TITLE_MISSING, "The title is empty.", "Say in a few words what it is.")
        )
    return ProductText(
        title=title,
        summary=flaws.check(
            lambda: checks.text(words.summary, field=f"{field}.summary", limit=bounds.MAX_SUMMARY, lines=True), ""
        ),
        description=flaws.check(
            lambda: checks.text(
                words.description, field=f"{field}.description", limit=bounds.MAX_DESCRIPTION, lines=True
            ),
            "",
        ),
        highlights=flaws.check(lambda: checks.highlights(words.highlights, field=f"{field}.highlights"), ()),
    )


def _category(slug: str, around: Surroundings, flaws: Flaws) -> str:
    tree = around.categories.get(slug)
    if tree != "goods":
        reason = (
            f"There is no category {checks.excerpt(slug)}." if tree is None else f"{slug!r} is a further shelf only."
        )
        flaws.note(RowRefused("category", Reason.VALUE_INVALID, reason, "Choose one from the list of categories."))
    return slug


def _shelves(draft: ProductDraft, around: Surroundings, flaws: Flaws) -> tuple[str, ...]:
    shelves = flaws.check(lambda: check_shelves(draft.shelves), ()) or ()
    for slug in shelves:
        if slug not in around.categories or slug == draft.category:
            flaws.note(
                RowRefused(
                    "shelves",
                    Reason.VALUE_INVALID,
                    f"{slug!r} is its category already." if slug == draft.category else f"There is no shelf {slug!r}.",
                    "Choose from the list, each once.",
                )
            )
    return shelves


def _chart(draft: ProductDraft, around: Surroundings, flaws: Flaws) -> str | None:
    if draft.size_chart and draft.size_chart not in around.size_charts:
        flaws.note(
            RowRefused(
                "size_chart",
                Reason.VALUE_INVALID,
                f"There is no size chart {checks.excerpt(draft.size_chart)}.",
                "Choose one from the list, or none.",
            )
        )
    return draft.size_chart or None


def _media(
    given: tuple[MediaDraft, ...], field: str, limit: int, around: Surroundings, flaws: Flaws
) -> tuple[Media, ...]:
    flaws.check(lambda: checks.at_most(len(given), limit, field, "pictures"), None)
    kept: list[Media] = []
    for number, one in enumerate(given[:limit]):
        where = f"{field}[{number}]"
        alt: Texts = flaws.check(
            lambda one=one, where=where: checks.texts(one.alt, field=f"{where}.alt", limit=bounds.MAX_ALT), {}
        )
        picture = around.pictures.get(one.image)
        if picture is None:
            flaws.note(
                RowRefused(where, Reason.PICTURE_MISSING, "That picture is not here (any more).", "Upload it again.")
            )
            continue
        kept.append(Media(one.image, alt, picture.width, picture.height, picture.colour))
    return tuple(kept)


def _variants(
    draft: ProductDraft, product: ProductRecord, around: Surroundings, flaws: Flaws
) -> tuple[tuple[VariantRecord, ...], tuple[UUID, ...]]:
    if not draft.variants:
        flaws.note(
            RowRefused(
                "variants", Reason.FIELD_MISSING, "There is no variant.", "Add at least one, with SKU and price."
            )
        )
    flaws.check(lambda: checks.at_most(len(draft.variants), bounds.MAX_VARIANTS, "variants", "variants"), None)
    known = {variant.id: variant for variant in around.variants}
    named: dict[UUID, VariantRecord] = {}
    combinations: dict[bytes, str] = {}
    for position, given in enumerate(draft.variants[: bounds.MAX_VARIANTS]):
        field = f"variants[{position}]"
        record = _variant(given, position, product, around, flaws)
        if record.id in named:
            flaws.note(
                RowRefused(
                    f"{field}.sku",
                    Reason.SKU_TWICE,
                    f"{given.sku!r} stands twice in this product.",
                    "Give each variant a SKU of its own.",
                )
            )
        _distinct(record, field, combinations, product.kind, flaws)
        if record.id in known:  # what it costs is typed elsewhere
            record = msgspec.structs.replace(record, costs=known[record.id].costs)
        named[record.id] = record
    retired = [
        msgspec.structs.replace(variant, retired=True, for_sale=False, position=len(named) + number)
        for number, variant in enumerate(variant for variant in around.variants if variant.id not in named)
    ]
    return (*named.values(), *retired), tuple(id_ for id_ in named if id_ not in known)


def _distinct(
    record: VariantRecord, field: str, combinations: dict[bytes, str], kind: ProductKind, flaws: Flaws
) -> None:
    slot = record.starts_at if kind is ProductKind.BOOKING else None
    said = msgspec.msgpack.encode((sorted(record.options.items()), slot))
    twin = combinations.setdefault(said, record.sku)
    if twin != record.sku:
        flaws.note(
            RowRefused(
                f"{field}.options",
                Reason.VALUE_INVALID,
                f"Nothing tells {record.sku!r} from {twin!r}.",
                "Give them different options, such as sizes or colours.",
            )
        )


def _variant(
    given: VariantDraft, position: int, product: ProductRecord, around: Surroundings, flaws: Flaws
) -> VariantRecord:
    field = f"variants[{position}]"
    sku = flaws.check(lambda: checks.sku(given.sku.strip(), field=f"{field}.sku"), given.sku)
    slot = flaws.check(lambda: check_slot(given.starts_at, given.ends_at, field), None)
    if slot is not None and product.kind is not ProductKind.BOOKING:
        flaws.note(
            RowRefused(
                f"{field}.starts_at",
                Reason.VALUE_INVALID,
                "Only a booking has a beginning and an end.",
                "Make the product a booking, or leave both out.",
            )
        )
    return VariantRecord(
        id=variant_id(around.merchant.slug, sku),
        product=product.id,
        merchant=product.merchant,
        sku=sku,
        gtin=flaws.check(lambda: checks.gtin(given.gtin, field=f"{field}.gtin") if given.gtin.strip() else None, None),
        options=flaws.check(lambda: check_options(given.options, f"{field}.options"), {}),
        prices=check_prices(given.prices, f"{field}.prices", flaws),
        media=_media(given.media, f"{field}.media", bounds.MAX_VARIANT_PICTURES, around, flaws),
        for_sale=given.for_sale,
        position=position,
        starts_at=slot[0] if slot else None,
        ends_at=slot[1] if slot else None,
    )


def check_prices(given: Mapping[str, str], field: str, flaws: Flaws) -> dict[str, int]:
    """Minor units per currency; empty amounts are left out, and one must be there."""
    before = len(flaws.found)
    prices = check_costs(given, field, flaws)
    if not prices and len(flaws.found) == before:
        flaws.note(
            RowRefused(field, Reason.PRICE_MISSING, "There is no price.", "Give a price in at least one currency.")
        )
    return prices


def check_costs(given: Mapping[str, str], field: str, flaws: Flaws) -> dict[str, int]:
    """Minor units per currency; empty amounts are left out."""
    flaws.check(lambda: checks.at_most(len(given), bounds.MAX_CURRENCIES, field, "currencies"), None)
    amounts: dict[str, int] = {}
    for currency, amount in list(given.items())[: bounds.MAX_CURRENCIES]:
        if amount.strip():
            where = f"{field}.{currency}"[:100]
            amounts[currency] = flaws.check(
                lambda amount=amount, currency=currency, where=where: checks.price(amount, currency, field=where), 0
            )
    return amounts
