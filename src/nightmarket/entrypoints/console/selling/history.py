"""What a product was before: its versions, what each change changed, and the way back."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from litestar.response.base import ASGIResponse

from nightmarket.catalog.contract import Kept
from nightmarket.catalog.errors import VersionConflict
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import InvalidInput

from .product import GOODS, product_of

DIFFERENCES_SHOWN = 60
LETTERS_SHOWN = 300


class Difference(NamedTuple):
    """One place that a change changed."""

    place: str
    before: str
    after: str


class Step(NamedTuple):
    """A version that was replaced: when, by whom, and what the version after it says otherwise."""

    version: int
    replaced_at: datetime | None
    replaced_by: str
    differences: Sequence[Difference]
    more: int


async def show(desk: Desk) -> ASGIResponse:
    """The versions, latest first."""
    product = await product_of(desk)
    async with desk.reading() as connection:
        kept = await desk.shop.shelf.versions(connection, product.merchant.id, product.id)
    return desk.page(
        "selling/history.html",
        product=product,
        ident=encode("prd", product.id),
        title=pick({code: words.title for code, words in product.texts.items()}, desk.visit.language) or product.slug,
        steps=steps_of(kept),
    )


async def undo(desk: Desk) -> ASGIResponse:
    """Make an older version the newest one again; stock is not touched."""
    form = await desk.form()
    product = await product_of(desk)
    version, seen = form.number("to", 0), form.number("version", 0)
    if version < 1:
        raise InvalidInput(say_later("Choose a version."), field="to")
    ident = encode("prd", product.id)
    try:
        async with desk.acting("goods.undo", ident, f"{product.slug}: {version}") as tx:
            await desk.shop.editor.undo(tx, product.id, version, seen, desk.actor.name)
    except VersionConflict:
        return desk.redirect(f"{GOODS}/{ident}/history?done=goods-moved")
    return desk.redirect(f"{GOODS}/{ident}?done=goods-undone")


def steps_of(kept: Sequence[Kept]) -> list[Step]:
    """Each replaced version beside the one that replaced it. `kept` is latest first."""
    found: list[Step] = []
    for newer, older in pairwise(kept):
        places = dict.fromkeys((*older.content, *newer.content))
        changed = [
            Difference(place, _short(older.content.get(place, "")), _short(newer.content.get(place, "")))
            for place in places
            if older.content.get(place) != newer.content.get(place)
        ]
        shown = changed[:DIFFERENCES_SHOWN]
        found.append(Step(older.version, older.replaced_at, older.replaced_by, shown, len(changed) - len(shown)))
    return found


def _short(text: str) -> str:
    return text if len(text) <= LETTERS_SHOWN else f"{text[:LETTERS_SHOWN]}…"
