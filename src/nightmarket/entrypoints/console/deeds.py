"""Who did what: every deed by hand, newest first."""

from litestar.response.base import ASGIResponse

from nightmarket.kernel.ids import decode, encode
from nightmarket.platform.deeds import Acted
from nightmarket.platform.fact_pages import newest

from .desk import Desk
from .words import ACTIONS

ROWS = 50
PAGES = {"ord": "orders", "tal": "stock", "msg": "messages", "acc": "people", "enq": "enquiries", "imp": "imports"}
"""Where the thing of a deed is looked at, by the prefix of its id."""


async def show(desk: Desk) -> ASGIResponse:
    """Who, when, what, about what."""
    before = desk.query("before")
    async with desk.shop.database.read() as connection:
        found = await newest(connection, Acted.kind, decode("fact", before) if before else None, ROWS + 1)
    shown = found[:ROWS]
    rows = [
        (fact.at, deed, desk.say(ACTIONS.get(deed.action, deed.action)), _link(deed.about))
        for fact in shown
        for deed in fact.read(Acted)
    ]
    return desk.page("deeds.html", rows=rows, further=encode("fact", shown[-1].id) if len(found) > ROWS else "")


def _link(about: str) -> str:
    page = PAGES.get(about.partition("_")[0])
    return f"/console/{page}/{about}" if page else ""
