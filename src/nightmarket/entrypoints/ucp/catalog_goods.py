"""From the catalogue's goods to UCP's: what is shown of a product, its variants and their options."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from msgspec import UNSET

from nightmarket.catalog.contract import Media, MerchantState, Product, ProductKind, ProductState, Texts, Variant
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick

from . import catalog_wire as wire
from .wire import Link

PICTURE_WIDTH = 768
MAX_PICTURES = 10


class View(msgspec.Struct, frozen=True):
    """How goods are shown: where the shop is, in which words and currency, and what is left by tally."""

    address: str
    language: str
    currency: str
    left: Mapping[UUID, int]
    least: int | None = None
    most: int | None = None

    def shows(self, variant: Variant) -> bool:
        """Whether it can be bought in this currency, at a price that was asked for."""
        price = variant.prices.get(self.currency)
        if price is None or not variant.for_sale:
            return False
        return (self.least is None or price >= self.least) and (self.most is None or price <= self.most)

    def words(self, texts: Texts) -> str:
        return pick(texts, self.language) or ""


def is_shown(product: Product) -> bool:
    """Whether others may see it, and an order can be for it."""
    is_open = product.state is ProductState.LIVE and product.merchant.state is MerchantState.OPEN
    return is_open and product.kind is not ProductKind.CONTACT


def tallies_of(products: Sequence[Product]) -> list[UUID]:
    """What counts the stock of these."""
    return [stock.tally for product in products for variant in product.variants for stock in variant.stock]


def shown(product: Product, variants: Sequence[Variant], view: View) -> wire.Product:
    """A product with some of its variants, of which there is at least one; its prices are those of these."""
    texts = pick(product.texts, view.language)
    title = texts.title if texts else product.slug
    words = (texts.description or texts.summary or texts.title) if texts else product.slug
    prices = [variant.prices[view.currency] for variant in variants]
    category = [wire.Category(product.category, "merchant"), *(wire.Category(s, "merchant") for s in product.shelves)]
    return wire.Product(
        id=encode("prd", product.id),
        handle=product.slug,
        title=title,
        description=wire.Description(words),
        url=f"{view.address}/products/{product.slug}",
        categories=category,
        price_range=wire.PriceRange(
            wire.Price(min(prices), view.currency),
            wire.Price(max(prices), view.currency),
        ),
        variants=[_variant(product, variant, title, view) for variant in variants],
        media=_pictures(product.media, view) or UNSET,
        options=[
            wire.Option(name, [wire.OptionValue(label) for label in labels])
            for name, labels in labels_of(product.variants, view).items()
        ]
        or UNSET,
    )


def labels_of(variants: Sequence[Variant], view: View) -> dict[str, list[str]]:
    """The names of the options, each with its labels in the order of the variants."""
    found: dict[str, dict[str, None]] = {}
    for variant in variants:
        for name, texts in variant.options.items():
            found.setdefault(name, {})[view.words(texts)] = None
    return {name: list(labels) for name, labels in found.items()}


def selection_of(variant: Variant, view: View) -> dict[str, str]:
    """A variant's own options: label by name."""
    return {name: view.words(texts) for name, texts in variant.options.items()}


def is_available(variant: Variant, view: View) -> bool:
    return any(view.left.get(stock.tally, 0) > 0 for stock in variant.stock)


def _variant(product: Product, variant: Variant, title: str, view: View) -> wire.Variant:
    available = is_available(variant, view)
    options = selection_of(variant, view)
    name = ", ".join([title, *options.values()])
    merchant = product.merchant
    return wire.Variant(
        id=encode("var", variant.id),
        sku=variant.sku,
        title=name,
        description=wire.Description(name),
        price=wire.Price(variant.prices[view.currency], view.currency),
        availability=wire.Availability(available, "in_stock" if available else "out_of_stock"),
        seller=wire.Seller(merchant.name, [Link("storefront", f"{view.address}/merchants/{merchant.slug}")]),
        url=f"{view.address}/products/{product.slug}",
        options=[wire.SelectedOption(key, label) for key, label in options.items()] or UNSET,
        barcodes=[wire.Barcode("GTIN", variant.gtin)] if variant.gtin else UNSET,
        media=_pictures(variant.media, view) or UNSET,
    )


def _pictures(media: Sequence[Media], view: View) -> list[wire.Picture]:
    return [
        wire.Picture("image", f"{view.address}/media/{one.image}/{PICTURE_WIDTH}", view.words(one.alt))
        for one in media[:MAX_PICTURES]
    ]
