"""A row of a table becomes a product row with one variant. An empty cell leaves what is there.

A cell for options, attributes or pictures that begins with { or [ holds JSON, as JSON Lines has it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec

from nightmarket.catalog.contract import ProductKind, ProductState, Texts
from nightmarket.catalog.errors import Reason

from . import bounds, checks
from .cells import restored
from .checks import RowRefused
from .columns import Column, ColumnMap
from .json_faults import explain
from .json_rows import check_attributes, check_options, check_pictures, own_merchant, remark
from .rows import Attribute, PictureName, ProductRow, Reading, TextPart, VariantRow, product_id
from .shelves_and_slots import check_shelves, check_slot

LIST_SEPARATOR = "|"
"""Between several highlights, or several pictures, in one cell."""

CATEGORY_PATH = " > "

T = TypeVar("T")


class _Cells:
    """What the mapped cells of one row said, checked."""

    def __init__(self) -> None:
        self.plain: dict[str, str] = {}
        self.texts: dict[str, TextPart] = {}
        self.prices: dict[str, int] = {}
        self.costs: dict[str, int] = {}
        self.stock: dict[str, int] = {}
        self.options: dict[str, dict[str, str]] = {}
        self.attributes: dict[str, str] = {}

    def words(self, language: str) -> TextPart:
        part = self.texts.get(language)
        if part is None:
            part = self.texts[language] = TextPart()
        return part


def _title(cells: _Cells, language: str, value: str, field: str) -> None:
    cells.words(language).title = checks.text(value, field=field, limit=bounds.MAX_TITLE)


def _summary(cells: _Cells, language: str, value: str, field: str) -> None:
    cells.words(language).summary = checks.text(value, field=field, limit=bounds.MAX_SUMMARY, lines=True)


def _description(cells: _Cells, language: str, value: str, field: str) -> None:
    cells.words(language).description = checks.text(value, field=field, limit=bounds.MAX_DESCRIPTION, lines=True)


def _highlights(cells: _Cells, language: str, value: str, field: str) -> None:
    cells.words(language).highlights = checks.highlights(
        _decode(value, list[str], field) if value[0] == "[" else value.split(LIST_SEPARATOR), field=field
    )


def _price(cells: _Cells, currency: str, value: str, field: str) -> None:
    cells.prices[currency] = checks.price(value, currency, field=field)


def _cost(cells: _Cells, currency: str, value: str, field: str) -> None:
    cells.costs[currency] = checks.price(value, currency, field=field)


def _stock(cells: _Cells, place: str, value: str, field: str) -> None:
    cells.stock[checks.slug(place, field=field)] = checks.counted(value, field=field)


def _option(cells: _Cells, name: str, value: str, field: str) -> None:
    cells.options[name] = {"en": checks.text(value, field=field, limit=bounds.MAX_OPTION)}


def _attribute(cells: _Cells, name: str, value: str, _: str) -> None:
    cells.attributes[name] = value


def _plain(cells: _Cells, kind: str, value: str, _: str) -> None:
    cells.plain[kind] = value


_TAKE: dict[str, Callable[[_Cells, str, str, str], None]] = {
    "title": _title,
    "summary": _summary,
    "description": _description,
    "highlights": _highlights,
    "price": _price,
    "cost": _cost,
    "stock": _stock,
    "option": _option,
    "attribute": _attribute,
}


class TableReader:
    """Reads the rows of one table by its map."""

    def __init__(self, columns: ColumnMap, header: Sequence[str], merchant: str | None) -> None:
        self._width = len(header)
        self._merchant = merchant
        self._columns = [(column, _field(column, header), _TAKE.get(column.kind, _plain)) for column in columns.columns]
        self._price_field = next((field for column, field, _ in self._columns if column.kind == "price"), "price")

    def read(self, cells: Sequence[str], line: int) -> Reading:
        """Understand and check one row that starts in that line of the file."""
        product = sku = ""
        try:
            self._check_width(cells)
            given = _Cells()
            fault: RowRefused | None = None
            for column, field, take in self._columns:
                value = restored(cells[column.index].strip()) if column.constant is None else column.constant
                if not value:
                    continue
                try:
                    take(given, column.key or column.kind, value, field)
                except RowRefused as refusal:
                    fault = fault or refusal
            sku, product = given.plain.get("sku", ""), given.plain.get("product", "")
            if fault:
                raise fault
            return Reading(self._row(given, line), [])
        except RowRefused as refusal:
            refused = remark(line, refusal, (product or sku)[: bounds.MAX_SLUG], sku[: bounds.MAX_SKU])
            return Reading(None, [refused], 1)

    def _check_width(self, cells: Sequence[str]) -> None:
        if len(cells) != self._width:
            raise RowRefused(
                "",
                Reason.CELLS_WRONG,
                f"The row has {len(cells)} cells, the header {self._width}.",
                "Check for a missing delimiter, or for one inside a text that needs double quotes around it.",
            )

    def _row(self, given: _Cells, line: int) -> ProductRow:
        plain = given.plain
        merchant = own_merchant(plain.get("merchant"), self._merchant)
        sku = checks.sku(plain.get("sku", ""), field="sku")
        key = checks.sku(plain["product"], field="product", code=Reason.KEY_INVALID) if "product" in plain else sku
        return ProductRow(
            line=line,
            merchant=merchant,
            key=key,
            id=product_id(merchant, key),
            slug=checks.slug(plain["slug"], field="slug") if "slug" in plain else slug_of(given.texts, key),
            category=category_slug(plain["category"]) if "category" in plain else None,
            brand=checks.text(plain["brand"], field="brand", limit=bounds.MAX_BRAND) if "brand" in plain else None,
            texts=given.texts,
            attributes=_attributes(given),
            pictures=pictures_of(plain.get("product_image"), "product_image", bounds.MAX_PRODUCT_PICTURES),
            variants=[self._variant(given, line, sku)],
            kind=_choice(plain, "kind", ProductKind),
            state=_choice(plain, "state", ProductState),
            size_chart=checks.slug(plain["size_chart"], field="size_chart") if "size_chart" in plain else None,
            shelves=check_shelves(_list(plain["shelves"])) if "shelves" in plain else None,
        )

    def _variant(self, given: _Cells, line: int, sku: str) -> VariantRow:
        plain = given.plain
        return VariantRow(
            line=line,
            field=self._price_field,
            sku=sku,
            position=line,
            gtin=checks.gtin(plain["gtin"], field="gtin") if "gtin" in plain else None,
            options=_options(given),
            prices=given.prices,
            costs=given.costs,
            stock=given.stock,
            pictures=pictures_of(plain.get("image"), "image", bounds.MAX_VARIANT_PICTURES),
            for_sale=checks.yes_or_no(plain["for_sale"], field="for_sale") if "for_sale" in plain else None,
            slot=check_slot(_instant(plain, "starts_at"), _instant(plain, "ends_at"), ""),
        )


def _field(column: Column, header: Sequence[str]) -> str:
    return header[column.index] if column.constant is None else f"{column.kind}=="


def category_slug(value: str) -> str:
    """A category by slug, by name such as `Home & Garden`, or by the last name of a path such as `Home > Garden`."""
    value = value.rsplit(CATEGORY_PATH.strip(), 1)[-1].strip() or value
    return checks.slug(checks.make_slug(value) or value, field="category")


def slug_of(texts: dict[str, TextPart], key: str) -> str:
    """The address of a new product: its title and key, since the key of a table is seldom a word."""
    title = next((part.title for part in texts.values() if part.title), "")
    tail = checks.make_slug(key)[:30].strip("-")
    head = checks.make_slug(title)[: bounds.MAX_SLUG - len(tail) - 1].strip("-")
    return f"{head}-{tail}".strip("-") if head != tail else head


def pictures_of(cell: str | None, field: str, limit: int) -> tuple[PictureName, ...] | None:
    """Pictures of one cell: names with bars between them, or JSON with words for each."""
    if cell is None:
        return None
    named = _decode(cell, list[PictureName], field) if cell[0] == "[" else [PictureName(one) for one in _list(cell)]
    return check_pictures(named, field, limit)


def _list(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(LIST_SEPARATOR) if part.strip()]


def _decode(cell: str, shape: type[T], field: str) -> T:
    try:
        return msgspec.json.decode(cell, type=shape)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        fault = explain(error, cell)
        raise RowRefused(
            field, fault.code, fault.reason, "Write JSON as in JSON Lines, or use a column of its own."
        ) from error


def _attributes(given: _Cells) -> dict[str, Attribute] | None:
    whole: dict[str, Attribute] = {}
    if "attributes" in given.plain:
        whole = _decode(given.plain["attributes"], dict[str, Attribute], "attributes")
    elif not given.attributes:
        return None
    return check_attributes(whole | given.attributes)


def _options(given: _Cells) -> dict[str, Texts] | None:
    whole: dict[str, str | Texts] = {}
    if "options" in given.plain:
        whole = _decode(given.plain["options"], dict[str, str | Texts], "options")
    elif not given.options:
        return None
    return check_options(whole | given.options, "options")


K = TypeVar("K", ProductKind, ProductState)


def _choice(plain: dict[str, str], name: str, kind: type[K]) -> K | None:
    value = plain.get(name)
    if value is None:
        return None
    if value not in set(kind):
        raise RowRefused(
            name,
            Reason.VALUE_INVALID,
            f"{checks.excerpt(value)} is no {name} of a product.",
            f"Use one of {', '.join(kind)}.",
        )
    return kind(value)


def _instant(plain: dict[str, str], name: str) -> datetime | None:
    value = plain.get(name)
    if value is None:
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise RowRefused(
            name, Reason.VALUE_INVALID, f"{checks.excerpt(value)} is no instant.", "Write 2026-11-28T18:00:00+01:00."
        ) from None
