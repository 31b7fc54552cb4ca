"""What shoppers ask about things that are arranged with the merchant: a list, each in full, answered or not."""

from uuid import UUID

from litestar.response.base import ASGIResponse

from nightmarket.engagement.contract.enquiries import Enquiry
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import InvalidInput

from .desk import Desk
from .order_views import merchant_names

ROWS = 50
CHOICES = {"open": False, "answered": True}


async def show_list(desk: Desk) -> ASGIResponse:
    """The newest first; a merchant's person sees that merchant's."""
    chosen, before = desk.query("state"), desk.query("before")
    async with desk.reading() as connection:
        found = await desk.shop.enquiries.page(
            connection, answered=CHOICES.get(chosen), before=_cursor(before), limit=ROWS + 1
        )
    shown = found[:ROWS]
    return desk.page(
        "enquiries.html",
        rows=[(encode("enq", one.id), one) for one in shown],
        names=await merchant_names(desk),
        chosen=chosen if chosen in CHOICES else "",
        first=not before,
        further=encode("enq", shown[-1].id) if len(found) > ROWS else "",
    )


async def show(desk: Desk) -> ASGIResponse:
    """One enquiry in full."""
    enquiry = await _enquiry(desk)
    names = await merchant_names(desk)
    return desk.page(
        "enquiry.html", one=enquiry, ident=encode("enq", enquiry.id), merchant=names.get(enquiry.merchant, "–")
    )


async def answer(desk: Desk) -> ASGIResponse:
    """Note that it was answered, or take that back."""
    form, enquiry = await desk.form(), await _enquiry(desk)
    answered = form.get("action") != "open"
    ident = encode("enq", enquiry.id)
    async with desk.acting("enquiries.answer" if answered else "enquiries.open", ident) as tx:
        await desk.shop.enquiries.answer(tx, enquiry.id, answered, desk.actor.name, desk.now)
    return desk.redirect(f"/console/enquiries/{ident}?done={'answered' if answered else 'open-again'}")


async def _enquiry(desk: Desk) -> Enquiry:
    async with desk.reading() as connection:
        return await desk.shop.enquiries.one(connection, desk.id("enq"))


def _cursor(text: str) -> UUID | None:
    try:
        return decode("enq", text) if text else None
    except InvalidInput:
        return None
