"""Free samples: what there is, a seat at a counter, the pass that is shown there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.pages import Form, Visit
from nightmarket.entrypoints.pages.qr import qr_picture
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.storefront.people import person_of, proven_email, ways_in
from nightmarket.entrypoints.storefront.storefront import Storefront, TheStore, id_of
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import InvalidInput, NotFound
from nightmarket.promotions.contract.places import Place
from nightmarket.promotions.contract.samples import (
    MAX_FIRST_NAME,
    SAMPLE,
    Booking,
    BookingState,
    NewBooking,
    Sample,
    Slot,
    slot_tally,
)
from nightmarket.promotions.errors import SampleRefused, SlotFull

NOT_EMAIL = say_later("Write the e-mail address like name@example.org.")
OTHER_EMAIL = say_later("This is not the address that you have confirmed. Write that one, or confirm this one.")
NO_SLOT = say_later("Choose a time.")
REFUSED = {
    "full": say_later("Every seat of this slot is taken; choose another one."),
    "begun": say_later("This slot has begun; choose a later one."),
    "closed": say_later("The place is closed by then."),
    "busy": say_later("Your other booking is changing just now; try again."),
    "malformed": say_later("Write a first name in up to 40 letters."),
}
OVER = say_later("This appointment is over, so there is nothing to cancel.")
FIELDS = ("slot", "first_name", "email")
SLOT = "slt"


class SampleView(msgspec.Struct, frozen=True):
    """A sample as shoppers see it."""

    ident: str
    name: str
    merchant: str
    place: str
    address: str
    seats: int


class SlotView(msgspec.Struct, frozen=True):
    """A slot to choose."""

    ident: str
    words: str
    left: int


@get("/samples", include_in_schema=False)
async def show_list(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """Every sample with seats ahead."""
    visit = await store.site.visit(request.scope)
    sellers = (await store.directory()).sellers
    async with store.shop.database.read() as connection:
        samples = await store.shop.samples.bookable(connection, sellers)
    views = await _views(store, visit, samples)
    return await store.page(visit, "places/samples.html", samples=[one for one in views.values() if one.seats])


@get("/samples/{id:str}", include_in_schema=False)
async def show(request: Request[Any, Any, Any], store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """One sample with its slots, and the form for who has proven an address."""
    visit = await store.site.visit(request.scope)
    form = Form()
    if visit.account is not None:
        account = await store.shop.access.shoppers.account(visit.account)
        form.values["first_name"] = account.name.split(" ")[0][:MAX_FIRST_NAME]
    return await _sample_page(store, visit, id_of(SAMPLE, id), form)


@post("/samples/{id:str}/book", include_in_schema=False)
async def book(request: Request[Any, Any, Any], store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """Take a seat; twice is once."""
    visit = await store.site.visit(request.scope)
    form = store.site.form(visit, await request.body())
    store.shop.switches.begin("samples")
    ident, person = id_of(SAMPLE, id), await person_of(store, visit)
    if person is None:
        return store.site.redirect(visit, ways_in(f"/samples/{id}")["sign_in"])
    if not await _is_given(store, ident):
        return await _sample_page(store, visit, ident, form, 422)
    email, slot = await _email(store, visit, form, person), _slot(visit, form)
    if slot is None or form.errors:
        return await _sample_page(store, visit, ident, form, 422)
    wanted = NewBooking(slot, person, visit.account, email, form.get("first_name"), visit.language)
    try:
        async with store.shop.database.transaction() as tx:
            booked = await store.shop.samples.book(tx, wanted)
    except SlotFull as refused:
        form.wrong("slot", visit.say(REFUSED["full"]))
        return await _sample_page(store, visit, ident, form, refused.status)
    except SampleRefused as refused:
        reason = str(refused.fields.get("reason", "busy"))
        form.wrong(refused.field or "slot", visit.say(REFUSED.get(reason, REFUSED["busy"])))
        return await _sample_page(store, visit, ident, form, refused.status)
    return store.site.redirect(visit, f"/sample-pass/{store.shop.samples.token(booked.id)}")


@get("/sample-pass/{token:str}", include_in_schema=False)
async def show_pass(request: Request[Any, Any, Any], store: TheStore, token: FromPath[str]) -> ASGIResponse:
    """The pass: for whoever has its address, as an order's page from its mail."""
    visit = await store.site.visit(request.scope)
    return await _pass_page(store, visit, token)


@post("/sample-pass/{token:str}/cancel", include_in_schema=False)
async def cancel(request: Request[Any, Any, Any], store: TheStore, token: FromPath[str]) -> ASGIResponse:
    """Give the seat back; twice is once."""
    visit = await store.site.visit(request.scope)
    store.site.form(visit, await request.body())
    try:
        async with store.shop.database.transaction() as tx:
            await store.shop.samples.cancel(tx, _booking_of(store, token))
    except SampleRefused as refused:
        return await _pass_page(store, visit, token, visit.say(OVER), refused.status)
    return store.site.redirect(visit, f"/sample-pass/{token}")


async def _pass_page(store: Storefront, visit: Visit, token: str, wrong: str = "", status: int = 200) -> ASGIResponse:
    shop = store.shop
    async with shop.database.read() as connection:
        booking = await shop.samples.booking(connection, _booking_of(store, token))
        sample = await shop.samples.one(connection, booking.sample)
        place = await shop.places.one(connection, sample.terms.place)
        slots = await shop.samples.slots(connection, [sample.id], booking.booked_at)
    slot = next((one for one in slots if one.id == booking.slot), None)
    zone = ZoneInfo(place.terms.zone)
    return await store.page(
        visit,
        "places/pass.html",
        status=status,
        booking=booking,
        code=f"{booking.code[:4]}-{booking.code[4:]}",
        state=booking.state.value,
        view=(await _views(store, visit, [sample]))[sample.id],
        when=_words(visit, slot, zone) if slot else "",
        zone=visit.formats.within(zone).zone_name(slot.starts_at) if slot else "",
        picture=qr_picture(f"{shop.settings.address}/console/counter?code={booking.code}"),
        may_cancel=booking.state is BookingState.BOOKED and slot is not None and slot.ends_at > shop.clock.now(),
        token_word=token,
        wrong=wrong,
    )


def _booking_of(store: Storefront, token: str) -> UUID:
    found = store.shop.samples.read(token)
    if found is None:
        raise NotFound("There is no pass at this address.")
    return found


async def _sample_page(store: Storefront, visit: Visit, id: UUID, form: Form, status: int = 200) -> ASGIResponse:
    shop, person, now = store.shop, await person_of(store, visit), store.shop.clock.now()
    mine: Booking | None = None
    async with shop.database.read() as connection:
        sample = await shop.samples.one(connection, id)
        place = await shop.places.one(connection, sample.terms.place)
        slots = [one for one in await shop.samples.slots(connection, [id], now) if _is_ahead(one, place, now)]
        if sample.terms.merchant not in (await store.directory()).sellers:
            slots = []
        levels = await shop.tallies.levels(connection, [slot_tally(one.id) for one in slots])
        if person is not None:
            mine = await shop.samples.of_person(connection, id, person)
    zone = ZoneInfo(place.terms.zone)
    choices = [
        SlotView(encode(SLOT, one.id), _words(visit, one, zone), level.available if level else 0)
        for one in slots
        for level in (levels.get(slot_tally(one.id)),)
    ]
    form.sort_errors(FIELDS)
    return await store.page(
        visit,
        "places/sample.html",
        status=status,
        form=form,
        view=(await _views(store, visit, [sample]))[id],
        slots=choices,
        zone=visit.formats.within(zone).zone_name(slots[0].starts_at) if slots else "",
        person=person,
        signed_in=visit.account is not None,
        ways=ways_in(f"/samples/{encode(SAMPLE, id)}"),
        mine=shop.samples.token(mine.id) if mine else "",
    )


def _is_ahead(slot: Slot, place: Place, now: datetime) -> bool:
    """Whether somebody can be there then."""
    return slot.starts_at > now and place.closed_at is None and slot.ends_at <= place.terms.ends_at


async def _views(store: Storefront, visit: Visit, samples: Sequence[Sample]) -> dict[UUID, SampleView]:
    """Samples with the seats that are left ahead, altogether."""
    shop, now = store.shop, store.shop.clock.now()
    async with shop.database.read() as connection:
        places = await shop.places.some(connection, [one.terms.place for one in samples])
        slots = await shop.samples.slots(connection, [one.id for one in samples], now)
        levels = await shop.tallies.levels(connection, [slot_tally(one.id) for one in slots])
    chosen = {one.id: one.terms.place for one in samples}
    left: dict[UUID, int] = {}
    for slot in slots:
        level = levels.get(slot_tally(slot.id))
        if level is not None and _is_ahead(slot, places[chosen[slot.sample]], now):
            left[slot.sample] = left.get(slot.sample, 0) + level.available
    merchants = (await store.directory()).merchants
    found: dict[UUID, SampleView] = {}
    for one in samples:
        place, merchant = places[one.terms.place], merchants.get(one.terms.merchant)
        found[one.id] = SampleView(
            ident=encode(SAMPLE, one.id),
            name=pick(one.terms.name, visit.language) or "",
            merchant=merchant.name if merchant else "",
            place=pick(place.terms.name, visit.language) or "",
            address=place.terms.address,
            seats=left.get(one.id, 0),
        )
    return found


def _words(visit: Visit, slot: Slot, zone: ZoneInfo) -> str:
    """Day and hours by the clocks of the place."""
    here = visit.formats.within(zone)
    return f"{here.weekday(slot.starts_at)}, {here.clock(slot.starts_at)}–{here.clock(slot.ends_at)}"


def _slot(visit: Visit, form: Form) -> UUID | None:
    try:
        return decode(SLOT, form.get("slot"))
    except InvalidInput:
        form.wrong("slot", visit.say(NO_SLOT))
        return None


async def _is_given(store: Storefront, id: UUID) -> bool:
    """Whether its merchant sells here still."""
    async with store.shop.database.read() as connection:
        sample = await store.shop.samples.one(connection, id)
    return sample.terms.merchant in (await store.directory()).sellers


async def _email(store: Storefront, visit: Visit, form: Form, person: UUID) -> str:
    """Where the pass is sent: an account's address, or that which a guest has proven and writes again."""
    if visit.account is not None:
        return (await store.shop.access.shoppers.account(visit.account)).email
    try:
        email = proven_email(store, form.get("email"), person)
        if email is not None:
            return email
    except InvalidInput:
        form.wrong("email", visit.say(NOT_EMAIL))
        return ""
    form.wrong("email", visit.say(OTHER_EMAIL))
    return ""


ROUTES = [show_list, show, book, show_pass, cancel]
