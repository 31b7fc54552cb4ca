"""Goods as tables: our own CSV with a row for each variant, and what every table that goes out is written with."""

import csv
import io
from collections.abc import Iterable, Sequence

import msgspec

from nightmarket.catalog.contract import ProductText, Variant

from .cells import defused
from .goods_out import Assortment, Going, price_text

_PLAIN = (
    *("merchant", "product", "slug", "sku", "gtin", "category", "brand", "kind", "state", "size_chart", "shelves"),
    *("for_sale", "starts_at", "ends_at", "options", "attributes", "product_image", "image"),
)
_BY_LANGUAGE = ("title", "summary", "description", "highlights")
_NOTHING = ProductText(title="")


def table(rows: Iterable[Sequence[str]], delimiter: str = ",") -> str:
    """Rows as delimited text, with cells that no spreadsheet calculates."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows([defused(cell) for cell in row] for row in rows)
    return out.getvalue()


def json_cell(value: object) -> str:
    """A cell that holds JSON, as JSON Lines has it."""
    return msgspec.json.encode(value).decode()


class TableOut:
    """Writes our own table, whose header is its map."""

    def __init__(self, assortment: Assortment) -> None:
        self._assortment = assortment

    def start(self) -> str:
        made = self._assortment
        words = [f"{name}.{language}" for language in made.languages for name in _BY_LANGUAGE]
        figures = [*(f"price.{one}" for one in made.currencies), *(f"stock.{one}" for one in made.places)]
        return table([[*_PLAIN, *words, *figures]])

    def rows(self, going: Going) -> str:
        return table(self._row(going, variant) for variant in going.product.variants)

    def end(self) -> str:
        return ""

    def _row(self, going: Going, variant: Variant) -> list[str]:
        product, made = going.product, self._assortment
        stock = going.stock.get(variant.id, {})
        plain = {
            "merchant": product.merchant.slug,
            "product": product.slug,
            "slug": product.slug,
            "sku": variant.sku,
            "gtin": variant.gtin or "",
            "category": product.category,
            "brand": product.brand,
            "kind": product.kind.value,
            "state": product.state.value,
            "size_chart": product.size_chart.slug if product.size_chart else "",
            "shelves": "|".join(product.shelves),
            "for_sale": "yes" if variant.for_sale else "no",
            "starts_at": variant.starts_at.isoformat() if variant.starts_at else "",
            "ends_at": variant.ends_at.isoformat() if variant.ends_at else "",
            "options": json_cell(variant.options) if variant.options else "",
            "attributes": json_cell(product.attributes) if product.attributes else "",
            "product_image": json_cell(made.pictures(product.media)) if product.media else "",
            "image": json_cell(made.pictures(variant.media)) if variant.media else "",
        }
        cells = [plain[name] for name in _PLAIN]
        for language in made.languages:
            words = product.texts.get(language, _NOTHING)
            highlights = json_cell(words.highlights) if words.highlights else ""
            cells += [words.title, words.summary, words.description, highlights]
        for currency in made.currencies:
            amount = variant.prices.get(currency)
            cells.append("" if amount is None else price_text(amount, currency))
        cells += [str(stock[place]) if place in stock else "" for place in made.places]
        return cells
