"""Rows of a Shopify product CSV: those of one handle are one product with its variants and pictures.

The columns are those of Shopify's own export, under its names of before and since 2024 (`Handle`, `URL handle`).
"""

import re
from collections.abc import Sequence

import msgspec

from nightmarket.catalog.contract import ProductState, Remark, Texts
from nightmarket.catalog.errors import ColumnMapWrong, Reason
from nightmarket.kernel.ids import derive, encode

from . import bounds, checks
from .cells import restored
from .checks import RowRefused
from .html_text import to_text
from .json_rows import check_pictures, own_merchant, remark
from .meanings import Assumed, meaning_of
from .rows import PictureName, ProductRow, Reading, TextPart, VariantRow, product_id
from .table_rows import category_slug

OPTIONS = 3
PLACE = "main"
NO_OPTION = ("title", "default title")
"""What Shopify writes for a product that comes in one form only."""

SKU_TAIL = 6

_NAMES: dict[str, tuple[str, ...]] = {
    "handle": ("handle", "url handle"),
    "title": ("title",),
    "body": ("body (html)", "body html", "description"),
    "vendor": ("vendor",),
    "category": ("product category", "standard product type", "standardized product type"),
    "type": ("type", "custom product type", "product type"),
    "published": ("published", "published on online store"),
    "status": ("status",),
    "sku": ("variant sku", "sku"),
    "price": ("variant price", "price"),
    "stock": ("variant inventory qty", "inventory quantity"),
    "gtin": ("variant barcode", "barcode"),
    "image": ("image src", "product image url"),
    "position": ("image position",),
    "alt": ("image alt text",),
    "variant_image": ("variant image", "variant image url"),
    **{f"option{n}_name": (f"option{n} name",) for n in range(1, OPTIONS + 1)},
    **{f"option{n}_value": (f"option{n} value",) for n in range(1, OPTIONS + 1)},
}
_MEANING = {name: meaning for meaning, names in _NAMES.items() for name in names}


def is_shopify(header: Sequence[str]) -> bool:
    """Whether the names of the columns are those of Shopify's products."""
    names = {name.strip().lower() for name in header}
    return bool(names & {"handle", "url handle"}) and bool(
        names & {"variant price", "variant sku", "body (html)", "option1 name", "option1 value"}
    )


Given = dict[str, str]
"""The filled cells of one row, by meaning."""


class ShopifyReader(msgspec.Struct, frozen=True):
    """Understands the rows of one file."""

    indices: dict[str, int]
    header: tuple[str, ...]
    merchant: str | None
    currency: str
    language: str

    @property
    def unknown(self) -> tuple[str, ...]:
        """Columns that are left out."""
        used = set(self.indices.values())
        return tuple(name for place, name in enumerate(self.header) if place not in used)

    def given(self, cells: Sequence[str]) -> Given:
        """What a row says."""
        return {meaning: value for meaning, at in self.indices.items() if (value := restored(cells[at].strip()))}

    def read(self, rows: Sequence[tuple[int, Given]], faults: Sequence[Remark] = ()) -> list[Reading]:
        """One product from the rows of its handle: a reading for every 500 variants. A bad variant refuses itself."""
        line, first = rows[0]
        variants = [(at, given) for at, given in rows if "price" in given or "sku" in given or "option1_value" in given]
        remarks = list(faults)
        key = first.get("handle", "")[: bounds.MAX_SLUG]
        try:
            product = self._product(rows)
        except RowRefused as refusal:
            return [Reading(None, [*remarks, remark(line, refusal, key)], max(1, len(variants)) + len(faults))]
        names = self._option_names(first)
        seen: set[str] = set()
        taken: list[VariantRow] = []
        refused = len(faults)
        for place, (at, given) in enumerate(variants or [(line, first)]):
            try:
                variant = self._variant(product, at, given, names, place)
                if variant.sku in seen:
                    raise _twice(variant.sku)
            except RowRefused as refusal:
                remarks.append(remark(at, refusal, key, given.get("sku", "")[: bounds.MAX_SKU]))
                refused += 1
                continue
            if variant.stock.get(PLACE) == 0 and given.get("stock", "0").startswith("-"):
                remarks.append(_oversold(at, given["stock"], key, variant.sku))
            seen.add(variant.sku)
            taken.append(variant)
        return _in_parts(product, taken, remarks, refused)

    def _product(self, rows: Sequence[tuple[int, Given]]) -> ProductRow:
        line, first = rows[0]
        merchant = own_merchant(None, self.merchant)
        handle = first.get("handle", "")
        key = handle.lower() if checks.make_slug(handle) == handle.lower() else checks.make_slug(handle)
        if not key and handle:
            key = encode("", derive("shopify-handle", handle))[1:]
        if not key:
            raise RowRefused("Handle", Reason.FIELD_MISSING, "The row has no handle.", "Name the product's handle.")
        said = _joined(rows)
        words = TextPart(
            title=checks.text(said["title"], field="Title", limit=bounds.MAX_TITLE) if "title" in said else None,
            description=_description(said["body"]) if "body" in said else None,
        )
        pictures = _pictures(rows, self.language)
        return ProductRow(
            line=line,
            merchant=merchant,
            key=key,
            id=product_id(merchant, key),
            slug=key,
            category=_category(said),
            brand=checks.text(said["vendor"], field="Vendor", limit=bounds.MAX_BRAND) if "vendor" in said else None,
            texts={self.language: words} if words.title or words.description is not None else {},
            pictures=check_pictures(pictures, "Image Src", bounds.MAX_PRODUCT_PICTURES) if pictures else None,
            variants=[],
            state=_state(said),
            one_language=True,
        )

    def _option_names(self, first: Given) -> dict[int, str]:
        found: dict[int, str] = {}
        for number in range(1, OPTIONS + 1):
            name = first.get(f"option{number}_name", "")
            if name and (number > 1 or (name.lower(), first.get("option1_value", "").lower()) != NO_OPTION):
                found[number] = option_name(name) or f"option{number}"
        return found

    def _variant(self, product: ProductRow, line: int, given: Given, names: dict[int, str], place: int) -> VariantRow:
        options: dict[str, Texts] = {}
        for number, name in names.items():
            value = given.get(f"option{number}_value", "")
            if value:
                checks.name(name, field=f"Option{number} Name")
                text = checks.text(value, field=f"Option{number} Value", limit=bounds.MAX_OPTION)
                options[name] = {self.language: text}
        sku = checks.sku(given["sku"], field="Variant SKU") if "sku" in given else made_sku(product.key, options)
        picture = [PictureName(given["variant_image"])] if "variant_image" in given else None
        prices = {}
        if "price" in given:
            prices = {self.currency: checks.price(given["price"], self.currency, field="Variant Price")}
        return VariantRow(
            line=line,
            field="Variant Price",
            sku=sku,
            position=place,
            gtin=checks.gtin(given["gtin"].lstrip("'"), field="Variant Barcode") if "gtin" in given else None,
            options=options or None,
            prices=prices,
            stock={PLACE: _units(given["stock"])} if "stock" in given else {},
            pictures=check_pictures(picture, "Variant Image", bounds.MAX_VARIANT_PICTURES),
        )


def shopify_reader(header: Sequence[str], merchant: str | None, assumed: Assumed) -> ShopifyReader:
    """A reader for the file's columns; raises ColumnMapWrong where no row could be taken."""
    if merchant is None:
        raise ColumnMapWrong("A Shopify file does not say whose goods it holds; add --merchant SLUG.", field="merchant")
    if assumed.currency is None:
        raise ColumnMapWrong("A Shopify file does not tell its currency; add --currency EUR.", field="currency")
    indices: dict[str, int] = {}
    for place, name in enumerate(header):
        meaning = _MEANING.get(name.strip().lower())
        if meaning and meaning not in indices:
            indices[meaning] = place
    if "option1_value" in indices and "title" not in indices:
        raise ColumnMapWrong("The column Title is missing.", field="Title")
    return ShopifyReader(indices, tuple(header), merchant, assumed.currency, assumed.language)


_OWN_OPTION = re.compile(r"[a-z][a-z0-9_-]{0,39}\Z")


def option_name(name: str) -> str:
    """The name of an option as the house keeps it: `colour` for Color, `size` for Größe; empty if none is left."""
    if _OWN_OPTION.match(name):
        return name
    known = meaning_of(name) or ""
    return known.removeprefix("option.") if known.startswith("option.") else checks.make_slug(name)[:40].strip("-")


def made_sku(handle: str, options: dict[str, Texts]) -> str:
    """The SKU of a variant that has none: its handle and options, with a tail where these don't fit or say it all."""
    values = [next(iter(texts.values())) for texts in options.values()]
    words = [checks.make_slug(value) for value in values]
    plain = "-".join((handle, *words)) if all(words) else ""
    if plain and len(plain) <= bounds.MAX_SKU:
        return plain
    tail = encode("", derive("shopify-variant", handle, *values))[-SKU_TAIL:]
    return f"{'-'.join((handle, *filter(None, words)))[: bounds.MAX_SKU - SKU_TAIL - 1].strip('-')}-{tail}"


def _joined(rows: Sequence[tuple[int, Given]]) -> Given:
    """What the rows say of the product: the first one that speaks counts."""
    said: Given = {}
    for _, given in rows:
        for meaning in ("title", "body", "vendor", "category", "type", "published", "status"):
            if meaning in given:
                said.setdefault(meaning, given[meaning])
    return said


def _description(body: str) -> str:
    return checks.text(to_text(body), field="Body (HTML)", limit=bounds.MAX_DESCRIPTION, lines=True)


def _category(said: Given) -> str | None:
    """The merchant's own type if it is an address of ours already, else the category by its name, else the type."""
    own = said.get("type", "")
    if own and checks.make_slug(own) == own:
        return own
    for name in ("category", "type"):
        if name in said and checks.make_slug(said[name]):
            return category_slug(said[name])
    return None


def _state(said: Given) -> ProductState | None:
    match said.get("status", "").lower():
        case "draft":
            return ProductState.DRAFT
        case "archived":
            return ProductState.WITHDRAWN
        case "active" | "":
            if said.get("published", "").lower() == "false":
                return ProductState.DRAFT
            return ProductState.LIVE if "status" in said or "published" in said else None
        case other:
            raise RowRefused(
                "Status",
                Reason.VALUE_INVALID,
                f"{checks.excerpt(other)} is no status of a product.",
                "Use active, draft or archived.",
            )


def _pictures(rows: Sequence[tuple[int, Given]], language: str) -> list[PictureName]:
    """The product's pictures in order of their position, each once."""
    found: dict[str, tuple[int, PictureName]] = {}
    for _, given in rows:
        if "image" in given and given["image"] not in found:
            place = given.get("position", "")
            order = int(place) if place.isascii() and place.isdigit() and len(place) < 6 else 100_000
            alt = {language: given["alt"]} if "alt" in given else {}
            found[given["image"]] = (order, PictureName(given["image"], alt))
    return [picture for _, picture in sorted(found.values(), key=lambda pair: pair[0])]


def _units(value: str) -> int:
    """Units on hand; Shopify counts below zero what it sold without having it, and there is nothing then."""
    if value[:1] in "-−" and value[1:].isascii() and value[1:].isdigit():
        return 0
    return checks.counted(value.removesuffix(".0"), field="Variant Inventory Qty")


def _oversold(line: int, units: str, product: str, sku: str) -> Remark:
    return Remark(
        line=line,
        field="Variant Inventory Qty",
        code=Reason.STOCK_NEGATIVE,
        reason=f"{units} units: Shopify sold more than there was; the stock was counted as 0.",
        mend="Nothing has to be done, unless there are some.",
        product=product,
        sku=sku,
        refused=False,
    )


def _twice(sku: str) -> RowRefused:
    return RowRefused(
        "Variant SKU",
        Reason.SKU_TWICE,
        f"{sku!r} stands twice in this product.",
        "Give each variant a SKU of its own, or leave the cell empty and one is made.",
    )


def _in_parts(product: ProductRow, variants: list[VariantRow], remarks: list[Remark], refused: int) -> list[Reading]:
    if not variants:
        return [Reading(None, remarks, refused)]
    found: list[Reading] = []
    for start in range(0, len(variants), bounds.MAX_VARIANTS):
        part = msgspec.structs.replace(product, variants=variants[start : start + bounds.MAX_VARIANTS])
        if start:
            part = msgspec.structs.replace(part, pictures=None)
        found.append(Reading(part, remarks if not start else [], refused if not start else 0))
    return found
