"""The trees of categories: made, renamed, moved, put in order."""

from collections.abc import Sequence

import msgspec

from nightmarket.catalog.contract import Category, ReferenceChanged
from nightmarket.catalog.errors import Reason
from nightmarket.catalog.model import bounds, checks
from nightmarket.catalog.model.checks import RowRefused
from nightmarket.catalog.model.flaws import Flaws
from nightmarket.catalog.model.reference_rules import check_position, need_name
from nightmarket.catalog.model.trees import below, in_one_tree, is_rooted
from nightmarket.catalog.store import directory, reference
from nightmarket.platform.database import Connection

from .means import Means, check_amount, check_version

MOST_CATEGORIES = 1_000
GOODS = "goods"


async def save_categories(means: Means, tx: Connection, categories: Sequence[Category]) -> Sequence[Category]:
    """Check the trees as they will be, then write what was named and what comes along into another tree."""
    check_amount(categories, MOST_CATEGORIES, "categories")
    await reference.lock_reference(tx)
    known = {one.slug: one for one in await directory.categories(tx)}
    flaws = Flaws()
    after = dict(known)
    for number, one in enumerate(categories):
        flaws.about(number)
        check_version(one.slug, one.version, known[one.slug].version if one.slug in known else 0)
        after[one.slug] = _checked(one, flaws)
    parents = {slug: one.parent for slug, one in after.items()}
    for number, one in enumerate(categories):
        flaws.about(number)
        if not all(is_rooted(slug, parents) for slug in (one.slug, *below(one.slug, after.values()))):
            flaws.note(
                RowRefused(
                    "parent",
                    Reason.PARENT_UNKNOWN,
                    f"From {one.slug!r} upwards the parents do not lead to a top category that exists.",
                    f"Choose a parent that is not below it; at most {bounds.MAX_CATEGORY_DEPTH} levels are kept.",
                )
            )
    flaws.settle()
    after = in_one_tree(after)
    named = {one.slug for one in categories}
    changed = [one for slug, one in after.items() if slug in named or one != known.get(slug)]
    await _check_goods(tx, changed, flaws, [one.slug for one in categories])
    flaws.settle()
    at = means.clock.now()
    await directory.write_categories(tx, changed, at, replace=True)
    await means.facts.append(tx, [ReferenceChanged("category", one.slug) for one in changed], at)
    return await directory.categories(tx, sorted(named))


def _checked(one: Category, flaws: Flaws) -> Category:
    flaws.check(lambda: checks.slug(one.slug, field="slug"), "")
    flaws.check(lambda: checks.slug(one.tree, field="tree"), "")
    flaws.check(lambda: check_position(one.position), None)
    names = flaws.check(lambda: checks.texts(one.names, field="names", limit=bounds.MAX_NAME), one.names)
    flaws.check(lambda: need_name(names), None)
    return msgspec.structs.replace(one, names=names, parent=one.parent or None)


async def _check_goods(tx: Connection, changed: Sequence[Category], flaws: Flaws, order: Sequence[str]) -> None:
    """What goods belong to stays in the tree of goods."""
    away = [one.slug for one in changed if one.tree != GOODS]
    for slug in await directory.categories_with_goods(tx, away):
        flaws.about(order.index(slug) if slug in order else 0)
        flaws.note(
            RowRefused(
                "tree",
                Reason.VALUE_INVALID,
                f"Products belong to {slug!r}; it cannot leave the tree of goods.",
                "Move those products to another category first.",
            )
        )
