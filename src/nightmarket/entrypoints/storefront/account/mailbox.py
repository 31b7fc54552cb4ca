"""What the shop has written to this shopper."""

from litestar.response.base import ASGIResponse

from nightmarket.kernel.ids import decode, encode
from nightmarket.platform import messages
from nightmarket.platform.messages import MessageNotFound

from .desk import ROWS, AccountDesk


async def show(desk: AccountDesk) -> ASGIResponse:
    """Mails to the account's confirmed address, newest first."""
    account = await desk.account()
    confirmed = await desk.shop.access.shoppers.confirmed_at(desk.id)
    before = desk.query("before")
    found: list[messages.StoredMessage] = []
    if confirmed is not None:
        async with desk.shop.database.read() as connection:
            cursor = decode("msg", before) if before else None
            found = await messages.page_to(connection, account.email, cursor, ROWS + 1)
    rows = [(encode("msg", one.id), one) for one in found[:ROWS]]
    return await desk.page(
        "messages.html",
        rows=rows,
        email=account.email,
        confirmed=confirmed,
        further=rows[-1][0] if len(found) > ROWS else "",
        later=bool(before),
    )


async def show_one(desk: AccountDesk) -> ASGIResponse:
    """One mail. Raises MessageNotFound for what went to somebody else."""
    account = await desk.account()
    if await desk.shop.access.shoppers.confirmed_at(desk.id) is None:
        raise MessageNotFound("There is no such message; it may be older than what is kept.")
    async with desk.shop.database.read() as connection:
        found = await messages.one_to(connection, desk.part_id("msg"), account.email)
    about = found.message.about or ""
    return await desk.page("message.html", one=found, order=about if about.startswith("ord_") else "")
