"""From products to a document: what is searched, filtered and sorted by."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import (
    Attribute,
    AttributeType,
    Category,
    MerchantState,
    Product,
    ProductKind,
    ProductState,
    Texts,
)
from nightmarket.discovery.contract import ATTRIBUTE_PREFIX, BRAND, CATEGORY, MERCHANT
from nightmarket.kernel.languages import LANGUAGES, pick

from .text import fold, plain, words_of
from .vectors import Weighted, weigh

SHELF = "shelf"
"""The facet of a product's own category, which offers name; not shown."""

MAX_PRODUCTS = 40
"""Products of one master that its document lists: the ones in stock and cheap come first."""

MAX_TERMS = 64
MAX_CODES = 1_000
MAX_ANCESTORS = 8
VOCABULARY_WORDS = 600
"""Different words of a document and language that the vocabulary learns."""


class Term(msgspec.Struct, frozen=True):
    """A value of a facet."""

    facet: str
    value: str


class Document(msgspec.Struct, frozen=True):
    """What is written of one card. `terms` carry the names of their values, where these are known."""

    id: UUID
    products: tuple[UUID, ...]
    merchants: tuple[UUID, ...]
    terms: dict[Term, Texts]
    prices: dict[str, int]
    in_stock: bool
    added_at: datetime
    codes: tuple[str, ...]
    tallies: tuple[UUID, ...]
    words: dict[str, Weighted]
    vocabulary: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
    """Per language: the words of titles, and the others."""


class Surroundings(msgspec.Struct, frozen=True):
    """What else of the catalogue a document is made from."""

    categories: Mapping[str, Category]
    attributes: Mapping[str, Attribute]
    levels: Mapping[UUID, int]
    """What is left, per tally."""

    def above(self, slug: str) -> list[Category]:
        """The category and those above it."""
        found: list[Category] = []
        one = self.categories.get(slug)
        while one is not None and one not in found and len(found) < MAX_ANCESTORS:
            found.append(one)
            one = self.categories.get(one.parent or "")
        return found


def shown(product: Product) -> bool:
    """Whether search knows it: live, of an open merchant, with something for sale."""
    return (
        product.state is ProductState.LIVE
        and product.merchant.state is MerchantState.OPEN
        and any(variant.for_sale for variant in product.variants)
    )


def in_stock(product: Product, levels: Mapping[UUID, int]) -> bool:
    """Whether a variant can be had now; a contact has no stock that could run out."""
    return product.kind is ProductKind.CONTACT or any(
        levels.get(stock.tally, 0) > 0 for variant in product.variants if variant.for_sale for stock in variant.stock
    )


def document_of(kin: Sequence[Product], around: Surroundings) -> Document | None:
    """One document for a product and all others of its master; None where nothing of it is shown."""
    goods = sorted((one for one in kin if shown(one)), key=lambda one: _order(one, around))[:MAX_PRODUCTS]
    if not goods:
        return None
    first = goods[0]
    words = {language: _words(goods, around, language) for language in LANGUAGES}
    codes = [code.upper() for one in goods for v in one.variants for code in (v.sku, v.gtin) if code and v.for_sale]
    return Document(
        id=first.master or first.id,
        products=tuple(one.id for one in goods),
        merchants=tuple(one.merchant.id for one in goods),
        terms=dict(list(_terms(goods, around).items())[:MAX_TERMS]),
        prices=_lowest(goods),
        in_stock=in_stock(first, around.levels),
        added_at=min(one.updated_at for one in goods),
        codes=tuple(dict.fromkeys(codes))[:MAX_CODES],
        tallies=_tallies(goods),
        words={language: weigh(parts, chinese=language == "zh") for language, parts in words.items()},
        vocabulary={language: _vocabulary(parts) for language, parts in words.items()},
    )


def _order(product: Product, around: Surroundings) -> tuple[bool, bool, int, UUID]:
    """Who is shown for all: in stock, something that can be bought, cheap; the id decides between equals."""
    cheapest = min((min(v.prices.values()) for v in product.variants if v.for_sale and v.prices), default=0)
    return not in_stock(product, around.levels), product.kind is ProductKind.CONTACT, cheapest, product.id


def _tallies(goods: Sequence[Product]) -> tuple[UUID, ...]:
    """Whose levels say whether it is in stock; none where something of it cannot run out."""
    if any(one.kind is ProductKind.CONTACT for one in goods):
        return ()
    return tuple(stock.tally for one in goods for v in one.variants if v.for_sale for stock in v.stock)


def _lowest(goods: Iterable[Product]) -> dict[str, int]:
    lowest: dict[str, int] = {}
    for one in goods:
        for variant in one.variants:
            for currency, amount in variant.prices.items() if variant.for_sale else ():
                lowest[currency] = min(amount, lowest.get(currency, amount))
    return lowest


def _terms(goods: Sequence[Product], around: Surroundings) -> dict[Term, Texts]:
    found: dict[Term, Texts] = {}
    for one in goods:
        for slug in (one.category, *one.shelves):
            for category in around.above(slug):
                found[Term(CATEGORY, category.slug)] = category.names
        found[Term(SHELF, one.category)] = {}
        found[Term(MERCHANT, one.merchant.slug)] = {"en": one.merchant.name}
        if one.brand:
            found[Term(BRAND, one.brand_slug or plain(one.brand))] = {"en": one.brand}
    for one in goods:
        for key, value in one.attributes.items():
            attribute = around.attributes.get(key)
            if attribute is not None and attribute.filterable:
                for chosen, labels in _values(attribute, value):
                    found[Term(f"{ATTRIBUTE_PREFIX}{key}", chosen)] = labels
    return found


def _values(attribute: Attribute, value: object) -> list[tuple[str, Texts]]:
    """The values of a typed attribute as they are filtered by, with their names."""
    if isinstance(value, bool):
        return [("yes", {})] if value else []
    if isinstance(value, int | float):
        return [(f"{value:g}" if abs(value) < 1e6 else str(value), {})]
    if isinstance(value, dict):
        texts: Texts = {str(key): str(text) for key, text in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        main = pick(texts, "en")
        return [(plain(main)[:80], texts)] if main else []
    values: list[str] = [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if attribute.type is AttributeType.CHOICE:
        return [(one, attribute.choices.get(one, {})) for one in values]
    return [(plain(one)[:80], {"en": one}) for one in values if one.strip()]


Parts = tuple[list[str], list[str], list[str], list[str]]


def _words(goods: Sequence[Product], around: Surroundings, language: str) -> Parts:
    """Title, brand and categories, summary and what else is short, description. The first product's words count whole,
    of the others what their titles add."""
    first = goods[0]
    text = pick(first.texts, language)
    others = [found.title for one in goods[1:] if (found := pick(one.texts, language)) is not None]
    above = [category for slug in (first.category, *first.shelves) for category in around.above(slug)]
    names = [pick(category.names, language) or category.slug for category in above]
    short: list[str] = [*([text.summary, *text.highlights] if text else []), *others]
    for key, value in first.attributes.items():
        short.extend(_said(around.attributes.get(key), value, language))
    for variant in first.variants:
        short.extend(pick(texts, language) or "" for texts in variant.options.values())
    short.extend(dict.fromkeys(one.merchant.name for one in goods))
    return (
        [text.title if text else ""],
        list(dict.fromkeys([one.brand for one in goods if one.brand] + names)),
        list(dict.fromkeys(short)),
        [text.description if text else ""],
    )


def _said(attribute: Attribute | None, value: object, language: str) -> list[str]:
    """What an attribute's value is called."""
    if isinstance(value, bool):
        return [pick(attribute.names, language) or ""] if value and attribute is not None else []
    if isinstance(value, dict):
        texts: Texts = {str(key): str(text) for key, text in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        return [pick(texts, language) or ""]
    values: list[str] = [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    choices = attribute.choices if attribute is not None else {}
    return [pick(choices.get(one, {}), language) or one for one in values]


def _vocabulary(parts: Parts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Words of the title, and the others; each once, without numbers."""
    title = dict.fromkeys(word for text in parts[0] for word in words_of(text) if _learnable(word))
    rest = dict.fromkeys(word for texts in parts[1:] for text in texts for word in words_of(text) if _learnable(word))
    others = [word for word in rest if word not in title][: VOCABULARY_WORDS - len(title)]
    return tuple(title), tuple(others)


def _learnable(word: str) -> bool:
    return len(fold(word)) > 1 and not any(letter.isdigit() for letter in word)
