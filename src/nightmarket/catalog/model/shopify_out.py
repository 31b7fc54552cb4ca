"""Goods as Shopify's product CSV: one language, one currency, the stock of the place `main`."""

from itertools import zip_longest

from nightmarket.catalog.contract import Media, Product, ProductState, Variant

from .goods_out import Assortment, Going, price_text
from .html_text import to_html
from .shopify_rows import OPTIONS, PLACE
from .table_out import table

HEADER = (
    *("Handle", "Title", "Body (HTML)", "Vendor", "Type", "Published"),
    *(f"Option{n} {part}" for n in range(1, OPTIONS + 1) for part in ("Name", "Value")),
    *("Variant SKU", "Variant Inventory Tracker", "Variant Inventory Qty", "Variant Inventory Policy"),
    *("Variant Fulfillment Service", "Variant Price", "Variant Requires Shipping", "Variant Taxable"),
    *("Variant Barcode", "Image Src", "Image Position", "Image Alt Text", "Variant Image", "Status"),
)
STATUS = {ProductState.LIVE: "active", ProductState.DRAFT: "draft", ProductState.WITHDRAWN: "archived"}


class ShopifyOut:
    """Writes the rows of one product after another."""

    def __init__(self, assortment: Assortment) -> None:
        self._assortment = assortment

    def start(self) -> str:
        return table([HEADER])

    def rows(self, going: Going) -> str:
        """A row for each variant and each further picture; nothing for goods without words in the language."""
        product, made = going.product, self._assortment
        if made.language not in product.texts or not product.variants:
            return ""
        names = list(dict.fromkeys(name for variant in product.variants for name in variant.options))[:OPTIONS]
        pairs = zip_longest(product.variants, product.media)
        return table(self._row(going, place, names, pair) for place, pair in enumerate(pairs))

    def end(self) -> str:
        return ""

    def _row(self, going: Going, place: int, names: list[str], pair: tuple[Variant | None, Media | None]) -> list[str]:
        made, (variant, media) = self._assortment, pair
        cells = {"Handle": going.product.slug}
        if place == 0:
            cells |= self._product(going.product)
            cells |= {f"Option{n} Name": name for n, name in enumerate(names or ["Title"], 1)}
        if variant is not None:
            cells |= self._variant(variant, going.stock.get(variant.id, {}), names)
        if media is not None:
            cells |= {
                "Image Src": made.picture(media),
                "Image Position": str(place + 1),
                "Image Alt Text": media.alt.get(made.language, ""),
            }
        return [cells.get(name, "") for name in HEADER]

    def _product(self, product: Product) -> dict[str, str]:
        words = product.texts[self._assortment.language]
        return {
            "Title": words.title,
            "Body (HTML)": to_html(words.description),
            "Vendor": product.brand,
            "Type": product.category,
            "Published": "true" if product.state is ProductState.LIVE else "false",
            "Status": STATUS[product.state],
        }

    def _variant(self, variant: Variant, stock: dict[str, int], names: list[str]) -> dict[str, str]:
        made = self._assortment
        price = variant.prices.get(made.currency)
        cells = {
            f"Option{n} Value": variant.options.get(name, {}).get(made.language, "") for n, name in enumerate(names, 1)
        }
        return {
            **(cells if names else {"Option1 Value": "Default Title"}),
            "Variant SKU": variant.sku,
            "Variant Inventory Tracker": "shopify",
            "Variant Inventory Qty": str(stock[PLACE]) if PLACE in stock else "",
            "Variant Inventory Policy": "deny",
            "Variant Fulfillment Service": "manual",
            "Variant Price": "" if price is None else price_text(price, made.currency),
            "Variant Requires Shipping": "true",
            "Variant Taxable": "true",
            "Variant Barcode": variant.gtin or "",
            "Variant Image": made.picture(variant.media[0]) if variant.media else "",
        }
