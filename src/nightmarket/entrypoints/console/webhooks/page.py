"""The table of deliveries, and sending one again."""

from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform import webhooks
from nightmarket.platform.webhooks import PREFIX, DeliveryState

HERE = "/console/messages/webhooks"
ROWS = 50
EVENTS = {
    "order_placed": say_later("placed"),
    "order_paid": say_later("paid"),
    "order_cancelled": say_later("cancelled"),
    "order_lapsed": say_later("lapsed"),
    "order_updated": say_later("updated"),
}


async def show(desk: Desk) -> ASGIResponse:
    """Deliveries, newest first; with `order`, of one order."""
    state, before, order = desk.query("state"), desk.query("before"), desk.query("order")
    if state and state not in set(DeliveryState):
        raise InvalidInput("There is no such state of a delivery.", field="state")
    async with desk.shop.database.read() as connection:
        found = await webhooks.page(
            connection,
            DeliveryState(state) if state else None,
            decode("ord", order) if order else None,
            decode(PREFIX, before) if before else None,
            ROWS + 1,
        )
        queue = await webhooks.figures(connection, desk.now)
    shown = found[:ROWS]
    return desk.page(
        "webhooks/table.html",
        rows=[(encode(PREFIX, one.id), encode("ord", one.about), one) for one in shown],
        events=EVENTS,
        queue=queue,
        state=state,
        order=order,
        states=list(DeliveryState),
        further=encode(PREFIX, shown[-1].id) if len(found) > ROWS else "",
    )


async def again(desk: Desk) -> ASGIResponse:
    """Send one once more, with the id that it has."""
    await desk.form()
    id = desk.id(PREFIX)
    async with desk.acting("webhooks.again", encode(PREFIX, id)) as tx:
        if not await webhooks.again(tx, [id], desk.now):
            raise InvalidInput("This waits to be sent already, or is not there any more.", field="id")
    return desk.redirect(f"{HERE}?done=queued")
