"""The table of orders."""

from decimal import Decimal
from typing import Any

from litestar.response.base import ASGIResponse

from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.money import minor_digits
from nightmarket.kernel.problems import InvalidInput
from nightmarket.orders.contract import BoardFilter, OrderState

from .desk import Desk
from .order_views import cursor_of, read_cursor, state_of, summaries_of
from .tables import table_file

ROWS = 50
EXPORT_LIMIT = 10_000
"""Orders in one exported file; the filter says which."""

STATE_WORDS = {state.name.lower(): state for state in OrderState}


async def show_list(desk: Desk) -> ASGIResponse:
    """Newest first; with `q`, straight to the order of that id."""
    wanted = desk.query("q")
    if wanted:
        return await _find(desk, wanted)
    return desk.page("orders.html", **await _words(desk), wanted="", unknown=False)


async def show_rows(desk: Desk) -> ASGIResponse:
    """The rows alone, for the script that keeps the first page fresh."""
    return desk.page("order_rows.html", **await _words(desk))


async def export(desk: Desk) -> ASGIResponse:
    """The filtered orders as CSV, at most EXPORT_LIMIT."""
    chosen = _filter(desk)
    rows: list[list[str]] = []
    before = None
    while len(rows) < EXPORT_LIMIT:
        async with desk.reading() as connection:
            found = await desk.shop.order_books.board(connection, chosen, before=before, limit=200)
        for order in found:
            amount = Decimal(order.total).scaleb(-minor_digits(order.currency))
            cells = [encode("ord", order.id), order.placed_at.isoformat(), order.state.name.lower()]
            rows.append([*cells, order.handler, order.currency, str(amount), str(order.merchants)])
        if len(found) < 200:
            break
        before = (found[-1].placed_at, found[-1].id)
    columns = ["order", "placed_at", "state", "handler", "currency", "total", "merchants"]
    return table_file(columns, rows[:EXPORT_LIMIT], "orders.csv")


def _filter(desk: Desk) -> BoardFilter:
    state = desk.query("state")
    if state and state not in STATE_WORDS:
        raise InvalidInput("There is no such state of an order.", field="state")
    return BoardFilter(STATE_WORDS.get(state), desk.merchant, _of_rehearsals(desk))


def _of_rehearsals(desk: Desk) -> bool:
    """Whether the orders of rehearsals are asked for, which merchants never see."""
    return desk.merchant is None and desk.query("of") == "rehearsals"


async def _find(desk: Desk, wanted: str) -> ASGIResponse:
    try:
        order = decode("ord", wanted.lower())
    except InvalidInput:
        return desk.page("orders.html", status=404, **await _words(desk), wanted=wanted, unknown=True)
    return desk.redirect(f"/console/orders/{encode('ord', order)}")


async def _words(desk: Desk) -> dict[str, Any]:
    chosen = _filter(desk)
    before = read_cursor(desk.query("before"))
    async with desk.reading() as connection:
        found = await desk.shop.order_books.board(connection, chosen, before=before, limit=ROWS + 1)
    shown = found[:ROWS]
    return {
        "orders": summaries_of(desk, shown),
        "states": [(word, *state_of(desk, state)) for word, state in STATE_WORDS.items()],
        "state": desk.query("state"),
        "rehearsed": _of_rehearsals(desk),
        "whole": desk.merchant is None,
        "first": before is None,
        "further": cursor_of(shown[-1]) if len(found) > ROWS else "",
    }
