"""The page of a booklet: its stamps, what earns them, and what they turn into."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, FromQuery
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.storefront.people import person_of, ways_in
from nightmarket.entrypoints.storefront.storefront import Storefront, TheStore, id_of
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.orders.contract import OrderState
from nightmarket.promotions.contract.booklets import BOOKLET, Booklet, Stamp, StampAct, Stamped, Stamping, is_open
from nightmarket.promotions.errors import StampNotGiven

from .words import gives_words

BOOKLETS_SHOWN = 20
ORDERS_SEEN = 100
"""Of somebody's paid orders the latest so many earn stamps."""

DONE = {
    "stamped": say_later("Stamped."),
    "won": say_later("The booklet has turned into a coupon: it applies in your cart by itself."),
    "none": say_later("No paid order has earned this stamp yet."),
    "away": say_later("First open the QR code that hangs at this place, then come back here."),
    "closed": say_later("No stamps are given at the moment."),
}


class StampView(msgspec.Struct, frozen=True):
    """A field of a booklet."""

    key: str
    label: str
    act: StampAct
    path: str
    has: bool


class RewardView(msgspec.Struct, frozen=True):
    """What so many stamps turn into."""

    stamps: int
    name: str
    gives: str
    has: bool
    left: int


class BookletRow(msgspec.Struct, frozen=True):
    """A booklet in a list."""

    ident: str
    name: str
    booklet: Booklet
    is_open: bool


def _row(visit: Visit, booklet: Booklet, now: Any) -> BookletRow:
    name = pick(booklet.terms.name, visit.language) or ""
    return BookletRow(encode(BOOKLET, booklet.id), name, booklet, is_open(booklet, now))


async def booklet_rows(store: Storefront, visit: Visit) -> list[BookletRow]:
    """The booklets that are not over."""
    now = store.shop.clock.now()
    async with store.shop.database.read() as connection:
        found = await store.shop.booklets.all(connection, BOOKLETS_SHOWN)
    return [_row(visit, one, now) for one in found if one.terms.closes_at > now]


@get("/booklets/{id:str}", include_in_schema=False)
async def show(
    request: Request[Any, Any, Any], store: TheStore, id: FromPath[str], done: FromQuery[str | None] = None
) -> ASGIResponse:
    """One booklet with one's own stamps."""
    visit = await store.site.visit(request.scope)
    shop, ident = store.shop, id_of(BOOKLET, id)
    person = await person_of(store, visit)
    async with shop.database.read() as connection:
        booklet = await shop.booklets.one(connection, ident)
        have = await shop.booklets.stamps(connection, ident, person) if person else frozenset[str]()
        mine = await shop.coupons.held(connection, person, visit.owner) if person else ()
        rewards = await _rewards(store, visit, connection, booklet, {one.coupon.id for one in mine})
    return await store.page(
        visit,
        "coupons/booklet.html",
        row=_row(visit, booklet, shop.clock.now()),
        stamps=[
            StampView(stamp.key, stamp.label, stamp.act, stamp.path or await _stall(store, stamp), stamp.key in have)
            for stamp in booklet.terms.stamps
        ],
        rewards=rewards,
        count=len(have),
        person=person,
        done=visit.say(DONE[done]) if done in DONE else "",
        is_good=done in ("stamped", "won"),
        ways=ways_in(f"/booklets/{id}"),
    )


async def _rewards(
    store: Storefront, visit: Visit, connection: Any, booklet: Booklet, mine: set[UUID]
) -> Sequence[RewardView]:
    ids = [reward.coupon for reward in booklet.terms.rewards]
    coupons = await store.shop.coupons.some(connection, ids)
    figures = await store.shop.coupons.figures(connection, ids)
    return [
        RewardView(
            reward.stamps,
            pick(coupons[reward.coupon].terms.name, visit.language) or "",
            gives_words(visit, coupons[reward.coupon]),
            reward.coupon in mine,
            figures[reward.coupon].quota - figures[reward.coupon].held,
        )
        for reward in booklet.terms.rewards
    ]


async def _stall(store: Storefront, stamp: Stamp) -> str:
    """Where one buys from the merchant of a stamp."""
    merchant = (await store.directory()).merchants.get(stamp.merchant) if stamp.merchant else None
    return f"/merchants/{merchant.slug}" if merchant else "/goods"


@post("/booklets/{id:str}/stamps", include_in_schema=False)
async def stamp(request: Request[Any, Any, Any], store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """Earn a stamp: of a visit by going to the page, of buying by a paid order that is there. Twice is once."""
    visit = await store.site.visit(request.scope)
    form = store.site.form(visit, await request.body())
    store.shop.switches.begin("booklets")
    shop, ident = store.shop, id_of(BOOKLET, id)
    person = await person_of(store, visit)
    if person is None:
        return store.site.redirect(visit, ways_in(f"/booklets/{id}")["sign_in"])
    async with shop.database.read() as connection:
        booklet = await shop.booklets.one(connection, ident)
    wanted = booklet.terms.stamp(form.get("stamp"))
    if wanted is None:
        return store.site.redirect(visit, f"/booklets/{id}?done=closed")
    if wanted.act is StampAct.PLACE and not await _is_at(store, visit, wanted.place):
        return store.site.redirect(visit, f"/booklets/{id}?done=away")
    occasion = await _occasion(store, visit, booklet, wanted) if wanted.act is StampAct.BUY else ""
    if occasion is None:
        return store.site.redirect(visit, f"/booklets/{id}?done=none")
    owner = visit.account or visit.owner
    try:
        answer = await shop.booklets.stamp(Stamping(ident, wanted.key, person, owner, occasion))
    except StampNotGiven:
        return store.site.redirect(visit, f"/booklets/{id}?done=closed")
    if wanted.act is StampAct.VISIT and not answer.coupons:
        return store.site.redirect(visit, wanted.path)
    return store.site.redirect(visit, f"/booklets/{id}?done={_said(answer)}")


async def _is_at(store: Storefront, visit: Visit, place: str) -> bool:
    """Whether the visitor opened the place's code a while ago."""
    async with store.shop.database.read() as connection:
        return place in await store.shop.places.here(connection, visit.owner)


def _said(answer: Stamped) -> str:
    return "won" if answer.coupons else "stamped"


async def _occasion(store: Storefront, visit: Visit, booklet: Booklet, stamp: Stamp) -> str | None:
    """The paid order of the booklet's time that bought from the merchant; None where there is none."""
    orders = await store.shop.orders.listed(visit.owner, state=OrderState.PAID, limit=ORDERS_SEEN)
    for rows in orders:
        bought = any(row.merchant == stamp.merchant for row in rows)
        if bought and booklet.terms.opens_at <= rows[0].placed_at < booklet.terms.closes_at:
            return encode("ord", rows[0].id)
    return None


ROUTES = [show, stamp]
