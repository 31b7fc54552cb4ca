"""What rows change: compared with what is stored, so that a repeated import changes nothing. Pure."""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Counts, ProductKind, ProductState, ProductText, Remark
from nightmarket.catalog.errors import Reason
from nightmarket.kernel.ids import ENCODED_LENGTH, encode

from . import bounds
from .brands import brand_slug
from .checks import RowRefused
from .gathering import sku_taken
from .json_rows import remark
from .records import ProductRecord, StockRecord, Stored, VariantRecord
from .rows import OTHER_CATEGORY, ProductRow, TextPart, VariantRow, merchant_id, place_id, stock_tally, variant_id
from .typed import check_typed

SLUG_TAIL = 8
"""Letters of a product's id that make its slug unique when another product has the slug already."""


class Count(msgspec.Struct, frozen=True):
    """Units that were counted of one variant at one place, and the row that says so."""

    stock: StockRecord
    units: int
    row: VariantRow
    product: str


class Plan(msgspec.Struct):
    """The rows to write, and what to say about the rest."""

    products: list[ProductRecord] = msgspec.field(default_factory=list[ProductRecord])
    variants: list[VariantRecord] = msgspec.field(default_factory=list[VariantRecord])
    stock: list[StockRecord] = msgspec.field(default_factory=list[StockRecord])
    """New ones; their tallies are to be opened."""
    counts: list[Count] = msgspec.field(default_factory=list[Count])
    merchants: dict[str, None] = msgspec.field(default_factory=dict[str, None])
    categories: dict[str, None] = msgspec.field(default_factory=dict[str, None])
    shelves: dict[str, None] = msgspec.field(default_factory=dict[str, None])
    """Further categories."""
    places: dict[tuple[str, str], None] = msgspec.field(default_factory=dict[tuple[str, str], None])
    """Merchant slug and code."""
    remarks: list[Remark] = msgspec.field(default_factory=list[Remark])
    product_counts: Counts = msgspec.field(default_factory=Counts)
    variant_counts: Counts = msgspec.field(default_factory=Counts)


def plan(rows: Iterable[ProductRow], stored: Stored, import_id: UUID) -> Plan:
    """Compare rows with what is stored."""
    result = Plan()
    slugs = dict(stored.slugs)
    folded = dict(stored.folded)
    for row in rows:
        _plan_product(result, row, stored, slugs, folded, import_id)
    return result


def _plan_product(
    result: Plan,
    row: ProductRow,
    stored: Stored,
    slugs: dict[str, UUID],
    folded: dict[tuple[UUID, str], str],
    import_id: UUID,
) -> None:
    known = stored.products.get(row.id)
    merchant = merchant_id(row.merchant)
    try:
        merged = _merge_product(row, known, merchant, stored)
    except RowRefused as refusal:
        result.product_counts.refused += 1
        result.variant_counts.refused += len(row.variants)
        result.remarks.extend(remark(v.line, refusal, row.key, v.sku) for v in row.variants)
        return
    changed: list[VariantRecord] = []
    stock: list[StockRecord] = []
    taken = False
    for variant in row.variants:
        before = stored.variants.get(variant_id(row.merchant, variant.sku))
        try:
            after = _merge_variant(row, variant, before, merchant, stored)
        except RowRefused as refusal:
            result.variant_counts.refused += 1
            result.remarks.append(remark(variant.line, refusal, row.key, variant.sku))
            continue
        taken = True
        if before is None:
            result.variant_counts.created += 1
            _warn_of_case(result, row, variant, merchant, folded)
        elif after != before:
            result.variant_counts.updated += 1
        else:
            result.variant_counts.unchanged += 1
        if after != before:
            changed.append(after)
        stock.extend(_plan_stock(result, row, variant, after, stored, import_id))
    if not taken:
        result.product_counts.refused += 1
        return
    result.merchants[row.merchant] = None
    result.categories[merged.category] = None
    result.shelves.update(dict.fromkeys(merged.shelves))
    if row.size_chart and merged.size_chart != row.size_chart:
        result.remarks.append(_no_such_chart(row))
    result.variants.extend(changed)
    result.stock.extend(stock)
    if known is None:
        result.product_counts.created += 1
        merged = msgspec.structs.replace(merged, slug=free_slug(row.slug, row.id, slugs))
    elif changed or stock or merged != known:
        result.product_counts.updated += 1
        merged = msgspec.structs.replace(merged, version=known.version + 1)
    else:
        result.product_counts.unchanged += 1
        return
    result.products.append(merged)


def _merge_product(row: ProductRow, known: ProductRecord | None, merchant: UUID, stored: Stored) -> ProductRecord:
    texts = dict(known.texts) if known else {}
    for language, part in row.texts.items():
        texts[language] = _merge_text(texts.get(language), part, language)
    if not texts:
        raise RowRefused(
            "title", Reason.TITLE_MISSING, "The product has no title.", "Give a title in at least one language."
        )
    attributes = None if row.attributes is None else check_typed(row.attributes, stored.attributes)
    chart = known.size_chart if known else None
    if row.size_chart is not None and (not row.size_chart or row.size_chart in stored.size_charts):
        chart = row.size_chart or None
    if known is None:
        brand = row.brand or ""
        return ProductRecord(
            id=row.id,
            merchant=merchant,
            slug=row.slug,
            category=row.category or OTHER_CATEGORY,
            brand=brand,
            texts=texts,
            attributes=attributes or {},
            media=row.media or (),
            version=1,
            brand_slug=brand_slug(brand),
            kind=row.kind or ProductKind.GOODS,
            state=row.state or ProductState.LIVE,
            size_chart=chart,
            shelves=row.shelves or (),
        )
    brand = known.brand if row.brand is None else row.brand
    return ProductRecord(
        id=row.id,
        merchant=merchant,
        slug=known.slug,
        category=known.category if row.category is None else row.category,
        brand=brand,
        texts=texts,
        attributes=known.attributes if attributes is None else attributes,
        media=known.media if row.media is None else row.media,
        version=known.version,
        brand_slug=brand_slug(brand),
        kind=row.kind or known.kind,
        state=row.state or known.state,
        size_chart=chart,
        shelves=known.shelves if row.shelves is None else row.shelves,
    )


def _merge_text(before: ProductText | None, part: TextPart, language: str) -> ProductText:
    before = before or ProductText(title="")
    title = part.title or before.title
    if not title:
        raise RowRefused(
            f"title.{language}",
            Reason.TITLE_MISSING,
            f"There are words in {language!r}, but no title.",
            "Give the title in that language too.",
        )
    return ProductText(
        title=title,
        summary=before.summary if part.summary is None else part.summary,
        description=before.description if part.description is None else part.description,
        highlights=before.highlights if part.highlights is None else part.highlights,
    )


def _merge_variant(
    row: ProductRow, variant: VariantRow, before: VariantRecord | None, merchant: UUID, stored: Stored
) -> VariantRecord:
    starts_at, ends_at = variant.slot or ((before.starts_at, before.ends_at) if before else (None, None))
    if before is None:
        if not variant.prices:
            raise RowRefused(
                variant.field,
                Reason.PRICE_MISSING,
                "There is no price.",
                "Give a price in at least one currency.",
            )
        return VariantRecord(
            id=variant_id(row.merchant, variant.sku),
            product=row.id,
            merchant=merchant,
            sku=variant.sku,
            gtin=variant.gtin,
            options=variant.options or {},
            prices=variant.prices,
            costs=variant.costs,
            media=variant.media or (),
            for_sale=variant.for_sale is not False,
            position=variant.position,
            starts_at=starts_at,
            ends_at=ends_at,
        )
    if before.product != row.id:
        owner = stored.products.get(before.product)
        raise sku_taken(variant.sku, owner.slug if owner else str(before.product))
    return VariantRecord(
        id=before.id,
        product=before.product,
        merchant=merchant,
        sku=before.sku,
        gtin=variant.gtin or before.gtin,
        options=before.options if variant.options is None else variant.options,
        prices=before.prices | variant.prices,
        costs=before.costs | variant.costs,
        media=before.media if variant.media is None else variant.media,
        for_sale=variant.for_sale is not False if before.retired or variant.for_sale is not None else before.for_sale,
        position=before.position,
        starts_at=starts_at,
        ends_at=ends_at,
    )


def _plan_stock(
    result: Plan, row: ProductRow, variant: VariantRow, record: VariantRecord, stored: Stored, import_id: UUID
) -> list[StockRecord]:
    """New places of the variant; notes in the plan what was counted, unless this import's row has counted already."""
    new: list[StockRecord] = []
    for code, units in variant.stock.items():
        place = place_id(record.merchant, code)
        result.places[row.merchant, code] = None
        stock = stored.stock.get((record.id, place))
        if stock is None:
            stock = StockRecord(record.id, place, record.merchant, stock_tally(record.id, place))
            new.append(stock)
        elif stock.counted_by == import_id and (stock.counted_line or 0) >= variant.line:
            continue
        noted = msgspec.structs.replace(stock, counted_by=import_id, counted_line=variant.line)
        result.counts.append(Count(noted, units, variant, row.key))
    return new


def _no_such_chart(row: ProductRow) -> Remark:
    return Remark(
        line=row.line,
        field="size_chart",
        code=Reason.VALUE_INVALID,
        reason=f"There is no size chart {row.size_chart!r}; the product was taken without it.",
        mend="Import size_charts.json first, or make the chart in the console.",
        product=row.key,
        refused=False,
    )


def _warn_of_case(
    result: Plan, row: ProductRow, variant: VariantRow, merchant: UUID, folded: dict[tuple[UUID, str], str]
) -> None:
    like = folded.setdefault((merchant, variant.sku.lower()), variant.sku)
    if like == variant.sku:
        return
    result.remarks.append(
        Remark(
            line=variant.line,
            field="sku",
            code=Reason.SKU_CASE,
            reason=f"{variant.sku!r} differs from {like!r} by small and capital letters only; both are kept.",
            mend="If they are one article, write its SKU in one way.",
            product=row.key,
            sku=variant.sku,
            refused=False,
        )
    )


def free_slug(wanted: str, product: UUID, slugs: dict[str, UUID]) -> str:
    """The slug it wants, or with a tail of its own when another product has that; `slugs` says who has which."""
    slug = wanted or encode("", product)[1:]
    if slugs.setdefault(slug, product) != product:
        tail = encode("", product)[1:][ENCODED_LENGTH - SLUG_TAIL :]
        slug = f"{slug[: bounds.MAX_SLUG - SLUG_TAIL - 1].strip('-')}-{tail}"
        slugs[slug] = product
    return slug


def held_back(count: Count, held: int) -> Remark:
    """The warning for a count that would leave checkouts under way without their goods."""
    return Remark(
        line=count.row.line,
        field="stock",
        code=Reason.STOCK_HELD,
        reason=f"{count.units} units were counted, but checkouts under way hold {held}; the stock was left as it is.",
        mend="Import the count again in a few minutes, or cancel those orders.",
        product=count.product,
        sku=count.row.sku,
        refused=False,
    )
