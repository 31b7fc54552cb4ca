"""Goods as a Google Merchant feed, XML (RSS 2.0) or TSV: live goods in one language and currency."""

from collections.abc import Iterator
from xml.sax.saxutils import escape

from nightmarket.catalog.contract import Product, ProductState, Variant

from . import bounds
from .goods_out import Assortment, Going, price_text
from .google_rows import OPTION_SECTION, OPTIONS, PLACE, VARIANT_PICTURES
from .html_text import to_html, to_text
from .table_out import table

FIELDS = (
    *("id", "item_group_id", "title", "description", "link", "image_link", "additional_image_link", VARIANT_PICTURES),
    *("availability", "quantity", "price", "brand", "gtin", "product_type", "condition", *OPTIONS),
)
_GOOGLE = {ours: name for name, ours in OPTIONS.items()}

Item = list[tuple[str, list[str]]]
"""Fields in order, each with its values."""


def items(going: Going, made: Assortment) -> Iterator[Item]:
    """An item for each variant that is shown and has a price; none for goods without words in the language."""
    product = going.product
    words = product.texts.get(made.language)
    if words is None or product.state is not ProductState.LIVE:
        return
    plain = to_text(words.description) == words.description
    shared = {
        "item_group_id": [product.slug],
        "title": [words.title],
        "description": [words.description if plain else to_html(words.description)],
        "link": [f"{made.address}/products/{product.slug}"],
        "image_link": [made.picture(one) for one in product.media[:1]],
        "additional_image_link": [made.picture(one) for one in product.media[1:]],
        "brand": [product.brand],
        "product_type": [product.category],
        "condition": ["new"],
    }
    for variant in product.variants:
        price = variant.prices.get(made.currency)
        if price is not None:
            own = _variant(product, variant, going.stock.get(variant.id, {}), made)
            own["price"] = [f"{price_text(price, made.currency)} {made.currency}"]
            given = shared | own
            yield [(name, given.get(name, [])) for name in (*FIELDS, "product_detail")]


def _variant(_: Product, variant: Variant, stock: dict[str, int], made: Assortment) -> dict[str, list[str]]:
    options = {name: texts[made.language] for name, texts in variant.options.items() if made.language in texts}
    given = {
        "id": [variant.sku],
        VARIANT_PICTURES: [made.picture(one) for one in variant.media],
        "availability": ["in_stock" if any(stock.values()) else "out_of_stock"],
        "quantity": [str(stock[PLACE])] if PLACE in stock else [],
        "gtin": [variant.gtin] if variant.gtin else [],
        "product_detail": [f"{OPTION_SECTION}:{name}:{text}" for name, text in options.items() if name not in _GOOGLE],
    }
    return given | {_GOOGLE[name]: [text] for name, text in options.items() if name in _GOOGLE}


class GoogleXmlOut:
    """Writes RSS 2.0."""

    def __init__(self, assortment: Assortment) -> None:
        self._assortment = assortment

    def start(self) -> str:
        name = self._assortment.merchant.name if self._assortment.merchant else "Nightmarket"
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0">\n'
            f"<channel>\n<title>{escape(name)}</title>\n<link>{escape(self._assortment.address)}/</link>\n"
            f"<description>{escape(name)}</description>\n"
        )

    def rows(self, going: Going) -> str:
        return "".join(f"<item>\n{''.join(map(self._field, item))}</item>\n" for item in items(going, self._assortment))

    def end(self) -> str:
        return "</channel>\n</rss>\n"

    def _field(self, field: tuple[str, list[str]]) -> str:
        name, values = field
        if name == VARIANT_PICTURES and not values:
            return f"<g:{name}/>\n"
        if name == "product_detail":
            return "".join(map(_detail, values))
        return "".join(f"<g:{name}>{escape(value)}</g:{name}>\n" for value in values if value)


def _detail(value: str) -> str:
    section, name, text = value.split(":", 2)
    return (
        f"<g:product_detail><g:section_name>{section}</g:section_name><g:attribute_name>{name}</g:attribute_name>"
        f"<g:attribute_value>{escape(text)}</g:attribute_value></g:product_detail>\n"
    )


class GoogleTableOut:
    """Writes TSV; a field that may come several times without commas has as many columns."""

    def __init__(self, assortment: Assortment) -> None:
        self._assortment = assortment

    def start(self) -> str:
        return table([[*FIELDS, *["product_detail"] * bounds.MAX_OPTIONS]], "\t")

    def rows(self, going: Going) -> str:
        return table((self._row(dict(item)) for item in items(going, self._assortment)), "\t")

    def end(self) -> str:
        return ""

    def _row(self, item: dict[str, list[str]]) -> list[str]:
        details = item["product_detail"]
        empty = [""] * (bounds.MAX_OPTIONS - len(details))
        return [*(",".join(item[name]) for name in FIELDS), *details, *empty]
