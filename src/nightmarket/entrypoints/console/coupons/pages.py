"""Coupons at the console: of all for the market's people, of their own for a merchant's."""

import csv
import io
from datetime import timedelta
from uuid import UUID

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.making import base_of, may_make, require_own
from nightmarket.entrypoints.console.offers.form import FIELDS as OFFER_FIELDS
from nightmarket.entrypoints.console.offers.pages import EACH, WHICH
from nightmarket.entrypoints.console.reading import CURRENCIES, note, shown
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.storefront.coupons.words import CouponView, coupon_view
from nightmarket.kernel.ids import encode
from nightmarket.promotions.contract.coupons import (
    COUPON,
    Coupon,
    CouponFigures,
    CouponPhase,
    CouponWay,
)
from nightmarket.promotions.errors import CouponRefused, OfferRefused, TooManyOffers

from .form import WAYS, read_coupon

HERE, SELLING = "/console/coupons", "/console/selling/coupons"
MAX_CODE_PAGES = 10
PHASES = {
    CouponPhase.AHEAD: (say_later("Opens soon"), "warn"),
    CouponPhase.OPEN: (say_later("collected now"), "good"),
    CouponPhase.CLOSED: (say_later("no longer collected"), ""),
    CouponPhase.OVER: (say_later("over"), ""),
}
FIELDS = OFFER_FIELDS | {
    name: name for name in ("collect_until", "use_until", "quota", "uses", "word", "addresses", "budget", "most")
}
"""Where a flaw that promotions name is shown; what belongs to an offer as in the form of offers."""


class CouponRow(msgspec.Struct, frozen=True):
    """A coupon in the list."""

    ident: str
    view: CouponView
    coupon: Coupon
    state: str
    tone: str
    way: str
    figures: CouponFigures


async def show_list(desk: Desk) -> ASGIResponse:
    """The newest first; a merchant's people see their own."""
    rows = await _rows(desk, None)
    return desk.page("couponry/list.html", rows=rows, base=base_of(desk, HERE, SELLING), may_make=may_make(desk))


async def show_new(desk: Desk) -> ASGIResponse:
    """The form: collected from now on for a week, used in the week after."""
    now = desk.now.replace(second=0, microsecond=0)
    values = {
        "once": encode(COUPON, desk.shop.ids.new()),
        "currency": CURRENCIES[0],
        "way": CouponWay.OPEN.value,
        "effect": "percent",
        **shown(
            desk.zone,
            {
                "collect_from": now,
                "collect_until": now + timedelta(days=7),
                "use_from": now,
                "use_until": now + timedelta(days=14),
            },
        ),
        "quota": "1000",
        "uses": "1",
    }
    return _form_page(desk, Form(values))


async def create(desk: Desk) -> ASGIResponse:
    """Show what was described, or make it; its id comes with the form, so that sending it twice makes one."""
    form = await desk.form()
    id = form.once(COUPON)
    new = await read_coupon(desk, form, id)
    if new is None:
        return _form_page(desk, form, status=422)
    if form.get("do") == "preview":
        return _form_page(desk, form, coupon_view(desk.visit, Coupon(id, new.terms, desk.now, ""), {}, desk.now))
    ident = encode(COUPON, id)
    try:
        async with desk.acting("coupons.make", ident, new.terms.name.get("en", "")) as tx:
            await desk.shop.coupons.make(tx, new, desk.actor.name)
    except (CouponRefused, OfferRefused, TooManyOffers) as refused:
        note(desk, form, refused, FIELDS, "name_en")
        return _form_page(desk, form, status=refused.status)
    await desk.shop.books.refresh()
    return desk.redirect(f"{HERE}/{ident}")


async def show(desk: Desk) -> ASGIResponse:
    """One coupon with its figures."""
    [row] = await _rows(desk, await _own(desk, desk.id(COUPON)))
    return desk.page("couponry/coupon.html", row=row, base=base_of(desk, HERE, SELLING), may_make=may_make(desk))


async def codes(desk: Desk) -> ASGIResponse:
    """All codes of a coupon as a file."""
    coupon = await _own(desk, desk.id(COUPON))
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\r\n")
    rows.writerow(("number", "code", "taken"))
    after = 0
    async with desk.shop.database.read() as connection:
        for _ in range(MAX_CODE_PAGES):
            page = await desk.shop.coupons.codes(connection, coupon.id, after)
            rows.writerows((number, code, "yes" if taken else "no") for number, code, taken in page)
            if not page:
                break
            after = page[-1][0]
    name = f"codes-{encode(COUPON, coupon.id)}.csv"
    headers = {
        "content-type": "text/csv; charset=utf-8",
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "no-store",
    }
    await desk.note("coupons.codes", encode(COUPON, coupon.id))
    return ASGIResponse(body=written.getvalue().encode(), headers=headers)


async def end(desk: Desk) -> ASGIResponse:
    """Nobody collects or uses it from now on."""
    await desk.form()
    coupon = await _own(desk, desk.id(COUPON))
    async with desk.acting("coupons.end", encode(COUPON, coupon.id)) as tx:
        await desk.shop.coupons.end(tx, coupon.id)
    await desk.shop.books.refresh()
    return desk.redirect(f"{HERE}/{encode(COUPON, coupon.id)}")


async def _own(desk: Desk, id: UUID) -> Coupon:
    """The coupon, if this person may see it at all."""
    async with desk.shop.database.read() as connection:
        found = await desk.shop.coupons.one(connection, id)
    require_own(desk, found.terms.merchant)
    return found


async def _rows(desk: Desk, only: Coupon | None) -> list[CouponRow]:
    shop = desk.shop
    async with shop.database.read() as connection:
        found = [only] if only else await shop.coupons.all(connection, desk.merchant)
        figures = await shop.coupons.figures(connection, [one.id for one in found])
    stalls: dict[object, str] = {one.id: one.name for one in await shop.catalog.merchants()}
    rows: list[CouponRow] = []
    for one in found:
        view = coupon_view(desk.visit, one, stalls, desk.now, figures=figures.get(one.id))
        words, tone = PHASES[view.phase]
        way = desk.say(WAYS[one.terms.way])
        counted = figures.get(one.id, CouponFigures(0, one.terms.quota))
        rows.append(CouponRow(view.ident, view, one, desk.say(words), tone, way, counted))
    return rows


def _form_page(desk: Desk, form: Form, preview: CouponView | None = None, status: int = 200) -> ASGIResponse:
    return desk.page(
        "couponry/new.html",
        status=status,
        form=form,
        preview=preview,
        currencies=[(one, one) for one in CURRENCIES],
        ways=WAYS,
        each=[(word.value, desk.say(text)) for word, text in EACH.items()],
        which=[(word.value, desk.say(text)) for word, text in WHICH.items()],
        zone=desk.shop.settings.zone.key,
        base=base_of(desk, HERE, SELLING),
    )
