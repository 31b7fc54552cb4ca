"""Surprise prices at the console: of all merchants for the market's people, of their own for a merchant's."""

from datetime import timedelta
from uuid import UUID

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.catalog.contract import Product
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.making import base_of, goods_of, may_make, product_of, require_own
from nightmarket.entrypoints.console.reading import CURRENCIES, currency_of, instant, money, note, shown
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.promotions.contract.surprises import (
    SURPRISE,
    NewSurprise,
    Surprise,
    SurpriseState,
    SurpriseTerms,
    plain_price,
    possible,
    usual_mask,
)
from nightmarket.promotions.errors import SurpriseRefused

HERE, SELLING = "/console/surprises", "/console/selling/surprises"
STATES = {
    SurpriseState.SEALED: (say_later("sealed"), "warn"),
    SurpriseState.EARLY: (say_later("told to those who booked"), "warn"),
    SurpriseState.REVEALED: (say_later("told to all"), "good"),
    SurpriseState.WITHDRAWN: (say_later("taken back"), ""),
}
FIELDS = {name: name for name in ("product", "price", "mask", "early_at", "reveal_at", "ends_at")} | {
    "currency": "price",
    "state": "price",
}


class SurpriseRow(msgspec.Struct, frozen=True):
    """A surprise price in the list. `price` is empty for who may not know it yet."""

    ident: str
    surprise: Surprise
    title: str
    slug: str
    state: str
    tone: str
    price: str
    booked: int


class SurprisePreview(msgspec.Struct, frozen=True):
    """What shoppers would see, and how much it gives away."""

    title: str
    mask: str
    price: str
    listed: str
    possible: int


def _may_know(desk: Desk, one: Surprise) -> bool:
    """Who fixed it, and the market's people who could have."""
    return one.is_revealed or may_make(desk)


async def show_list(desk: Desk) -> ASGIResponse:
    """The newest first; a merchant's people see their own."""
    rows = await _rows(desk, None)
    return desk.page("prizes/surprises.html", rows=rows, base=base_of(desk, HERE, SELLING), may_make=may_make(desk))


async def show(desk: Desk) -> ASGIResponse:
    """One surprise price."""
    return await _surprise_page(desk, desk.id(SURPRISE), Form())


async def show_new(desk: Desk) -> ASGIResponse:
    """The form: revealed in a day, an hour earlier for those who booked."""
    now = desk.now.replace(second=0, microsecond=0)
    values = {
        "once": encode(SURPRISE, desk.shop.ids.new()),
        "currency": CURRENCIES[0],
        **shown(
            desk.zone,
            {
                "early_at": now + timedelta(hours=23),
                "reveal_at": now + timedelta(days=1),
                "ends_at": now + timedelta(days=2),
            },
        ),
        "product": desk.query("product"),
    }
    return await _form_page(desk, Form(values), None)


async def create(desk: Desk) -> ASGIResponse:
    """Show what was described, or fix it; its id comes with the form."""
    form = await desk.form()
    id = form.once(SURPRISE)
    read = await _read(desk, form, id)
    if read is None:
        return await _form_page(desk, form, None, 422)
    product, new = read
    if form.get("do") == "preview":
        return await _form_page(desk, form, _preview(desk, product, new))
    ident = encode(SURPRISE, id)
    try:
        async with desk.acting("surprises.fix", ident, f"{product.slug}: {new.terms.mask}") as tx:
            await desk.shop.surprises.fix(tx, new, desk.actor.name)
    except SurpriseRefused as refused:
        note(desk, form, refused, FIELDS, "price")
        return await _form_page(desk, form, None, refused.status)
    return desk.redirect(f"{HERE}/{ident}")


async def withdraw(desk: Desk) -> ASGIResponse:
    """End it before its reveal; what it would have been becomes public."""
    form, id = await desk.form(), desk.id(SURPRISE)
    await _own(desk, id)
    try:
        async with desk.acting("surprises.withdraw", encode(SURPRISE, id)) as tx:
            await desk.shop.surprises.withdraw(tx, id)
    except SurpriseRefused as refused:
        form.wrong("withdraw", desk.say(refused.detail))
        return await _surprise_page(desk, id, form)
    return desk.redirect(f"{HERE}/{encode(SURPRISE, id)}")


async def _own(desk: Desk, id: UUID) -> Surprise:
    """The surprise price, if this person may see it at all."""
    async with desk.shop.database.read() as connection:
        found = await desk.shop.surprises.one(connection, id)
    require_own(desk, found.terms.merchant)
    return found


async def _surprise_page(desk: Desk, id: UUID, form: Form) -> ASGIResponse:
    [row] = await _rows(desk, await _own(desk, id))
    return desk.page(
        "prizes/surprise.html",
        status=422 if form.errors else 200,
        form=form,
        row=row,
        base=base_of(desk, HERE, SELLING),
        may_make=may_make(desk),
    )


async def _rows(desk: Desk, only: Surprise | None) -> list[SurpriseRow]:
    shop = desk.shop
    async with shop.database.read() as connection:
        found = [only] if only else await shop.surprises.all(connection, desk.merchant)
        booked = await shop.surprises.bookings(connection, [one.id for one in found])
    cards = {card.product: card for card in await shop.catalog.cards_of([one.terms.product for one in found])}
    rows: list[SurpriseRow] = []
    for one in found:
        card = cards.get(one.terms.product)
        words, tone = STATES[one.state]
        rows.append(
            SurpriseRow(
                ident=encode(SURPRISE, one.id),
                surprise=one,
                title=(pick(card.title, desk.visit.language) or "") if card else "–",
                slug=card.slug if card else "",
                state=desk.say(words),
                tone=tone,
                price=desk.visit.formats.money(one.terms.price, one.terms.currency) if _may_know(desk, one) else "",
                booked=booked.get(one.id, 0),
            )
        )
    return rows


async def _read(desk: Desk, form: Form, id: UUID) -> tuple[Product, NewSurprise] | None:
    """The surprise price that the form describes; None, with the errors noted, if it cannot be one."""
    currency = currency_of(form)
    price = money(desk, form, "price", currency)
    instants = [instant(desk, form, name) for name in ("early_at", "reveal_at", "ends_at")]
    product = await product_of(desk, form)
    early_at, reveal_at, ends_at = instants
    if form.errors or product is None or early_at is None or reveal_at is None or ends_at is None:
        return None
    mask = form.get("mask") or usual_mask(price, currency)
    form.values["mask"] = mask
    variants = [one for one in product.variants if one.for_sale]
    terms = SurpriseTerms(
        merchant=product.merchant.id,
        product=product.id,
        variants=tuple(one.id for one in variants),
        currency=currency,
        price=price,
        mask=mask,
        early_at=early_at,
        reveal_at=reveal_at,
        ends_at=ends_at,
    )
    return product, NewSurprise(id, terms, tuple(one.prices.get(currency) for one in variants))


def _preview(desk: Desk, product: Product, new: NewSurprise) -> SurprisePreview:
    terms, formats = new.terms, desk.visit.formats
    listed = [one for one in new.listed if one is not None]
    text = pick(product.texts, desk.visit.language)
    return SurprisePreview(
        title=text.title if text else product.slug,
        mask=f"{terms.mask} {terms.currency}",
        price=plain_price(terms.price, terms.currency),
        listed=formats.money(min(listed), terms.currency) if listed else "",
        possible=possible(terms.mask),
    )


async def _form_page(desk: Desk, form: Form, preview: SurprisePreview | None, status: int = 200) -> ASGIResponse:
    cards = await goods_of(desk)
    return desk.page(
        "prizes/surprise_new.html",
        status=status,
        form=form,
        preview=preview,
        currencies=CURRENCIES,
        products=cards,
    )
