"""Messages to people: what waits, what went out, and what the local twin would have delivered."""

from litestar.response.base import ASGIResponse

from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform import messages
from nightmarket.platform.access import Scope
from nightmarket.platform.messages import Filter, MessageState

from .desk import Desk

ROWS = 50


async def show_outbox(desk: Desk) -> ASGIResponse:
    """The outbox, newest first."""
    state, before = desk.query("state"), desk.query("before")
    if state and state not in set(MessageState):
        raise InvalidInput("There is no such state of a message.", field="state")
    chosen = Filter(state=MessageState(state) if state else None)
    async with desk.shop.database.read() as connection:
        found = await messages.page(connection, chosen, decode("msg", before) if before else None, ROWS + 1)
        queue = await messages.figures(connection, desk.now)
    shown = found[:ROWS]
    return desk.page(
        "messages.html",
        rows=[(encode("msg", one.id), one) for one in shown],
        queue=queue,
        state=state,
        states=list(MessageState),
        further=encode("msg", shown[-1].id) if len(found) > ROWS else "",
    )


async def show_inbox(desk: Desk) -> ASGIResponse:
    """What arrived on this machine, newest first; with `to`, for one recipient. Links that open an account are for
    those only who could set its password anyway."""
    to, before = desk.query("to"), desk.query("before")
    async with desk.shop.database.read() as connection:
        found = await messages.inbox(
            connection,
            to or None,
            decode("msg", before) if before else None,
            ROWS + 1,
            secrets=desk.may(Scope.ACCOUNTS_WRITE),
        )
    shown = found[:ROWS]
    return desk.page(
        "inbox.html",
        rows=[(encode("msg", one.id), one) for one in shown],
        to=to,
        further=encode("msg", shown[-1].id) if len(found) > ROWS else "",
    )


async def show_message(desk: Desk) -> ASGIResponse:
    """One message, to be read."""
    async with desk.shop.database.read() as connection:
        found = await messages.one(connection, desk.id("msg"))
    return desk.page("message.html", found=found, ident=encode("msg", found.id))


async def retry(desk: Desk) -> ASGIResponse:
    """Try a message again that was given up."""
    await desk.form()
    id = desk.id("msg")
    ident = encode("msg", id)
    async with desk.acting("messages.retry", ident) as tx:
        if not await messages.retry(tx, [id], desk.now):
            raise InvalidInput("This message was not given up, so there is nothing to try again.", field="id")
    return desk.redirect(f"/console/messages/{ident}?done=retried")
