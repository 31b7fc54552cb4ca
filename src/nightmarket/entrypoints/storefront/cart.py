"""The cart's page and what can be done on it."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.pages import Form, Visit
from nightmarket.kernel.ids import decode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.kernel.quantity import MAX_LINE_QUANTITY
from nightmarket.orders.contract import LineInput, SessionInput, SessionView, title_of
from nightmarket.platform.http import safe_next

from .bills import bill_of
from .coupons.pages import collected_by_code
from .limiting import with_identity, without_offers
from .storefront import Storefront, TheStore
from .wallet.paying import wallet_part
from .wares import left

ABSURD = 10**9
"""What a quantity that is no number counts as: refused with the same words as one that is too large."""


class Placed(msgspec.Struct, frozen=True):
    """What became of the wish to add something."""

    title: str
    added: int
    left: int
    view: SessionView | None


async def cart_answer(
    store: Storefront, visit: Visit, view: SessionView | None, *, problem: str = "", status: int = 200
) -> ASGIResponse:
    """The cart as a page, or as the part of it that htmx swaps."""
    directory = await store.directory()
    bill = None
    if view is not None and view.body.lines:
        view = await with_identity(store, visit, view)
        bill = await bill_of(store.shop, visit, view, directory, country=visit.country, chosen={})
    purse = await wallet_part(store, visit, view, bill, Form()) if view is not None and bill is not None else None
    template = "cart_body.html" if visit.by_script else "cart.html"
    words = {"bill": bill, "problem": problem, "oob": visit.by_script, "purse": purse}
    return await store.page(visit, template, status=status, **words)


@get("/cart", include_in_schema=False)
async def cart(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """What is in the cart, what it costs and why."""
    visit = await store.site.visit(request.scope)
    return await cart_answer(store, visit, await store.carts.read(visit))


@post("/cart/lines", include_in_schema=False)
async def add(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """Put a variant into the cart: as many as are wanted, never more than are left."""
    visit = await store.site.visit(request.scope)
    form = store.site.form(visit, await request.body())
    placed = await _place(store, visit, form)
    if visit.by_script:
        return await store.page(visit, "added.html", placed=placed, oob=True)
    if placed.added:
        return store.site.redirect(visit, "/cart")
    return store.site.redirect(visit, safe_next(form.get("next"), "/cart"))


async def _place(store: Storefront, visit: Visit, form: Form) -> Placed:
    variant = decode("var", form.get("variant"))
    quantity = form.number("quantity", ABSURD)
    if not 1 <= quantity <= MAX_LINE_QUANTITY:
        raise InvalidInput(f"Choose between 1 and {MAX_LINE_QUANTITY} units.", field="quantity")
    listing = (await store.shop.catalog.listings([variant])).get(variant)
    if listing is None or not listing.for_sale:
        return Placed("", 0, 0, None)
    levels = await left(store.shop, [lot.tally for lot in listing.stock])
    remaining = sum(levels.values())
    before = await store.carts.read(visit)
    held = next((line.quantity for line in before.body.lines if line.variant == variant), 0) if before else 0
    added = max(0, min(quantity, remaining - held, MAX_LINE_QUANTITY - held))
    view = before
    if added:
        view = await store.carts.change(visit, lambda wanted: _with(wanted, variant, held + added))
    return Placed(title_of(listing, visit.language, store.shop.settings.zone), added, remaining, view)


def _with(wanted: SessionInput, variant: UUID, quantity: int) -> SessionInput:
    """The cart with exactly so many of a variant, so that a repeat changes nothing."""
    lines = [line for line in wanted.lines if line.variant != variant]
    known = next((line for line in wanted.lines if line.variant == variant), None)
    place = wanted.lines.index(known) if known else len(lines)
    lines.insert(place, LineInput(variant, quantity, known.id if known else None))
    return msgspec.structs.replace(wanted, lines=tuple(lines))


@post("/cart/lines/{line:str}", include_in_schema=False)
async def set_quantity(request: Request[Any, Any, Any], store: TheStore, line: FromPath[str]) -> ASGIResponse:
    """Set the quantity of a line; nothing left of it takes it out."""
    visit = await store.site.visit(request.scope)
    form = store.site.form(visit, await request.body())
    quantity = 0 if "remove" in form.values else form.number("quantity", ABSURD)
    if quantity > MAX_LINE_QUANTITY:
        problem = visit.say("Choose between 1 and %(most)s.", most=MAX_LINE_QUANTITY)
        return await cart_answer(store, visit, await store.carts.read(visit), problem=problem, status=422)

    def edit(wanted: SessionInput) -> SessionInput:
        kept = [one if one.id != line else msgspec.structs.replace(one, quantity=quantity) for one in wanted.lines]
        return msgspec.structs.replace(wanted, lines=tuple(one for one in kept if one.quantity))

    return await _changed(store, visit, await store.carts.change(visit, edit))


@post("/cart/codes", include_in_schema=False)
async def codes(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """Enter a code, or take one out."""
    visit = await store.site.visit(request.scope)
    form = store.site.form(visit, await request.body())
    code, gone = form.get("code"), form.get("remove")
    if not gone and await collected_by_code(store, visit, code):
        return await _changed(store, visit, await store.carts.change(visit, lambda wanted: wanted))

    def edit(wanted: SessionInput) -> SessionInput:
        kept = [one for one in wanted.codes if one.casefold() not in (gone.casefold(), code.casefold())]
        return msgspec.structs.replace(wanted, codes=tuple([*kept, code] if code and not gone else kept))

    try:
        view = await store.carts.change(visit, edit)
    except InvalidInput:
        problem = visit.say("A code has at most 40 plain letters, and ten codes fit into one cart.")
        return await cart_answer(store, visit, await store.carts.read(visit), problem=problem, status=422)
    return await _changed(store, visit, view)


@post("/cart/offers", include_in_schema=False)
async def offers(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """Do without an offer that is limited per buyer, or take it after all."""
    visit = await store.site.visit(request.scope)
    form = store.site.form(visit, await request.body())

    def edit(wanted: SessionInput) -> SessionInput:
        return msgspec.structs.replace(wanted, declined=without_offers(wanted.declined, form))

    return await _changed(store, visit, await store.carts.change(visit, edit))


async def _changed(store: Storefront, visit: Visit, view: SessionView) -> ASGIResponse:
    if visit.by_script:
        return await cart_answer(store, visit, view)
    return store.site.redirect(visit, "/cart")


ROUTES = [cart, add, set_quantity, codes, offers]
