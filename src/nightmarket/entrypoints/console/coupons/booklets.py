"""Booklets at the console: the list, and the form of a new one."""

from datetime import timedelta

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.reading import note, shown
from nightmarket.entrypoints.pages import Form
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.promotions.contract.booklets import BOOKLET, Booklet, NewBooklet, StampAct, is_open
from nightmarket.promotions.contract.coupons import COUPON, CouponPhase, CouponWay, phase_of_coupon
from nightmarket.promotions.errors import BookletRefused

from .form import read_booklet

HERE = "/console/booklets"
STAMP_ROWS = 12
"""Stamps that the form has room for; more come by the command of promotions."""

REWARD_ROWS = 3
FIELDS = {"name": "name_en", "closes_at": "closes_at", "stamps": "stamp1_label", "rewards": "reward1_stamps"}


class BookletRow(msgspec.Struct, frozen=True):
    """A booklet in the list, with how many people have how many stamps."""

    ident: str
    name: str
    booklet: Booklet
    is_open: bool
    people: int
    stamps: int


async def show_list(desk: Desk) -> ASGIResponse:
    """All booklets, the newest first."""
    async with desk.shop.database.read() as connection:
        found = await desk.shop.booklets.all(connection)
        counts = await desk.shop.booklets.counts(connection, [one.id for one in found])
    rows = [
        BookletRow(
            encode(BOOKLET, one.id),
            pick(one.terms.name, desk.visit.language) or "",
            one,
            is_open(one, desk.now),
            *counts[one.id],
        )
        for one in found
    ]
    return desk.page("couponry/booklets.html", rows=rows)


async def show_new(desk: Desk) -> ASGIResponse:
    """The form: open from now on for a week."""
    now = desk.now.replace(second=0, microsecond=0)
    values = {
        "once": encode(BOOKLET, desk.shop.ids.new()),
        **shown(desk.zone, {"opens_at": now, "closes_at": now + timedelta(days=7)}),
    }
    return await _form_page(desk, Form(values))


async def create(desk: Desk) -> ASGIResponse:
    """Make it; its id comes with the form, so that sending it twice makes one."""
    form = await desk.form()
    id = form.once(BOOKLET)
    terms = await read_booklet(desk, form)
    if terms is None:
        return await _form_page(desk, form, 422)
    try:
        async with desk.acting("booklets.make", encode(BOOKLET, id), terms.name.get("en", "")) as tx:
            await desk.shop.booklets.make(tx, NewBooklet(id, terms), desk.actor.name)
    except BookletRefused as refused:
        note(desk, form, refused, FIELDS, "name_en")
        return await _form_page(desk, form, refused.status)
    return desk.redirect(HERE)


async def _form_page(desk: Desk, form: Form, status: int = 200) -> ASGIResponse:
    async with desk.shop.database.read() as connection:
        found = await desk.shop.coupons.all(connection)
    won = [
        (encode(COUPON, one.id), pick(one.terms.name, desk.visit.language) or "")
        for one in found
        if one.terms.way is CouponWay.WON and phase_of_coupon(one, desk.now) is not CouponPhase.OVER
    ]
    merchants = await desk.shop.catalog.merchants()
    return desk.page(
        "couponry/booklet_new.html",
        status=status,
        form=form,
        coupons=won,
        acts=[act.value for act in StampAct],
        stamp_rows=range(1, STAMP_ROWS + 1),
        reward_rows=range(1, REWARD_ROWS + 1),
        merchants=merchants,
    )
