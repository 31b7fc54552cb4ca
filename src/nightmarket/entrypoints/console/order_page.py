"""One order: its rows per merchant, its money, its claim, its price explained, and what can be done with it."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.kernel.problems import NotFound, Problem
from nightmarket.orders.contract import TRANSFER, Order, OrderRow, OrderState, claim_id
from nightmarket.payments.contract import Posting
from nightmarket.platform.access import Scope
from nightmarket.platform.fact_pages import naming

from .collaborations.views import fundings_of
from .desk import Desk
from .fact_views import FactView, views_of
from .order_views import merchant_names, state_of
from .price_story import PriceStory, tell
from .words import ACCOUNTS, CLAIM_STATES, REASONS

MAX_REASON_LETTERS = 200
MAX_REFERENCE_LETTERS = 100
MARGIN = timedelta(seconds=5)
"""How long before the order's instant its first fact may have been written."""


class LegView(msgspec.Struct, frozen=True):
    """A leg of a posting in words."""

    account: str
    party: str
    amount: int


class PostingView(msgspec.Struct, frozen=True):
    """A posting in words."""

    kind: str
    at: str
    currency: str
    legs: Sequence[LegView]


class PartView(msgspec.Struct, frozen=True):
    """What the claim took of one tally."""

    what: str
    where: str
    quantity: int
    link: str


class ClaimView(msgspec.Struct, frozen=True):
    """The order's claim."""

    id: str
    state: str
    parts: Sequence[PartView]


async def show(desk: Desk) -> ASGIResponse:
    """The page of an order. A merchant's person sees that merchant's part of it."""
    order = await _order(desk)
    names = await merchant_names(desk)
    rows = order.rows
    whole = desk.merchant is None
    claim, story, facts, postings, fundings = await asyncio.gather(
        _claim(desk, order),
        tell(desk.shop, order) if whole else _nothing(),
        _facts(desk, order),
        _postings(desk, order, names) if whole and desk.may(Scope.PAYMENTS_READ) else _no_postings(),
        fundings_of(desk, rows),
    )
    word, tone = state_of(desk, order.state)
    return desk.page(
        "order.html",
        order=order,
        ident=encode("ord", order.id),
        rows=rows,
        total=sum(row.total for row in rows),
        names=names,
        body=order.rows[0].body,
        word=word,
        tone=tone,
        payments=order.payments if whole and desk.may(Scope.PAYMENTS_READ) else (),
        postings=postings,
        claim=claim,
        story=story,
        fundings=fundings,
        reasons=REASONS,
        facts=facts,
        may_cancel=desk.may(Scope.ORDERS_WRITE) and whole and order.state in (OrderState.PENDING, OrderState.PAID),
        may_transfer=desk.may(Scope.PAYMENTS_WRITE) and whole and _awaits_transfer(order),
    )


async def show_cancel(desk: Desk) -> ASGIResponse:
    """What cancelling means, and the question whether it shall be."""
    return _question(desk, await _order(desk), Form(), "cancel")


async def cancel(desk: Desk) -> ASGIResponse:
    """Cancel the whole order, with a reason for the record."""
    form = await desk.form()
    order = await _order(desk)
    reason = form.get("reason")
    if not 3 <= len(reason) <= MAX_REASON_LETTERS or not reason.isprintable():
        text = say_later("Say in 3 to %(most)s letters why, for those who look at this later.")
        form.wrong("reason", desk.say(text, most=MAX_REASON_LETTERS))
        return _question(desk, order, form, "cancel", 422)
    ident = encode("ord", order.id)
    await desk.note("orders.cancel", ident, reason)
    try:
        await desk.shop.orders.cancel_order(None, order.id, reason)
    except Problem as problem:
        form.wrong("reason", desk.say(problem.detail))
        return _question(desk, order, form, "cancel", problem.status)
    return desk.redirect(f"/console/orders/{ident}?done=cancelled")


async def show_transferred(desk: Desk) -> ASGIResponse:
    """The question whether the money is there."""
    return _question(desk, await _order(desk), Form(), "transferred")


async def transferred(desk: Desk) -> ASGIResponse:
    """Note that the bank transfer has arrived."""
    form = await desk.form()
    order = await _order(desk)
    reference = form.get("reference")
    if not 1 <= len(reference) <= MAX_REFERENCE_LETTERS or not reference.isprintable():
        form.wrong("reference", desk.say(say_later("Copy the reference from the bank statement.")))
        return _question(desk, order, form, "transferred", 422)
    ident = encode("ord", order.id)
    await desk.note("orders.mark_transferred", ident, reference)
    try:
        await desk.shop.orders.mark_transferred(order.id, reference)
    except Problem as problem:
        form.wrong("reference", desk.say(problem.detail))
        return _question(desk, order, form, "transferred", problem.status)
    return desk.redirect(f"/console/orders/{ident}?done=transferred")


async def _order(desk: Desk) -> Order:
    """The order as this person may see it: a merchant's person gets that merchant's row, and no payments."""
    id = desk.id("ord")
    if desk.merchant is None:
        return await desk.shop.orders.order(None, id)
    async with desk.reading() as connection:
        found = (await desk.shop.order_books.rows(connection, [id])).get(id, ())
    rows = tuple(row for row in found if row.merchant == desk.merchant)
    if not rows:
        raise NotFound("There is no such order.", field="id")
    return Order(id, rows)


def _question(desk: Desk, order: Order, form: Form, what: str, status: int = 200) -> ASGIResponse:
    return desk.page(
        "order_question.html", status=status, order=order, ident=encode("ord", order.id), form=form, what=what
    )


def _awaits_transfer(order: Order) -> bool:
    return order.rows[0].handler == TRANSFER and order.state in (OrderState.PENDING, OrderState.LAPSED)


async def _claim(desk: Desk, order: Order) -> ClaimView | None:
    first: OrderRow = order.rows[0]
    id = claim_id(order.id, first.attempt)
    shop = desk.shop
    async with shop.database.read() as connection:
        state = (await shop.tallies.states(connection, [id])).get(id)
        parts = (await shop.tallies.parts(connection, [id])).get(id, ())
    async with desk.reading() as connection:
        known = {row.tally: row for row in await shop.stock_books.stock_of(connection, [part.tally for part in parts])}
    if state is None:
        return None
    views: list[PartView] = []
    for part in parts:
        row = known.get(part.tally)
        if row is None:
            if desk.merchant is None:
                views.append(PartView(desk.say(say_later("a use of an offer")), "", part.quantity, ""))
        elif desk.merchant in (None, row.merchant):
            link = f"/console/stock/{encode('tal', part.tally)}"
            views.append(PartView(row.sku, f"{row.merchant_name}, {row.place}", part.quantity, link))
    return ClaimView(encode("clm", id), desk.say(CLAIM_STATES[state.name]), views)


async def _facts(desk: Desk, order: Order) -> Sequence[FactView]:
    if not desk.may(Scope.FACTS_READ):
        return ()
    async with desk.shop.database.read() as connection:
        return views_of(await naming(connection, order.id, order.rows[0].placed_at - MARGIN), desk.visit.formats)


async def _postings(desk: Desk, order: Order, names: Mapping[UUID, str]) -> Sequence[PostingView]:
    async with desk.shop.database.read() as connection:
        postings = await desk.shop.journal.postings(connection, order.id)
    return [_posting(desk, posting, names) for posting in postings]


def _posting(desk: Desk, posting: Posting, names: Mapping[UUID, str]) -> PostingView:
    legs = [
        LegView(desk.say(ACCOUNTS.get(leg.account, str(leg.account))), names.get(leg.party, ""), leg.amount)
        for leg in posting.legs
    ]
    return PostingView(posting.kind, desk.moment(posting.at), posting.currency, legs)


async def _nothing() -> PriceStory | None:
    return None


async def _no_postings() -> Sequence[PostingView]:
    return ()
