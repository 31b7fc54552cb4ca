"""The pages of coupons: those that can be collected, the entry of a code, and one's own."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromQuery
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.storefront.people import person_of, ways_in
from nightmarket.entrypoints.storefront.storefront import Storefront, TheStore, id_of
from nightmarket.kernel.problems import NotFound
from nightmarket.platform.database import Connection
from nightmarket.platform.http import safe_next
from nightmarket.promotions.contract.asking import with_codes
from nightmarket.promotions.contract.coupons import COUPON, Collect, HeldCoupon
from nightmarket.promotions.errors import CouponNotGiven

from .booklets import booklet_rows
from .words import DONE, GOOD, CouponView, coupon_view

MAX_CODE_LETTERS = 40
CODES_PER_PERSON = 60
"""Codes that one person types within CODES_WINDOW: a word that many share is short enough to be guessed."""

CODES_WINDOW = timedelta(hours=1)
HERE = "/coupons"


async def stalls_of(store: Storefront) -> dict[object, str]:
    """The names of merchants, by id."""
    return {id: one.name for id, one in (await store.directory()).merchants.items()}


async def _held(store: Storefront, visit: Visit, person: UUID | None) -> list[HeldCoupon]:
    if person is None:
        return []
    async with store.shop.database.read() as connection:
        return list(await store.shop.coupons.held(connection, person, _owner(visit)))


def _owner(visit: Visit) -> UUID:
    return visit.account or visit.owner


async def segments_of(store: Storefront, visit: Visit, connection: Connection) -> frozenset[str]:
    """The segments of who is signed in."""
    return await store.shop.segments.of(connection, visit.account) if visit.account else frozenset()


async def _wish(store: Storefront, visit: Visit, person: UUID, coupon: UUID | None, code: str) -> Collect:
    async with store.shop.database.read() as connection:
        segments = await segments_of(store, visit, connection)
    return Collect(person, _owner(visit), coupon, code, segments)


async def shown(store: Storefront, visit: Visit, person: UUID | None) -> list[CouponView]:
    """What can be collected now or soon, with whether this visitor has it."""
    shop, now = store.shop, store.shop.clock.now()
    sellers = (await store.directory()).sellers
    async with shop.database.read() as connection:
        segments = await segments_of(store, visit, connection)
        found = await shop.coupons.on_show(connection, person, sellers, segments)
        figures = await shop.coupons.figures(connection, [one.id for one in found])
    held = {one.coupon.id: one for one in await _held(store, visit, person)}
    stalls = await stalls_of(store)
    return [coupon_view(visit, one, stalls, now, figures=figures.get(one.id), held=held.get(one.id)) for one in found]


@get(HERE, include_in_schema=False)
async def show(request: Request[Any, Any, Any], store: TheStore, done: FromQuery[str | None] = None) -> ASGIResponse:
    """Coupons that can be collected, a field for a code, and the booklets."""
    visit = await store.site.visit(request.scope)
    person = await person_of(store, visit)
    return await store.page(
        visit,
        "coupons/list.html",
        coupons=await shown(store, visit, person),
        booklets=await booklet_rows(store, visit),
        person=person,
        done=visit.say(DONE[done]) if done in DONE else "",
        is_good=done == GOOD,
        ways=ways_in(HERE),
    )


@post(f"{HERE}/collect", include_in_schema=False)
async def collect(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """Have a coupon: one that is shown, or the one of a code. Twice is once; who is not known is asked who they are."""
    visit = await store.site.visit(request.scope)
    form = store.site.form(visit, await request.body())
    store.shop.switches.begin("coupons")
    back = safe_next(form.get("next"), HERE)
    person = await person_of(store, visit)
    if person is None:
        return store.site.redirect(visit, ways_in(back)["sign_in"])
    code = form.get("code")[:MAX_CODE_LETTERS]
    coupon = id_of(COUPON, form.get("coupon")) if form.get("coupon") and not code else None
    said = await _collect(store, await _wish(store, visit, person, coupon, code))
    return store.site.redirect(visit, f"{back}?done={said}")


async def _collect(store: Storefront, wish: Collect) -> str:
    """Raises TooManyAttempts for one who types codes faster than anybody has them."""
    if wish.code:
        await store.shop.access.allowances.take(f"coupon-codes:{wish.person}", CODES_PER_PERSON, CODES_WINDOW)
    try:
        await store.shop.coupons.collect(wish)
    except CouponNotGiven as refused:
        return str(refused.fields.get("reason", "closed"))
    except NotFound:
        return "unknown"
    return GOOD


async def collected_by_code(store: Storefront, visit: Visit, code: str) -> bool:
    """Whether what was typed as a code of the cart was a coupon's, which is the visitor's from now on."""
    person = await person_of(store, visit)
    if person is None or not code or len(code) > MAX_CODE_LETTERS:
        return False
    if with_codes(store.shop.books.current(), [code]):
        return False
    return await _collect(store, await _wish(store, visit, person, None, code)) == GOOD


@get("/account/coupons", include_in_schema=False)
async def mine(request: Request[Any, Any, Any], store: TheStore, done: FromQuery[str | None] = None) -> ASGIResponse:
    """One's own coupons, each with where it stands."""
    visit = await store.site.visit(request.scope)
    person = await person_of(store, visit)
    if person is None:
        return store.site.redirect(visit, ways_in("/account/coupons")["sign_in"])
    stalls, now = await stalls_of(store), store.shop.clock.now()
    held = await _held(store, visit, person)
    return await store.page(
        visit,
        "coupons/mine.html",
        place="/account/coupons",
        done="",
        said=visit.say(DONE[done]) if done in DONE else "",
        is_good=done == GOOD,
        coupons=[coupon_view(visit, one.coupon, stalls, now, held=one) for one in held],
    )


ROUTES = [show, collect, mine]
