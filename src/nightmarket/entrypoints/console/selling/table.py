"""Prices and stock of many variants in one table: typed over, saved as one set, conflicts said row by row."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from litestar.response.base import ASGIResponse

from nightmarket.bootstrap import CURRENCY
from nightmarket.catalog.contract import PriceDraft, ShelfRow
from nightmarket.catalog.errors import EntryRefused
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.stalls import merchant_of
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.kernel.money import parse_amount
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.database import Connection
from nightmarket.tally.contract import Level

from .counting import Count, CountRefused, count, whole
from .drafts import words_of
from .fields import CURRENCIES
from .product import places_of
from .repricing import as_text

PATH = "/console/selling/table"
FIELDS = 440
"""Fields of the table at most; a form has room for 500."""

MOST_ROWS, FEWEST_ROWS = 40, 5
MOST_CURRENCIES, MOST_PLACES = 3, 4
MOVED = say_later(
    "Changed by somebody else in the meantime: it is %(now)s now. What you typed is still here; save again to keep it."
)


class Cell(NamedTuple):
    """A field of the table: its name, what it holds now as text, and what it is called for those who cannot see."""

    name: str
    now: str
    label: str


class Line(NamedTuple):
    """A row: the variant, and its prices and stock as cells in the order of the head."""

    row: ShelfRow
    ident: str
    title: str
    options: str
    prices: Sequence[Cell]
    stock: Sequence[Cell]


class Sheet(NamedTuple):
    """The rows of one page and its columns; `places` are codes by id."""

    lines: Sequence[Line]
    currencies: Sequence[str]
    places: Mapping[UUID, str]
    further: str


async def show(desk: Desk) -> ASGIResponse:
    """The table as it is."""
    sheet = await _sheet(desk)
    return _page(desk, sheet, Form(_now(sheet) | {"once": encode("adj", desk.shop.ids.new())}))


async def save(desk: Desk) -> ASGIResponse:
    """Save what was changed, all or none."""
    form = await desk.form()
    sheet = await _sheet(desk)
    prices, counts = _read(desk, sheet, form)
    if form.errors:
        return _page(desk, sheet, form, 422)
    merchant = await merchant_of(desk)
    try:
        detail = f"{len(prices)} prices, {len(counts)} counts"
        async with desk.acting("goods.table", encode("mer", merchant), detail) as tx:
            await _save(desk, tx, merchant, prices, counts, form)
    except CountRefused as refused:
        form.wrong(refused.field, desk.say(say_later("Orders hold some of these units; that few cannot be.")))
        return _page(desk, sheet, form, 409)
    except EntryRefused as problem:
        flaws: Sequence[Mapping[str, Any]] = problem.fields.get("flaws") or []
        for flaw in flaws:
            line = next(one for one in sheet.lines if one.row.variant == prices[int(flaw["entry"])].variant)
            form.wrong(line.prices[0].name, words_of(flaw["code"], desk.visit))
        return _page(desk, sheet, form, 422)
    return desk.redirect(f"{PATH}?{_query(desk)}done=goods-table")


async def _save(
    desk: Desk,
    tx: Connection,
    merchant: UUID,
    prices: Sequence[PriceDraft],
    counts: Sequence[tuple[UUID, UUID, Count]],
    form: Form,
) -> None:
    if prices:
        await desk.shop.editor.set_prices(tx, merchant, prices, desk.actor.name)
    if counts:
        await count(desk, tx, merchant, counts, form)


def _read(desk: Desk, sheet: Sheet, form: Form) -> tuple[list[PriceDraft], list[tuple[UUID, UUID, Count]]]:
    """What was changed; notes what is unfit, and what somebody else changed since the table was shown."""
    prices: list[PriceDraft] = []
    counts: list[tuple[UUID, UUID, Count]] = []
    for line in sheet.lines:
        texts = _prices(desk, line, sheet.currencies, form)
        if texts is not None:
            prices.append(PriceDraft(line.row.variant, texts))
        for place, cell in zip(sheet.places, line.stock, strict=True):
            delta = _delta(desk, cell, form)
            if delta:
                counts.append((line.row.variant, place, Count(line.row.sku, sheet.places[place], delta, cell.name)))
    return prices, counts


def _prices(desk: Desk, line: Line, currencies: Sequence[str], form: Form) -> dict[str, str] | None:
    """The prices of a row if one of them was changed."""
    texts, touched = as_text(line.row.prices), False
    for currency, cell in zip(currencies, line.prices, strict=True):
        typed, was = form.get(cell.name), form.get(f"was-{cell.name}")
        if cell.name not in form.values or typed == was:
            continue
        if was != cell.now:
            moved(desk, form, cell)
            continue
        try:
            fit = not typed or parse_amount(typed, currency) > 0
        except InvalidInput:
            fit = False
        if not fit:
            form.wrong(cell.name, words_of("price_invalid", desk.visit))
            continue
        texts[currency] = typed
        touched = True
    if touched and not any(texts.values()):
        form.wrong(line.prices[0].name, words_of("price_missing", desk.visit))
    return texts if touched else None


def _delta(desk: Desk, cell: Cell, form: Form) -> int:
    typed, was = form.get(cell.name), form.get(f"was-{cell.name}")
    if cell.name not in form.values or typed == was:
        return 0
    number, before = whole(typed), whole(was)
    if number is None or before is None:
        form.wrong(cell.name, desk.say(say_later("Write a whole number of units, such as 12.")))
        return 0
    return number - before


def moved(desk: Desk, form: Form, cell: Cell) -> None:
    """Say what it is now; the next time the form is sent, it is compared with that."""
    form.wrong(cell.name, desk.say(MOVED, now=cell.now or "–"))
    form.values[f"was-{cell.name}"] = cell.now


async def _sheet(desk: Desk) -> Sheet:
    merchant = await merchant_of(desk)
    shop, language = desk.shop, desk.visit.language
    places = dict(list((await places_of(desk)).items())[:MOST_PLACES])
    limit = max(FEWEST_ROWS, min(MOST_ROWS, FIELDS // (2 * MOST_CURRENCIES + 2 * max(1, len(places)))))
    async with desk.reading() as connection:
        rows = await shop.shelf.rows(
            connection, merchant, after=desk.query("after"), limit=limit + 1, words=desk.query("q")
        )
    shown = rows[:limit]
    async with shop.database.read() as connection:
        levels = await shop.tallies.levels(connection, [tally for row in shown for tally in row.stock.values()])
    used = {code for row in shown for code in row.prices} | {CURRENCY}
    currencies = [code for code in CURRENCIES if code in used][:MOST_CURRENCIES]
    lines = [_line(row, currencies, places, levels, language) for row in shown]
    return Sheet(lines, currencies, places, shown[-1].sku if len(rows) > limit else "")


def _line(
    row: ShelfRow, currencies: Sequence[str], places: Mapping[UUID, str], levels: Mapping[UUID, Level], language: str
) -> Line:
    ident, texts = encode("var", row.variant), as_text(row.prices)
    return Line(
        row=row,
        ident=encode("prd", row.product),
        title=pick(row.title, language) or row.sku,
        options=", ".join(pick(one, language) or "" for one in row.options.values()),
        prices=[Cell(f"price-{ident}-{code}", texts.get(code, ""), f"{row.sku}, {code}") for code in currencies],
        stock=[
            Cell(f"stock-{ident}-{code}", _there(levels.get(row.stock.get(code, UUID(int=0)))), f"{row.sku}, {code}")
            for code in places.values()
        ],
    )


def _there(level: Level | None) -> str:
    """What lies on the shelf, what orders hold among it."""
    return str(level.capacity - level.spent) if level else "0"


def _now(sheet: Sheet) -> dict[str, str]:
    cells = [cell for line in sheet.lines for cell in (*line.prices, *line.stock)]
    return {cell.name: cell.now for cell in cells} | {f"was-{cell.name}": cell.now for cell in cells}


def _query(desk: Desk) -> str:
    return "".join(f"{name}={desk.query(name)}&" for name in ("q", "after") if desk.query(name).isalnum())


def _page(desk: Desk, sheet: Sheet, form: Form, status: int = 200) -> ASGIResponse:
    return desk.page(
        "selling/table.html",
        status=status,
        sheet=sheet,
        form=form,
        wanted=desk.query("q"),
        after=desk.query("after"),
        first=not desk.query("after"),
    )
