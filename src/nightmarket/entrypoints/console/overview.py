"""The board that one runs the night from."""

from typing import Any

from litestar.response.base import ASGIResponse

from nightmarket.orders.contract import BoardFilter, OrderState
from nightmarket.platform.access import Scope
from nightmarket.platform.fact_pages import newest

from .desk import Desk
from .fact_views import views_of
from .order_views import merchant_names, summaries_of

ORDERS_SHOWN = 10
FACTS_SHOWN = 12


async def show(desk: Desk) -> ASGIResponse:
    """The whole board."""
    return desk.page("overview.html", **await _words(desk))


async def show_board(desk: Desk) -> ASGIResponse:
    """What changes on the board, without the frame, for the script that keeps it fresh."""
    return desk.page("board.html", **await _words(desk))


async def _words(desk: Desk) -> dict[str, Any]:
    figures = desk.figures
    may_orders, may_facts = desk.may(Scope.ORDERS_READ), desk.may(Scope.FACTS_READ)
    words: dict[str, Any] = {
        "states": OrderState,
        "today": await figures.today(desk.merchant) if may_orders else None,
        "orders": (),
        "scarce": await figures.scarce(desk.merchant) if desk.may(Scope.STOCK_READ) else None,
        "pulse": await figures.pulse_or_none() if desk.may(Scope.HEALTH_READ) else None,
        "facts": (),
        "names": await merchant_names(desk),
    }
    if may_orders:
        async with desk.reading() as connection:
            found = await desk.shop.order_books.board(
                connection, BoardFilter(merchant=desk.merchant), limit=ORDERS_SHOWN
            )
        words["orders"] = summaries_of(desk, found)
    if may_facts:
        async with desk.shop.database.read() as connection:
            words["facts"] = views_of(await newest(connection, limit=FACTS_SHOWN), desk.visit.formats)
    return words
