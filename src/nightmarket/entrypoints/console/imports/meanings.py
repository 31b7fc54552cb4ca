"""The meanings that a column may be given."""

MEANINGS = (
    *("sku", "product", "title.en", "title.de", "title.it", "title.zh", "price", "price.EUR", "price.USD", "price.CNY"),
    *("stock.main", "gtin", "brand", "category", "description.en", "description.de", "summary.en", "highlights.en"),
    *("image", "product_image", "option.size", "option.colour", "attribute.material", "for_sale", "state", "merchant"),
)
"""Offered while typing; others of the same kinds are understood too."""
