"""Prices of many goods changed by a percentage: first shown, then done, unless somebody changed one in between."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from litestar.response.base import ASGIResponse

from nightmarket.catalog.contract import PriceDraft, ShelfRow
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.stalls import own
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import derive, encode
from nightmarket.kernel.languages import pick
from nightmarket.kernel.money import BASIS_POINTS, decimal_of, share_of
from nightmarket.kernel.problems import InvalidInput, Kind, Problem

from .goods import PATH, chosen_ids, page

_PERCENT = re.compile(r"([+-]?)([0-9]{1,5})(?:[.,]([0-9]{1,2}))?\s*%?")
LEAST, MOST = -9_000, 100_000
"""Basis points that prices may change by at once: ninety per cent less to ten times more."""


class PricesMoved(Problem):
    """A price is no longer what the preview showed."""

    code = "prices_moved"
    kind = Kind.CONFLICT


class Change(NamedTuple):
    """A variant's prices before and after, in minor units per currency."""

    row: ShelfRow
    title: str
    after: Mapping[str, int]


async def preview(desk: Desk) -> ASGIResponse:
    """What the prices would become."""
    form = await desk.form()
    try:
        changes = await _changes(desk, form.lists.get("id", []), form.get("percent"))
    except Problem as problem:
        return await page(desk, problem, form.lists.get("id", []))
    return desk.page(
        "selling/prices.html",
        changes=changes,
        idents=form.lists["id"],
        percent=form.get("percent"),
        seen=_fingerprint([one.row for one in changes]),
    )


async def change(desk: Desk) -> ASGIResponse:
    """Change them, if they are what the preview was made of."""
    form = await desk.form()
    merchant = await own(desk)
    try:
        changes = await _changes(desk, form.lists.get("id", []), form.get("percent"))
        detail = f"{form.get('percent')} %: {len(changes)}"
        async with desk.acting("goods.prices", encode("mer", merchant.id), detail) as tx:
            drafts = [PriceDraft(one.row.variant, as_text(one.after)) for one in changes]
            before = await desk.shop.shelf.by_id(tx, merchant.id, [one.row.variant for one in changes])
            if _fingerprint(before) != form.get("seen"):
                words = say_later("A price changed in the meantime. Look at the preview again.")
                raise PricesMoved(words)
            await desk.shop.editor.set_prices(tx, merchant.id, drafts, desk.actor.name)
    except Problem as problem:
        return await page(desk, problem, form.lists.get("id", []))
    return desk.redirect(f"{PATH}?done=goods-prices")


async def _changes(desk: Desk, idents: Sequence[str], percent: str) -> list[Change]:
    merchant, ids, points = await own(desk), chosen_ids(idents), basis_points(percent)
    async with desk.reading() as connection:
        rows = await desk.shop.shelf.of_products(connection, merchant.id, ids)
    if not rows:
        raise InvalidInput(say_later("These goods have no variants with prices."), field="id")
    return [Change(row, pick(row.title, desk.visit.language) or row.sku, changed(row.prices, points)) for row in rows]


def basis_points(text: str) -> int:
    """A change in per cent as people write it: 5, -10, 2,5 %. Raises InvalidInput."""
    words = say_later("Write a percentage between -90 and 1000, such as -10 or 2.5.")
    try:
        points = plain_percent(text)
    except InvalidInput:
        raise InvalidInput(words, field="percent") from None
    if not LEAST <= points <= MOST or points == 0:
        raise InvalidInput(words, field="percent")
    return points


def plain_percent(text: str) -> int:
    """Basis points of a percentage with at most two decimals. Raises InvalidInput."""
    found = _PERCENT.fullmatch(text.replace("−", "-").strip())
    if found is None:
        raise InvalidInput("That is not a percentage.", field="percent")
    points = int(found[2]) * 100 + int((found[3] or "0").ljust(2, "0"))
    return -points if found[1] == "-" else points


def changed(prices: Mapping[str, int], points: int) -> dict[str, int]:
    """Each price changed by basis points, rounded once, half up, and never to nothing."""
    return {code: max(1, share_of(amount, BASIS_POINTS + points)) for code, amount in prices.items()}


def as_text(prices: Mapping[str, int]) -> dict[str, str]:
    """Prices as a draft has them."""
    return {code: str(decimal_of(amount, code)) for code, amount in prices.items()}


def _fingerprint(rows: Sequence[ShelfRow]) -> str:
    """One short text for all prices; another one as soon as a price is another."""
    said = [f"{row.variant}:{code}:{amount}" for row in rows for code, amount in sorted(row.prices.items())]
    return encode("seen", derive("prices-seen", *sorted(said)))
