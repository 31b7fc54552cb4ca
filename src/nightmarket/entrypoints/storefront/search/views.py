"""How a list looks to its template: filters with counts, chips of what is chosen, orders, pages."""

from collections.abc import Sequence

import msgspec

from nightmarket.catalog.contract import AttributeType, Category
from nightmarket.discovery.contract import (
    ATTRIBUTE_PREFIX,
    BRAND,
    CATEGORY,
    MERCHANT,
    PAGE_HITS,
    PAGES,
    FacetCounts,
    Found,
    Sort,
    TermCount,
)
from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.storefront.storefront import Directory
from nightmarket.entrypoints.storefront.wares import WareView
from nightmarket.kernel.languages import pick

from .asking import Asked, address

SHOWN_AT_ONCE = 8
"""Values of a facet that stand open; the rest lies behind "more"."""

GOODS_TREE = "goods"


class Choice(msgspec.Struct, frozen=True):
    """A checkbox: what it sends, what it says, how many goods it leaves."""

    value: str
    label: str
    goods: int
    chosen: bool
    depth: int = 0


class FacetView(msgspec.Struct, frozen=True):
    """A group of checkboxes; `more` lie behind a fold."""

    name: str
    title: str
    choices: tuple[Choice, ...]
    more: tuple[Choice, ...] = ()


class Chip(msgspec.Struct, frozen=True):
    """What is chosen, and where one gets without it."""

    label: str
    href: str


class SortView(msgspec.Struct, frozen=True):
    value: str
    label: str
    chosen: bool


class Listing(msgspec.Struct, frozen=True):
    """A list of goods with everything around it; `search/listing.html` shows it."""

    path: str
    asked: Asked
    found: Found
    wares: Sequence[WareView]
    facets: Sequence[FacetView]
    chips: Sequence[Chip]
    sorts: Sequence[SortView]
    total: str
    pages: int
    previous: str | None
    following: str | None
    plain: str
    """The address without filters."""
    kept: Sequence[tuple[str, str]]
    """Fields that the filters' form sends along."""
    price_hint: tuple[str, str] | None
    corrected_from: str | None
    as_typed: str
    popular: Sequence[WareView] = ()
    nearest: Sequence[Chip] = ()


def total_of(found: Found, visit: Visit) -> str:
    """The number of goods; past what is counted, with a plus."""
    return f"{visit.formats.number(found.total)}{'+' if found.capped else ''}"


def pages_of(found: Found) -> int:
    return min(PAGES, max(1, -(-found.total // PAGE_HITS)))


def sorts_of(visit: Visit, asked: Asked) -> list[SortView]:
    words = {
        Sort.RELEVANCE: visit.say("Best match") if asked.text else visit.say("Recommended"),
        Sort.BEST_SELLING: visit.say("Best-selling"),
        Sort.NEWEST: visit.say("Newest"),
        Sort.CHEAPEST: visit.say("Price, lowest first"),
        Sort.DEAREST: visit.say("Price, highest first"),
    }
    return [SortView(sort.value, label, sort is asked.sort) for sort, label in words.items()]


def facets_of(visit: Visit, directory: Directory, found: Found, scope: tuple[str, str] | None) -> list[FacetView]:
    """Categories first, then brand, merchant and the typed attributes in their order. A facet in which nothing can be
    chosen is left out, and so is the one that the page is about."""
    by_key = {facet.key: facet for facet in found.facets}
    views: list[FacetView] = []
    if CATEGORY in by_key:
        views.extend(_categories(visit, directory, by_key[CATEGORY], scope))
    for key, title in ((BRAND, visit.say("Brand")), (MERCHANT, visit.say("Merchant"))):
        if key in by_key and (scope is None or scope[0] != key):
            views.extend(_plain(visit, directory, by_key[key], title))
    for attribute in sorted(directory.attributes.values(), key=lambda one: (one.position, one.key)):
        key = f"{ATTRIBUTE_PREFIX}{attribute.key}"
        if attribute.filterable and key in by_key:
            title = pick(attribute.names, visit.language) or attribute.key
            unit = f" ({attribute.unit})" if attribute.unit else ""
            views.extend(_plain(visit, directory, by_key[key], f"{title}{unit}"))
    return views


def _categories(
    visit: Visit, directory: Directory, facet: FacetCounts, scope: tuple[str, str] | None
) -> list[FacetView]:
    """One group a tree: the shelves at the top, and below each chosen one its own."""
    counts = {term.value: term for term in facet.terms}
    top = scope[1] if scope is not None and scope[0] == CATEGORY else None
    trees: dict[str, list[Choice]] = {}

    def walk(above: str | None, depth: int) -> None:
        for one in sorted(directory.below(above), key=lambda one: (one.position, pick(one.names, visit.language))):
            term = counts.get(one.slug)
            if term is None or (not term.goods and not term.chosen):
                continue
            label = pick(one.names, visit.language) or one.slug
            trees.setdefault(one.tree, []).append(Choice(one.slug, label, term.goods, term.chosen, depth))
            if term.chosen or _chosen_below(directory, one, counts):
                walk(one.slug, depth + 1)

    walk(top, 0)
    found: list[FacetView] = []
    for tree, choices in sorted(trees.items(), key=lambda pair: (pair[0] != GOODS_TREE, pair[0])):
        if len(choices) > 1 or any(choice.chosen for choice in choices):
            title = visit.say("Category") if tree == GOODS_TREE else tree_title(visit, tree)
            found.append(FacetView(CATEGORY, title, tuple(choices[:SHOWN_AT_ONCE]), tuple(choices[SHOWN_AT_ONCE:])))
    return found


def tree_title(visit: Visit, tree: str) -> str:
    """What a further tree of categories is called."""
    occasion = visit.say("Occasion")
    known = {
        "occasion": occasion,
        "occasions": occasion,
        "gifts": visit.say("Gifts"),
        "collections": visit.say("Collection"),
    }
    return known.get(tree, tree.replace("-", " ").capitalize())


def _chosen_below(directory: Directory, category: Category, counts: dict[str, TermCount]) -> bool:
    return any(
        term.chosen and term.value != category.slug and category in directory.path_to(term.value)
        for term in counts.values()
    )


def _plain(visit: Visit, directory: Directory, facet: FacetCounts, title: str) -> list[FacetView]:
    terms = [term for term in facet.terms if term.goods or term.chosen]
    choices = [Choice(t.value, label_of(visit, directory, facet.key, t), t.goods, t.chosen) for t in terms]
    if len(choices) < 2 and not any(choice.chosen for choice in choices):
        return []
    first = [one for place, one in enumerate(choices) if one.chosen or place < SHOWN_AT_ONCE]
    rest = [one for one in choices if one not in first]
    return [FacetView(facet.key, title, tuple(first), tuple(rest))]


def label_of(visit: Visit, directory: Directory, facet: str, term: TermCount) -> str:
    """What a value is called in the visitor's language."""
    if facet == CATEGORY and term.value in directory.categories:
        return pick(directory.categories[term.value].names, visit.language) or term.value
    attribute = directory.attributes.get(facet.removeprefix(ATTRIBUTE_PREFIX))
    if attribute is not None:
        if attribute.type is AttributeType.FLAG:
            return visit.say("Yes")
        if attribute.type is AttributeType.NUMBER and attribute.unit:
            return f"{term.value} {attribute.unit}"
    return pick(term.labels, visit.language) or term.value


def chips_of(visit: Visit, directory: Directory, path: str, asked: Asked, found: Found) -> list[Chip]:
    """Each chosen filter with its way out; values that search does not know are told as they are written."""
    terms = {(facet.key, term.value): term for facet in found.facets for term in facet.terms}
    chips: list[Chip] = []
    for facet, values in asked.terms.items():
        for value in values:
            term = terms.get((facet, value), TermCount(value, {}, 0))
            label = label_of(visit, directory, facet, term)
            attribute = directory.attributes.get(facet.removeprefix(ATTRIBUTE_PREFIX))
            if attribute is not None and attribute.type in (AttributeType.FLAG, AttributeType.NUMBER):
                title = pick(attribute.names, visit.language) or attribute.key
                label = title if attribute.type is AttributeType.FLAG else f"{title}: {label}"
            chips.append(Chip(label, address(path, asked.without(facet, value))))
    if asked.least is not None or asked.most is not None:
        bare = msgspec.structs.replace(asked, least=None, most=None, page=1)
        chips.append(Chip(_price_words(visit, asked), address(path, bare)))
    if asked.in_stock:
        bare = msgspec.structs.replace(asked, in_stock=False, page=1)
        chips.append(Chip(visit.say("In stock"), address(path, bare)))
    if asked.on_offer:
        bare = msgspec.structs.replace(asked, on_offer=False, page=1)
        chips.append(Chip(visit.say("On offer"), address(path, bare)))
    return chips


def _price_words(visit: Visit, asked: Asked) -> str:
    if asked.least is None:
        return visit.say("up to %(amount)s %(currency)s", amount=f"{asked.most:f}", currency=visit.currency)
    if asked.most is None:
        return visit.say("from %(amount)s %(currency)s", amount=f"{asked.least:f}", currency=visit.currency)
    return f"{asked.least:f} – {asked.most:f} {visit.currency}"
