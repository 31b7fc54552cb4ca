"""A line of JSON becomes a product row. A fault in a variant refuses that variant, any other the whole line."""

from collections.abc import Mapping

import msgspec

from nightmarket.catalog.contract import Remark, Texts
from nightmarket.catalog.errors import Reason

from . import bounds, checks
from .checks import RowRefused
from .json_faults import explain
from .rows import Attribute, PictureName, ProductRow, Reading, TextPart, VariantRow, product_id
from .shelves_and_slots import check_shelves, check_slot
from .wire import ProductLine, TextLine, VariantLine

MAX_NUMBER = 2**53

_DECODER = msgspec.json.Decoder(ProductLine)


def remark(line: int, refusal: RowRefused, product: str = "", sku: str = "") -> Remark:
    """The refusal as it stands in a report."""
    return Remark(
        line=line,
        field=checks.printable(refusal.field),
        code=refusal.code,
        reason=checks.printable(refusal.reason),
        mend=checks.printable(refusal.mend),
        product=checks.printable(product),
        sku=checks.printable(sku),
    )


def read_line(source: str, line: int, merchant: str | None) -> Reading:
    """Understand and check one line; `merchant` is the only one it may belong to, if given."""
    try:
        given = _DECODER.decode(source)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        return Reading(None, [remark(line, explain(error, source))])
    key = given.product[: bounds.MAX_SLUG]
    try:
        row = _product(given, line, merchant)
    except RowRefused as refusal:
        return Reading(None, [remark(line, refusal, key)], len(given.variants))
    remarks: list[Remark] = []
    seen: set[str] = set()
    for position, variant in enumerate(given.variants):
        try:
            read = _variant(variant, line, position)
            if read.sku in seen:
                raise RowRefused(
                    f"{read.field}.sku",
                    Reason.SKU_TWICE,
                    f"{read.sku!r} stands twice in this product.",
                    "Give each variant a SKU of its own.",
                )
        except RowRefused as refusal:
            remarks.append(remark(line, refusal, key, variant.sku[: bounds.MAX_SKU]))
            continue
        seen.add(read.sku)
        row.variants.append(read)
    refused = len(remarks)
    return Reading(row if row.variants else None, remarks, refused)


def own_merchant(named: str | None, only: str | None) -> str:
    """The slug of the merchant that a row belongs to."""
    if not named and only is None:
        raise RowRefused(
            "merchant", Reason.MERCHANT_MISSING, "It is not said whose product this is.", "Name the merchant's slug."
        )
    if named and only is not None and named != only:
        raise RowRefused(
            "merchant",
            Reason.MERCHANT_OTHER,
            f"This import is for {only!r}, but the row belongs to {checks.excerpt(named)}.",
            "Leave the row out, or import it for that merchant.",
        )
    return checks.slug(named or only or "", field="merchant")


def _product(given: ProductLine, line: int, merchant: str | None) -> ProductRow:
    merchant = own_merchant(given.merchant, merchant)
    key = checks.slug(given.product, field="product")
    if not given.variants:
        raise RowRefused(
            "variants", Reason.FIELD_MISSING, "There is no variant.", "Add at least one, with SKU and price."
        )
    checks.at_most(len(given.variants), bounds.MAX_VARIANTS, "variants", "variants")
    if not given.texts:
        raise RowRefused(
            "texts", Reason.TITLE_MISSING, "The product has no title.", "Give a title in at least one language."
        )
    return ProductRow(
        line=line,
        merchant=merchant,
        key=key,
        id=product_id(merchant, key),
        slug=key,
        category=checks.slug(given.category, field="category") if given.category is not None else None,
        brand=checks.text(given.brand, field="brand", limit=bounds.MAX_BRAND) if given.brand is not None else None,
        texts={language: _words(language, words) for language, words in given.texts.items()},
        attributes=check_attributes(given.attributes) if given.attributes is not None else None,
        pictures=check_pictures(given.media, "media", bounds.MAX_PRODUCT_PICTURES),
        variants=[],
        kind=given.kind,
        state=given.state,
        size_chart=checks.slug(given.size_chart, field="size_chart") if given.size_chart else given.size_chart,
        shelves=check_shelves(given.shelves),
    )


def _words(language: str, words: TextLine) -> TextPart:
    field = f"texts.{language}"
    checks.check_language(language, field="texts")
    title = checks.text(words.title, field=f"{field}.title", limit=bounds.MAX_TITLE)
    if not title:
        raise RowRefused(
            f"{field}.title", Reason.TITLE_MISSING, "The title is empty.", "Say in a few words what it is."
        )
    return TextPart(
        title=title,
        summary=checks.text(words.summary, field=f"{field}.summary", limit=bounds.MAX_SUMMARY, lines=True),
        description=checks.text(
            words.description, field=f"{field}.description", limit=bounds.MAX_DESCRIPTION, lines=True
        ),
        highlights=checks.highlights(words.highlights, field=f"{field}.highlights"),
    )


def _variant(given: VariantLine, line: int, position: int) -> VariantRow:
    field = f"variants[{position}]"
    checks.at_most(len(given.prices), bounds.MAX_CURRENCIES, f"{field}.prices", "currencies")
    checks.at_most(len(given.stock), bounds.MAX_PLACES, f"{field}.stock", "places")
    stock = {
        checks.slug(place, field=f"{field}.stock"): checks.counted_number(units, field=f"{field}.stock.{place}")
        for place, units in given.stock.items()
    }
    prices = {
        currency: checks.price(amount, currency, field=f"{field}.prices.{currency}"[:100])
        for currency, amount in given.prices.items()
    }
    return VariantRow(
        line=line,
        field=field,
        sku=checks.sku(given.sku.strip(), field=f"{field}.sku"),
        position=position,
        gtin=checks.gtin(given.gtin, field=f"{field}.gtin") if given.gtin else None,
        options=check_options(given.options, f"{field}.options") if given.options is not None else None,
        prices=prices,
        stock=stock,
        pictures=check_pictures(given.media, f"{field}.media", bounds.MAX_VARIANT_PICTURES),
        for_sale=given.for_sale,
        slot=check_slot(given.starts_at, given.ends_at, field),
    )


def check_options(given: Mapping[str, str | Texts], field: str) -> dict[str, Texts]:
    """What tells a variant from its siblings, by name: one text, or a text per language."""
    checks.at_most(len(given), bounds.MAX_OPTIONS, field, "options")
    options: dict[str, Texts] = {}
    for key, value in given.items():
        where = f"{field}.{checks.name(key, field=field)}"
        by_language = {"en": value} if isinstance(value, str) else value
        options[key] = checks.texts(by_language, field=where, limit=bounds.MAX_OPTION)
        if not options[key]:
            raise RowRefused(where, Reason.VALUE_INVALID, "The option is empty.", "Say which one it is, such as 28 cm.")
    return options


def check_attributes(given: dict[str, Attribute]) -> dict[str, Attribute]:
    """Facts about a product, by name: text, number, yes or no, a list of texts, or a text per language."""
    checks.at_most(len(given), bounds.MAX_ATTRIBUTES, "attributes", "attributes")
    kept: dict[str, Attribute] = {}
    for key, value in given.items():
        field = f"attributes.{checks.name(key, field='attributes')}"
        match value:
            case str():
                kept[key] = checks.text(value, field=field, limit=bounds.MAX_ATTRIBUTE)
            case list():
                checks.at_most(len(value), bounds.MAX_LIST, field, "entries")
                kept[key] = [checks.text(entry, field=field, limit=bounds.MAX_ATTRIBUTE) for entry in value]
            case dict():
                kept[key] = checks.texts(value, field=field, limit=bounds.MAX_ATTRIBUTE)
            case _:
                kept[key] = _number(value, field)
    return kept


def _number(value: float, field: str) -> float:
    """A number (or a switch) that every reader of JSON reads alike (RFC 8259, section 6)."""
    if abs(value) > MAX_NUMBER:
        raise RowRefused(field, Reason.VALUE_INVALID, f"{value} is too large a number.", "Write it as text.")
    return value


def check_pictures(given: list[PictureName] | None, field: str, limit: int) -> tuple[PictureName, ...] | None:
    """Pictures by name, with words for those who cannot see them; whether they exist is seen later."""
    if given is None:
        return None
    checks.at_most(len(given), limit, field, "pictures")
    return tuple(
        PictureName(picture.file, checks.texts(picture.alt, field=f"{field}[{i}].alt", limit=bounds.MAX_ALT))
        for i, picture in enumerate(given)
    )
