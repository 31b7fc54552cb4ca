"""The pages of presales: those that are open, the booking with its deposit, one's own bookings, the balance."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from nightmarket.bootstrap import PROVIDER
from nightmarket.entrypoints.pages import Form, Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.storefront.buyers import card_token, forget_card
from nightmarket.entrypoints.storefront.people import ways_in
from nightmarket.entrypoints.storefront.storefront import Storefront, TheStore, id_of
from nightmarket.kernel.ids import encode
from nightmarket.kernel.problems import NotFound
from nightmarket.orders.contract import LineInput, SessionInput, SessionKind, SessionState
from nightmarket.orders.errors import SessionBusy
from nightmarket.promotions.contract.presales import (
    BOOKING,
    PRESALE,
    STANDING,
    Booking,
    BookingState,
    NewBooking,
    Presale,
)
from nightmarket.promotions.errors import DepositRefused, PresaleClosed, PresaleFull, PresaleNotFound

from .views import booking_view, cards_of, presale_view

HERE, MINE = "/presales", "/account/presales"
TRIES = 20
OPEN = (SessionState.READY, SessionState.INCOMPLETE)
FIELDS = ("agreed", "number", "expiry", "cvc", "name")
FULL = say_later("Every place is taken. Nothing was charged.")
CLOSED = say_later("No places are given for this now.")
DECLINED = say_later("The deposit was declined. Nothing was charged and nothing is booked; try another card.")


async def _standing(store: Storefront, presales: list[Presale]) -> dict[UUID, int]:
    """How many places of each are taken."""
    async with store.shop.database.read() as connection:
        counts = await store.shop.presales.counts(connection, [one.id for one in presales])
    return {id: sum(states.get(state, 0) for state in STANDING) for id, states in counts.items()}


@get(HERE, include_in_schema=False)
async def show_list(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """Presales that take bookings now or will."""
    visit = await store.site.visit(request.scope)
    now = store.shop.clock.now()
    async with store.shop.database.read() as connection:
        found = list(await store.shop.presales.running(connection, now))
    cards, taken = await cards_of(store, found), await _standing(store, found)
    views = [presale_view(visit, one, cards.get(one.terms.product), now, taken.get(one.id, 0)) for one in found]
    return await store.page(visit, "presales/list.html", views=views)


@get(f"{HERE}/{{id:str}}", include_in_schema=False)
async def show(request: Request[Any, Any, Any], store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """One presale with its terms, and the form that books a place."""
    visit = await store.site.visit(request.scope)
    once = encode(BOOKING, store.shop.ids.new())
    return await _show(store, visit, id_of(PRESALE, id), Form({"once": once}))


@post(f"{HERE}/{{id:str}}/book", include_in_schema=False)
async def book(request: Request[Any, Any, Any], store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """Pay the deposit and have a place; a repeat of the same form finds the booking."""
    visit = await store.site.visit(request.scope)
    form = store.site.form(visit, await request.body())
    store.shop.switches.begin("presales")
    presale = id_of(PRESALE, id)
    if visit.account is None:
        return store.site.redirect(visit, ways_in(f"{HERE}/{id}")["sign_in"])
    once = form.once(BOOKING)
    if not form.get("agreed"):
        form.wrong("agreed", visit.say("Say that you know what becomes of the deposit."))
    token = card_token(form, store.shop, visit)
    if form.errors:
        return await _show(store, visit, presale, form)
    new = NewBooking(once, presale, visit.account, visit.language, PROVIDER)
    try:
        done = await store.shop.presale_desk.book(new, token)
    except DepositRefused:
        form.values["once"] = encode(BOOKING, store.shop.ids.new())
        form.wrong("number", visit.say(DECLINED))
        return await _show(store, visit, presale, form)
    except (PresaleFull, PresaleClosed) as refused:
        form.wrong("agreed", visit.say(FULL if isinstance(refused, PresaleFull) else CLOSED))
        return await _show(store, visit, presale, form)
    return store.site.redirect(visit, f"{HERE}/bookings/{encode(BOOKING, done.id)}")


async def _show(store: Storefront, visit: Visit, id: UUID, form: Form) -> ASGIResponse:
    forget_card(form)
    form.sort_errors(FIELDS)
    now = store.shop.clock.now()
    async with store.shop.database.read() as connection:
        one = await store.shop.presales.one(connection, id)
        mine = await store.shop.presales.bookings_of(connection, visit.account) if visit.account else ()
    if not one.lots:
        raise PresaleNotFound("There is no such presale.", field="presale")
    cards, taken = await cards_of(store, [one]), await _standing(store, [one])
    booked = next((it for it in mine if it.presale == id and it.state in STANDING), None)
    return await store.page(
        visit,
        "presales/presale.html",
        status=422 if form.errors else 200,
        view=presale_view(visit, one, cards.get(one.terms.product), now, taken.get(id, 0)),
        form=form,
        booked=encode(BOOKING, booked.id) if booked else "",
        ways=ways_in(f"{HERE}/{encode(PRESALE, id)}"),
    )


async def _own(store: Storefront, visit: Visit, id: str) -> tuple[Booking, Presale] | None:
    """The booking, if it is this visitor's; None where nobody is signed in."""
    if visit.account is None:
        return None
    async with store.shop.database.read() as connection:
        found = await store.shop.presales.booking(connection, id_of(BOOKING, id))
        if found is None or found.account != visit.account:
            raise NotFound("There is no such booking.", field="id")
        return found, await store.shop.presales.one(connection, found.presale)


@get(f"{HERE}/bookings/{{id:str}}", include_in_schema=False)
async def show_booking(request: Request[Any, Any, Any], store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """One's place, and what is due when."""
    visit = await store.site.visit(request.scope)
    own = await _own(store, visit, id)
    if own is None:
        return store.site.redirect(visit, ways_in(f"{HERE}/bookings/{id}")["sign_in"])
    booking, presale = own
    card = (await cards_of(store, [presale])).get(presale.terms.product)
    view = booking_view(visit, booking, presale, card, store.shop.clock.now())
    return await store.page(visit, "presales/booking.html", view=view, place=MINE, done="")


@post(f"{HERE}/bookings/{{id:str}}/pay", include_in_schema=False)
async def pay(request: Request[Any, Any, Any], store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """A checkout for exactly this unit."""
    visit = await store.site.visit(request.scope)
    store.site.form(visit, await request.body())
    own = await _own(store, visit, id)
    if own is None:
        return store.site.redirect(visit, ways_in(f"{HERE}/bookings/{id}")["sign_in"])
    booking, presale = own
    shop, now = store.shop, store.shop.clock.now()
    if booking.state is not BookingState.HELD or not presale.takes_balances(now):
        return store.site.redirect(visit, f"{HERE}/bookings/{id}")
    wanted = SessionInput(
        lines=(LineInput(presale.terms.variant, 1),), currency=presale.terms.currency, language=visit.language
    )
    for attempt in range(TRIES):
        key = f"presale-{booking.id.hex}-{attempt}"
        wanted = msgspec.structs.replace(wanted, language=visit.language)
        view = await shop.orders.create(visit.owner, SessionKind.CHECKOUT, key, wanted)
        if view.order is not None or (view.state in OPEN and view.expires_at > now):
            return store.site.redirect(visit, f"/checkout/{encode('chk', view.id)}")
    raise SessionBusy("This balance has been to checkout too often without an order; try again later.")


@get(MINE, include_in_schema=False)
async def show_mine(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """One's bookings, the newest first."""
    visit = await store.site.visit(request.scope)
    if visit.account is None:
        return store.site.redirect(visit, ways_in(MINE)["sign_in"])
    now = store.shop.clock.now()
    async with store.shop.database.read() as connection:
        mine = await store.shop.presales.bookings_of(connection, visit.account)
        presales = await store.shop.presales.some(connection, list({one.presale for one in mine}))
    cards = await cards_of(store, list(presales.values()))
    views = [
        booking_view(visit, one, presales[one.presale], cards.get(presales[one.presale].terms.product), now)
        for one in mine
    ]
    return await store.page(visit, "presales/mine.html", views=views, place=MINE, done="")


ROUTES = [show_list, show, book, show_booking, pay, show_mine]
