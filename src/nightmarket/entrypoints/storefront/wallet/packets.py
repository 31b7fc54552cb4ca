"""A red packet's page: opened by whoever comes, once an account, until it is empty; and what lets anybody check it."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, FromQuery
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.storefront.people import ways_in
from nightmarket.entrypoints.storefront.storefront import Storefront, TheStore, id_of
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.kernel.lots import fingerprint
from nightmarket.kernel.problems import NotFound
from nightmarket.payments.contract.wallets import SOURCE, HeldLot, Source, SourceKind
from nightmarket.payments.errors import PacketNotOpened

from .views import goods_of, lot_view

SAID = {
    "ahead": say_later("This red packet is opened later."),
    "over": say_later("This red packet is over."),
    "empty": say_later("This red packet is empty: others were quicker."),
}


class Proof(msgspec.Struct, frozen=True):
    """What fixed the parts: published from the beginning, and once it is over."""

    committed: str
    secret: str
    parts: tuple[tuple[int, int], ...]


@get("/packets/{id:str}", include_in_schema=False)
async def show(
    request: Request[Any, Any, Any], store: TheStore, id: FromPath[str], done: FromQuery[str | None] = None
) -> ASGIResponse:
    """What is in it for whom, a button to open it, and how its parts were fixed."""
    visit = await store.site.visit(request.scope)
    source = await _packet(store, id_of(SOURCE, id))
    return await _page(store, visit, source, SAID.get(done or "", ""))


@post("/packets/{id:str}/open", include_in_schema=False)
async def open_it(request: Request[Any, Any, Any], store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """Have the next part; twice is once. Who is not signed in is asked to."""
    visit = await store.site.visit(request.scope)
    store.site.form(visit, await request.body())
    store.shop.switches.begin("packets")
    here = f"/packets/{encode(SOURCE, id_of(SOURCE, id))}"
    if visit.account is None:
        return store.site.redirect(visit, ways_in(here)["sign_in"])
    source = await _packet(store, id_of(SOURCE, id))
    try:
        await store.shop.wallets.open_packet(source.id, visit.account)
    except PacketNotOpened as refused:
        return store.site.redirect(visit, f"{here}?done={refused.fields.get('reason', 'over')}")
    return store.site.redirect(visit, here)


async def _packet(store: Storefront, id: UUID) -> Source:
    async with store.shop.database.read() as connection:
        source = await store.shop.wallets.source(connection, id)
    if source.terms.kind is not SourceKind.OPEN:
        raise NotFound("There is nothing at this address.")
    return source


async def _mine(store: Storefront, visit: Visit, source: Source) -> HeldLot | None:
    if visit.account is None:
        return None
    async with store.shop.database.read() as connection:
        held = await store.shop.wallets.lots(connection, visit.account)
    return next((lot for lot in held if lot.source.id == source.id), None)


async def _page(store: Storefront, visit: Visit, source: Source, said: str) -> ASGIResponse:
    now, terms = store.shop.clock.now(), source.terms
    directory = await store.directory()
    mine = await _mine(store, visit, source)
    is_over = source.ended_at is not None or now >= terms.until or source.opened >= terms.parts
    parts: list[tuple[int, int]] = []
    if is_over:
        async with store.shop.database.read() as connection:
            parts = list(await store.shop.wallets.parts(connection, source.id))
    giver = directory.merchants.get(terms.money.funder) if terms.money.funder else None
    return await store.page(
        visit,
        "wallet/packet.html",
        ident=encode(SOURCE, source.id),
        name=pick(terms.money.name, visit.language) or "",
        giver=giver.name if giver else "",
        goods=goods_of(terms.money, directory, visit),
        terms=terms,
        left=terms.parts - source.opened,
        mine=lot_view(visit, directory, mine, now) if mine else None,
        is_open=source.is_open(now) and not is_over,
        is_ahead=now < terms.since,
        said=visit.say(said) if said else "",
        proof=Proof(
            fingerprint(source.secret).hex(), source.secret.hex() if is_over else "", tuple(parts) if is_over else ()
        ),
    )


ROUTES = [show, open_it]
