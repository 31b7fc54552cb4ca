"""Goods as JSON Lines: everything there is to say of a product, on one line."""

from typing import Any

import msgspec

from nightmarket.catalog.contract import Variant

from .goods_out import Assortment, Going, price_text

_ENCODER = msgspec.json.Encoder()


class JsonOut:
    """Writes one line a product."""

    def __init__(self, assortment: Assortment) -> None:
        self._assortment = assortment

    def start(self) -> str:
        return ""

    def rows(self, going: Going) -> str:
        """The product's line; nothing for a product that has no variant."""
        product = going.product
        if not product.variants:
            return ""
        line: dict[str, Any] = {
            "merchant": product.merchant.slug,
            "product": product.slug,
            "category": product.category,
            "brand": product.brand,
            "kind": product.kind,
            "state": product.state,
            "size_chart": product.size_chart.slug if product.size_chart else "",
            "shelves": product.shelves,
            "texts": product.texts,
            "attributes": product.attributes,
            "media": self._assortment.pictures(product.media),
            "variants": [self._variant(variant, going.stock.get(variant.id, {})) for variant in product.variants],
        }
        return _ENCODER.encode(line).decode() + "\n"

    def end(self) -> str:
        return ""

    def _variant(self, variant: Variant, stock: dict[str, int]) -> dict[str, Any]:
        given: dict[str, Any] = {
            "sku": variant.sku,
            "options": variant.options,
            "prices": {currency: price_text(amount, currency) for currency, amount in sorted(variant.prices.items())},
            "stock": dict(sorted(stock.items())),
            "media": self._assortment.pictures(variant.media),
            "for_sale": variant.for_sale,
        }
        if variant.gtin:
            given["gtin"] = variant.gtin
        if variant.starts_at and variant.ends_at:
            given |= {"starts_at": variant.starts_at, "ends_at": variant.ends_at}
        return given
