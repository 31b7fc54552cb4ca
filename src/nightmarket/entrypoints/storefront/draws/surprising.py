"""The page of a surprise price: what is shown of it, how to book it, and after the reveal the proof."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, FromQuery
from litestar.response.base import ASGIResponse

from nightmarket.catalog.contract import Card
from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.storefront.people import person_of, ways_in
from nightmarket.entrypoints.storefront.storefront import TheStore, id_of
from nightmarket.kernel.ids import encode
from nightmarket.kernel.problems import NotFound
from nightmarket.promotions.contract.surprises import (
    SURPRISE,
    Surprise,
    SurpriseBooking,
    SurpriseState,
    check_surprise,
    opening,
)
from nightmarket.promotions.errors import SurpriseRefused

DONE = {
    "booked": say_later("Noted: you hear of the price before everybody else."),
    "late": say_later("The price is public by now, there is nothing left to book."),
}


class SurpriseView(msgspec.Struct, frozen=True):
    """A surprise price as this visitor may see it: `price` is empty for whoever may not know it."""

    ident: str
    mask: str
    currency: str
    commitment: str
    reveal_at: datetime
    early_at: datetime
    ends_at: datetime
    reveals: int
    state: SurpriseState
    is_public: bool
    has_early: bool
    price: str = ""


def surprise_view(visit: Visit, one: Surprise, *, knows: bool = False) -> SurpriseView:
    """What may be shown; the price only once it is public, or to one who `knows`."""
    terms = one.terms
    shown = one.is_revealed or (knows and one.state is SurpriseState.EARLY)
    return SurpriseView(
        ident=encode(SURPRISE, one.id),
        mask=terms.mask,
        currency=terms.currency,
        commitment=one.commitment.hex(),
        reveal_at=terms.reveal_at,
        early_at=terms.early_at,
        ends_at=terms.ends_at,
        reveals=int(terms.reveal_at.timestamp() * 1_000),
        state=one.state,
        is_public=one.is_revealed,
        has_early=terms.early_at < terms.reveal_at,
        price=visit.formats.money(terms.price, terms.currency) if shown else "",
    )


@get("/surprises/{id:str}", include_in_schema=False)
async def show(
    request: Request[Any, Any, Any], store: TheStore, id: FromPath[str], done: FromQuery[str | None] = None
) -> ASGIResponse:
    """One surprise price: before, for those who booked, and after."""
    visit = await store.site.visit(request.scope)
    shop = store.shop
    person = await person_of(store, visit)
    async with shop.database.read() as connection:
        one = await shop.surprises.one(connection, id_of(SURPRISE, id))
        booked = bool(person and await shop.surprises.booked(connection, [one.id], person))
        people = (await shop.surprises.bookings(connection, [one.id])).get(one.id, 0)
    view = surprise_view(visit, one, knows=booked)
    text = opening(one.id, one.terms, one.salt) if one.is_revealed else ""
    cards: list[Card] = list(await shop.catalog.cards_of([one.terms.product]))
    return await store.page(
        visit,
        "draws/surprise.html",
        view=view,
        card=cards[0] if cards else None,
        booked=booked,
        person=person,
        people=people,
        opening=text,
        report=check_surprise(text, view.commitment) if text else None,
        done=visit.say(DONE[done]) if done in DONE else "",
        now=int(shop.clock.now().timestamp() * 1_000),
        address=shop.settings.address,
        ways=ways_in(f"/surprises/{id}"),
    )


@post("/surprises/{id:str}/book", include_in_schema=False)
async def book(request: Request[Any, Any, Any], store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """Note that one wants to hear first; twice is once."""
    visit = await store.site.visit(request.scope)
    store.site.form(visit, await request.body())
    store.shop.switches.begin("surprises")
    ident, person = id_of(SURPRISE, id), await person_of(store, visit)
    if person is None:
        return store.site.redirect(visit, ways_in(f"/surprises/{id}")["sign_in"])
    try:
        async with store.shop.database.transaction() as tx:
            if visit.account is None:
                await store.shop.segments.proven(tx, visit.owner, person)
            await store.shop.surprises.book(tx, SurpriseBooking(ident, person, visit.account, visit.language))
    except SurpriseRefused:
        return store.site.redirect(visit, f"/surprises/{id}?done=late")
    return store.site.redirect(visit, f"/surprises/{id}?done=booked")


@get("/surprises/{id:str}/opening.txt", include_in_schema=False)
async def opened(store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """What was hashed, once it is public, as `nightmarket surprise check` and the page's script read it."""
    async with store.shop.database.read() as connection:
        one = await store.shop.surprises.one(connection, id_of(SURPRISE, id))
    if not one.is_revealed:
        raise NotFound("This price is not revealed yet.")
    body = opening(one.id, one.terms, one.salt).encode()
    headers = {"content-type": "text/plain; charset=utf-8", "cache-control": "public, max-age=60"}
    return ASGIResponse(body=body, headers=headers)


ROUTES = [show, book, opened]
