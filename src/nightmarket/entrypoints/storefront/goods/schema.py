"""What machines read on a product's page: schema.org as JSON-LD (https://schema.org/Product)."""

from typing import Any

import msgspec
from markupsafe import Markup

from nightmarket.catalog.contract import Product, ProductText
from nightmarket.entrypoints.storefront.wares import VariantView
from nightmarket.kernel.money import minor_digits

_ENCODER = msgspec.json.Encoder()


def json_ld(
    product: Product, text: ProductText, variants: list[VariantView], *, address: str, path: list[tuple[str, str]]
) -> Markup:
    """The product with an offer for each variant, and the way to it; for a script element of type ld+json."""
    url = f"{address}/products/{product.slug}"
    images = [f"{address}/media/{media.image}/1200" for media in product.media[:6]]
    item: dict[str, Any] = {
        "@type": "Product",
        "@id": url,
        "url": url,
        "name": text.title,
        "description": text.summary or text.description[:500],
        "image": images,
        "offers": [_offer(product, variant, url) for variant in variants if variant.price],
    }
    if product.brand:
        item["brand"] = {"@type": "Brand", "name": product.brand}
    gtins = {variant.gtin for variant in product.variants if variant.gtin}
    if len(gtins) == 1:
        item["gtin"] = gtins.pop()
    steps = [
        {"@type": "ListItem", "position": place, "name": name, "item": f"{address}{where}"}
        for place, (name, where) in enumerate(path, 1)
    ]
    crumbs = {"@type": "BreadcrumbList", "itemListElement": steps}
    return in_script({"@context": "https://schema.org", "@graph": [item, crumbs]})


def _offer(product: Product, variant: VariantView, url: str) -> dict[str, Any]:
    price = variant.price
    assert price is not None
    offer: dict[str, Any] = {
        "@type": "Offer",
        "sku": variant.sku,
        "url": url,
        "price": decimal_text(price.amount, price.currency),
        "priceCurrency": price.currency,
        "availability": f"https://schema.org/{'SoldOut' if variant.stock.out else 'InStock'}",
        "itemCondition": "https://schema.org/NewCondition",
        "seller": {"@type": "Organization", "name": product.merchant.name},
    }
    if price.until is not None:
        offer["priceValidUntil"] = price.until.isoformat()
    return offer


def decimal_text(amount: int, currency: str) -> str:
    """Minor units with a point, as machines read them."""
    digits = minor_digits(currency)
    whole, rest = divmod(amount, 10**digits)
    return f"{whole}.{rest:0{digits}d}" if digits else str(whole)


def in_script(value: object) -> Markup:
    """JSON that no script element can end early, whatever words a merchant writes."""
    text = _ENCODER.encode(value).decode()
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)  # noqa: S704 (escaped above)
