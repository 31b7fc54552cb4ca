"""How categories hang together. Pure."""

from collections.abc import Iterable, Mapping

import msgspec

from nightmarket.catalog.contract import Category

from . import bounds


def is_rooted(slug: str, parents: Mapping[str, str | None]) -> bool:
    """Whether its parents exist and lead to a top category, without a circle, within the depth that is allowed."""
    for _ in range(bounds.MAX_CATEGORY_DEPTH):
        if slug not in parents:
            return False
        parent = parents[slug]
        if parent is None:
            return True
        slug = parent
    return False


def below(slug: str, categories: Iterable[Category]) -> set[str]:
    """All categories under one, itself not among them; circles do no harm."""
    children: dict[str | None, list[str]] = {}
    for one in categories:
        children.setdefault(one.parent, []).append(one.slug)
    found: set[str] = set()
    waiting = [slug]
    while waiting:
        for child in children.get(waiting.pop(), []):
            if child not in found and child != slug:
                found.add(child)
                waiting.append(child)
    return found


def in_one_tree(categories: Mapping[str, Category]) -> dict[str, Category]:
    """Each category in the tree of the one at its top."""
    return {slug: msgspec.structs.replace(one, tree=_top(one, categories).tree) for slug, one in categories.items()}


def _top(category: Category, categories: Mapping[str, Category]) -> Category:
    for _ in range(bounds.MAX_CATEGORY_DEPTH):
        if category.parent is None or category.parent not in categories:
            break
        category = categories[category.parent]
    return category
