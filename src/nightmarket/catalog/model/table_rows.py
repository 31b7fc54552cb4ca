"""A row of a table becomes a product row with one variant. An empty cell leaves what is there."""

from collections.abc import Callable, Sequence

from nightmarket.catalog.errors import Reason

from . import bounds, checks
from .checks import RowRefused
from .columns import Column, ColumnMap
from .json_rows import check_attributes, check_pictures, own_merchant, remark
from .rows import PictureName, ProductRow, Reading, TextPart, VariantRow, product_id

LIST_SEPARATOR = "|"
"""Between several highlights, or several pictures, in one cell."""


class _Cells:
    """What the mapped cells of one row said, checked."""

    def __init__(self) -> None:
        self.plain: dict[str, str] = {}
        self.texts: dict[str, TextPart] = {}
        self.prices: dict[str, int] = {}
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
    cells.words(language).highlights = checks.highlights(value.split(LIST_SEPARATOR), field=field)


def _price(cells: _Cells, currency: str, value: str, field: str) -> None:
    cells.prices[currency] = checks.price(value, currency, field=field)


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
                value = cells[column.index].strip() if column.constant is None else column.constant
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
        checks.at_most(len(given.options), bounds.MAX_OPTIONS, "option", "options")
        pictures = None
        if "image" in plain:
            named = [PictureName(name.strip()) for name in plain["image"].split(LIST_SEPARATOR) if name.strip()]
            pictures = check_pictures(named, "image", bounds.MAX_VARIANT_PICTURES)
        variant = VariantRow(
            line=line,
            field=self._price_field,
            sku=sku,
            position=line,
            gtin=checks.gtin(plain["gtin"], field="gtin") if "gtin" in plain else None,
            options=given.options or None,
            prices=given.prices,
            stock=given.stock,
            pictures=pictures,
            for_sale=checks.yes_or_no(plain["for_sale"], field="for_sale") if "for_sale" in plain else None,
        )
        return ProductRow(
            line=line,
            merchant=merchant,
            key=key,
            id=product_id(merchant, key),
            slug=_slug(given, key),
            category=_category(plain["category"]) if "category" in plain else None,
            brand=checks.text(plain["brand"], field="brand", limit=bounds.MAX_BRAND) if "brand" in plain else None,
            texts=given.texts,
            attributes=check_attributes(dict(given.attributes)) if given.attributes else None,
            variants=[variant],
        )


def _field(column: Column, header: Sequence[str]) -> str:
    return header[column.index] if column.constant is None else f"{column.kind}=="


def _category(value: str) -> str:
    """A category by slug or by name, such as `Home & Garden`."""
    return checks.slug(checks.make_slug(value) or value, field="category")


def _slug(given: _Cells, key: str) -> str:
    """The address of a new product: its title and key, since the key of a table is seldom a word."""
    title = next((part.title for part in given.texts.values() if part.title), "")
    tail = checks.make_slug(key)[:30].strip("-")
    head = checks.make_slug(title)[: bounds.MAX_SLUG - len(tail) - 1].strip("-")
    return f"{head}-{tail}".strip("-") if head != tail else head
