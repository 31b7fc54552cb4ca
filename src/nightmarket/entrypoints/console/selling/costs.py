"""What goods cost their merchant, typed in one table: shoppers never see it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from litestar.response.base import ASGIResponse

from nightmarket.bootstrap import CURRENCY
from nightmarket.catalog.contract import CostDraft, ShelfRow
from nightmarket.catalog.errors import EntryRefused
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.stalls import merchant_of
from nightmarket.entrypoints.pages import Form
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick

from .drafts import words_of
from .fields import CURRENCIES
from .repricing import as_text
from .table import Cell, moved

PATH = "/console/selling/costs"
ROWS = 60
"""Variants of a page; with two fields for each of three currencies a form has room for them."""

MOST_CURRENCIES = 3


class Line(NamedTuple):
    """A row: the variant, its prices as they are shown, and its costs as cells, both in the order of the head."""

    row: ShelfRow
    ident: str
    title: str
    prices: Sequence[str]
    costs: Sequence[Cell]


class Sheet(NamedTuple):
    """The rows of one page and its currencies."""

    lines: Sequence[Line]
    currencies: Sequence[str]
    further: str


async def show(desk: Desk) -> ASGIResponse:
    """The costs as they are."""
    return _page(desk, await _sheet(desk), Form())


async def save(desk: Desk) -> ASGIResponse:
    """Save what was changed, all or none."""
    form, sheet = await desk.form(), await _sheet(desk)
    drafts = [draft for line in sheet.lines if (draft := _draft(desk, line, sheet.currencies, form)) is not None]
    if form.errors:
        return _page(desk, sheet, form, 409)
    merchant = await merchant_of(desk)
    try:
        async with desk.acting("goods.costs", encode("mer", merchant), str(len(drafts))) as tx:
            await desk.shop.editor.set_costs(tx, merchant, drafts, desk.actor.name)
    except EntryRefused as problem:
        flaws: Sequence[Mapping[str, Any]] = problem.fields.get("flaws") or []
        for flaw in flaws:
            line = next(one for one in sheet.lines if one.row.variant == drafts[int(flaw["entry"])].variant)
            form.wrong(line.costs[0].name, words_of(flaw["code"], desk.visit))
        return _page(desk, sheet, form, 422)
    after = f"after={desk.query('after')}&" if desk.query("after").isalnum() else ""
    return desk.redirect(f"{PATH}?{after}done=goods-costs")


def _draft(desk: Desk, line: Line, currencies: Sequence[str], form: Form) -> CostDraft | None:
    """The costs of a row if one of them was changed."""
    texts, touched = as_text(line.row.costs), False
    for currency, cell in zip(currencies, line.costs, strict=True):
        typed, was = form.get(cell.name), form.get(f"was-{cell.name}")
        if cell.name not in form.values or typed == was:
            continue
        if was != cell.now:
            moved(desk, form, cell)
            continue
        texts[currency] = typed
        touched = True
    return CostDraft(line.row.variant, texts) if touched else None


async def _sheet(desk: Desk) -> Sheet:
    merchant = await merchant_of(desk)
    async with desk.reading() as connection:
        rows = await desk.shop.shelf.rows(
            connection, merchant, after=desk.query("after"), limit=ROWS + 1, words=desk.query("q")
        )
    shown = rows[:ROWS]
    used = {code for row in shown for code in row.prices} | {CURRENCY}
    currencies = [code for code in CURRENCIES if code in used][:MOST_CURRENCIES]
    lines = [_line(desk, row, currencies) for row in shown]
    return Sheet(lines, currencies, shown[-1].sku if len(rows) > ROWS else "")


def _line(desk: Desk, row: ShelfRow, currencies: Sequence[str]) -> Line:
    ident, texts = encode("var", row.variant), as_text(row.costs)
    formats = desk.visit.formats
    return Line(
        row=row,
        ident=encode("prd", row.product),
        title=pick(row.title, desk.visit.language) or row.sku,
        prices=[formats.money(row.prices[code], code) if code in row.prices else "–" for code in currencies],
        costs=[Cell(f"cost-{ident}-{code}", texts.get(code, ""), f"{row.sku}, {code}") for code in currencies],
    )


def _page(desk: Desk, sheet: Sheet, form: Form, status: int = 200) -> ASGIResponse:
    return desk.page(
        "selling/costs.html",
        status=status,
        sheet=sheet,
        form=form,
        wanted=desk.query("q"),
        after=desk.query("after"),
        first=not desk.query("after"),
    )
