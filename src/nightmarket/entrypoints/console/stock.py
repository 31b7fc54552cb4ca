"""Stock: what each place has, holds and sold, and how it is set right."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from litestar.response.base import ASGIResponse

from nightmarket.catalog.contract import StockRow
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import NotFound
from nightmarket.tally.contract import Adjustment, Level

from .desk import Desk
from .tables import table_file

ROWS = 50
EXPORT_PAGE = 500
EXPORT_LIMIT = 100_000
"""Rows in one exported file."""

MAX_DELTA = 1_000_000
MAX_CAUSE_LETTERS = 120
NOT_OPENED = Level(0, 0, 0)


async def show_list(desk: Desk) -> ASGIResponse:
    """A page of stock in order of SKU, with what is left."""
    words = desk.query("q")
    rows, levels = await _page(desk, words, desk.query("after"), ROWS + 1)
    shown = rows[:ROWS]
    return desk.page(
        "stock.html",
        rows=[(encode("tal", row.tally), row, levels.get(row.tally, NOT_OPENED)) for row in shown],
        wanted=words,
        first=not desk.query("after"),
        further=shown[-1].cursor if len(rows) > ROWS else "",
    )


async def export(desk: Desk) -> ASGIResponse:
    """The stock that the search finds as CSV."""
    words, after = desk.query("q"), ""
    cells: list[list[str]] = []
    while len(cells) < EXPORT_LIMIT:
        rows, levels = await _page(desk, words, after, EXPORT_PAGE)
        for row in rows:
            level = levels.get(row.tally, NOT_OPENED)
            title = pick(row.title, desk.visit.language) or ""
            figures = [level.capacity, level.held, level.spent, level.available]
            cells.append([row.sku, title, row.merchant_name, row.place, *map(str, figures)])
        if len(rows) < EXPORT_PAGE:
            break
        after = rows[-1].cursor
    columns = ["sku", "title", "merchant", "place", "capacity", "held", "spent", "available"]
    return table_file(columns, cells, "stock.csv")


async def show_row(desk: Desk) -> ASGIResponse:
    """One variant at one place. The form has an id of its own, so that sending it twice changes stock once."""
    row, level = await _row(desk)
    return _row_page(desk, row, level, Form({"once": encode("adj", desk.shop.ids.new())}))


async def adjust(desk: Desk) -> ASGIResponse:
    """Change what there is, with a cause."""
    form = await desk.form()
    row, level = await _row(desk)
    adjustment = _adjustment(desk, form, row.tally)
    if adjustment is None:
        return _row_page(desk, row, level, form, 422)
    detail = f"{adjustment.delta:+d} {row.sku} @ {row.place}: {adjustment.cause}"
    done = True
    try:
        async with desk.acting("stock.adjust", encode("tal", row.tally), detail) as tx:
            done = (await desk.shop.tallies.adjust(tx, [adjustment], desk.now))[adjustment.id]
            if not done:
                raise _Refused
    except _Refused:
        _, level = await _row(desk)
        text = say_later("Only %(free)s are free; the others are held or sold. Take at most these away.")
        if adjustment.delta > 0:
            text = say_later("That is more than one place can hold.")
        form.wrong("delta", desk.say(text, free=level.available))
        return _row_page(desk, row, level, form, 409)
    return desk.redirect(f"/console/stock/{encode('tal', row.tally)}?done=adjusted")


class _Refused(Exception):
    """The tally said no; the transaction and the record of the deed go back."""


def _adjustment(desk: Desk, form: Form, tally: UUID) -> Adjustment | None:
    """The adjustment that the form asks for; None, with the errors noted, if it is not fit."""
    text, cause = form.get("delta").replace("−", "-"), form.get("cause")
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdigit() and len(digits) < 9):
        form.wrong("delta", desk.say(say_later("Write a whole number such as 12 or -3.")))
    elif not 0 < int(digits) <= MAX_DELTA:
        form.wrong(
            "delta", desk.say(say_later("Change it by 1 to %(most)s."), most=desk.visit.formats.number(MAX_DELTA))
        )
    if not 3 <= len(cause) <= MAX_CAUSE_LETTERS or not cause.isprintable():
        form.wrong("cause", desk.say(say_later("Say in a few words why the stock changes.")))
    once = form.once("adj")
    return None if form.errors else Adjustment(once, tally, int(text), cause)


async def _row(desk: Desk) -> tuple[StockRow, Level]:
    tally = desk.id("tal")
    async with desk.reading() as connection:
        rows = await desk.shop.stock_books.stock_of(connection, [tally])
    levels = await _levels(desk, rows)
    if not rows or desk.merchant not in (None, rows[0].merchant):
        raise NotFound("There is no such stock.", field="id")
    return rows[0], levels.get(tally, NOT_OPENED)


async def _page(desk: Desk, words: str, after: str, limit: int) -> tuple[Sequence[StockRow], Mapping[UUID, Level]]:
    async with desk.reading() as connection:
        rows = await desk.shop.stock_books.stock_rows(
            connection, merchant=desk.merchant, after=after, limit=limit, words=words
        )
    return rows, await _levels(desk, rows)


async def _levels(desk: Desk, rows: Sequence[StockRow]) -> Mapping[UUID, Level]:
    """How these rows stand: tallies know no merchant, so they are asked for the rows that this person has seen."""
    async with desk.shop.database.read() as connection:
        return await desk.shop.tallies.levels(connection, [row.tally for row in rows])


def _row_page(desk: Desk, row: StockRow, level: Level, form: Form, status: int = 200) -> ASGIResponse:
    return desk.page("stock_row.html", status=status, row=row, level=level, form=form, ident=encode("tal", row.tally))
