"""The wish list and its buttons, "tell me when it is back", and following a brand. All of it works without script."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, FromQuery
from litestar.response.base import ASGIResponse

from nightmarket.catalog.contract import Listing, Product, Texts
from nightmarket.engagement.contract.wishes import Alert, Following
from nightmarket.engagement.errors import TooManyAlerts, TooManyFollowed, TooManyWishes
from nightmarket.entrypoints.pages import Form, Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.storefront.storefront import Storefront, TheStore, id_of
from nightmarket.entrypoints.storefront.wares import wares_of
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import InvalidInput, NotFound
from nightmarket.platform.access import normal_email
from nightmarket.platform.http import address_key, marks_of, safe_next

SIGN_IN = "/account/sign-in"
MAX_SLUG = 200
ALERTS_PER_VISITOR = 60
"""Alerts that one network address sets within ALERT_WINDOW: each becomes a mail to an address that nobody proved."""

ALERT_WINDOW = timedelta(hours=1)

REFUSED = {
    TooManyWishes.code: say_later("Your wish list is full: it holds 200 things. Take one off first."),
    TooManyAlerts.code: say_later("You wait for 30 things already. Take one off your list first."),
    TooManyFollowed.code: say_later("You follow 200 brands already. Leave one first."),
}
DONE = {
    "waiting": say_later("We will write to you once, when it is back."),
    "removed": say_later("It is off your list."),
    "left": say_later("You no longer hear from this brand."),
}


class Awaited(msgspec.Struct, frozen=True):
    """Something that someone waits for."""

    ident: str
    listing: Listing
    title: str
    options: str
    email: str


@get("/wishes", include_in_schema=False)
async def wishes(request: Request[Any, Any, Any], store: TheStore, done: FromQuery[str | None] = None) -> ASGIResponse:
    """What one wished, waits for and follows."""
    return await _list(store, await store.site.visit(request.scope), done=done or "")


async def _list(
    store: Storefront, visit: Visit, *, done: str = "", problem: str = "", status: int = 200
) -> ASGIResponse:
    shop = store.shop
    async with shop.database.read() as connection:
        wished = await shop.wishes.wished(connection, visit.owner)
        alerts = await shop.wishes.open_alerts(connection, visit.owner)
        followed = await shop.wishes.followed(connection, visit.account) if visit.account else ()
    cards = await shop.catalog.cards_of([one.product for one in wished])
    wares = dict(zip([card.product for card in cards], await wares_of(shop, visit, cards), strict=True))
    brands = {one.slug: one for one in await shop.catalog.brands()}
    return await store.page(
        visit,
        "wishes/list.html",
        status=status,
        wishes=[(encode("prd", product), ware) for product, ware in wares.items()],
        gone=len(wished) - len(wares),
        awaited=await _awaited(store, visit, alerts),
        followed=[(one.brand, brands[one.brand].name if one.brand in brands else one.brand) for one in followed],
        done=visit.say(DONE[done]) if done in DONE else "",
        problem=problem,
    )


async def _awaited(store: Storefront, visit: Visit, alerts: Sequence[Alert]) -> list[Awaited]:
    listings = await store.shop.catalog.listings([one.variant for one in alerts])
    return [
        Awaited(
            encode("alr", one.id),
            listings[one.variant],
            pick(listings[one.variant].title, visit.language) or "",
            _words(listings[one.variant].options, visit),
            one.email,
        )
        for one in alerts
        if one.variant in listings
    ]


def _words(options: Mapping[str, Texts], visit: Visit) -> str:
    return ", ".join(pick(words, visit.language) or "" for words in options.values())


@post("/wishes", include_in_schema=False)
async def add(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """Put a product on the list; doing it twice does it once."""
    visit = await store.site.visit(request.scope)
    form = store.site.form(visit, await request.body())
    product = id_of("prd", form.get("product"))
    if not await store.shop.catalog.cards_of([product]):
        raise NotFound("There is no such product.")
    try:
        async with store.shop.database.transaction() as tx:
            await store.shop.wishes.wish(tx, visit.owner, product, store.shop.clock.now())
    except TooManyWishes as problem:
        words = visit.say(REFUSED[problem.code])
        if visit.by_script:
            return store.site.page(visit, "wishes/added.html", problem=words)
        return await _list(store, visit, problem=words, status=problem.status)
    if visit.by_script:
        return store.site.page(visit, "wishes/added.html", problem="")
    return store.site.redirect(visit, "/wishes")


@post("/wishes/remove", include_in_schema=False)
async def remove(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """Take a product off the list."""
    visit = await store.site.visit(request.scope)
    form = store.site.form(visit, await request.body())
    product = id_of("prd", form.get("product"))
    async with store.shop.database.transaction() as tx:
        await store.shop.wishes.unwish(tx, visit.owner, product)
    return store.site.redirect(visit, "/wishes?done=removed")


@get("/wishes/back/{slug:str}", include_in_schema=False)
async def show_back(
    request: Request[Any, Any, Any], store: TheStore, slug: FromPath[str], variant: FromQuery[str | None] = None
) -> ASGIResponse:
    """The form: which kind, and where to write to."""
    visit = await store.site.visit(request.scope)
    product = await _product(store, slug)
    known = next((encode("var", one.id) for one in product.variants if one.sku == variant), "")
    email = await _own_email(store, visit)
    return await _back_page(store, visit, product, Form({"variant": known, "email": email}))


@post("/wishes/back/{slug:str}", include_in_schema=False)
async def ask_back(request: Request[Any, Any, Any], store: TheStore, slug: FromPath[str]) -> ASGIResponse:
    """Wait for a variant."""
    visit = await store.site.visit(request.scope)
    form = store.site.form(visit, await request.body())
    product = await _product(store, slug)
    variant = _chosen(product, form)
    if variant is None:
        form.wrong("variant", visit.say(say_later("Choose which one you wait for.")))
    email = ""
    try:
        email = normal_email(form.get("email"))
    except InvalidInput:
        form.wrong("email", visit.say(say_later("Write the e-mail address like name@example.org.")))
    if variant is None or form.errors:
        return await _back_page(store, visit, product, form, 422)
    shop = store.shop
    asker = f"alert:{address_key(marks_of(request.scope).address)}"
    await shop.access.allowances.take(asker, ALERTS_PER_VISITOR, ALERT_WINDOW)
    alert = Alert(shop.ids.new(), visit.owner, variant, email, visit.language, shop.clock.now())
    try:
        async with shop.database.transaction() as tx:
            await shop.wishes.ask(tx, alert)
    except TooManyAlerts as problem:
        form.wrong("email", visit.say(REFUSED[problem.code]))
        return await _back_page(store, visit, product, form, problem.status)
    return store.site.redirect(visit, "/wishes?done=waiting")


@post("/wishes/back-off", include_in_schema=False)
async def cancel_back(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """Wait no longer."""
    visit = await store.site.visit(request.scope)
    form = store.site.form(visit, await request.body())
    alert = id_of("alr", form.get("alert"))
    async with store.shop.database.transaction() as tx:
        await store.shop.wishes.cancel(tx, visit.owner, alert)
    return store.site.redirect(visit, "/wishes?done=removed")


@post("/brands/{slug:str}/follow", include_in_schema=False)
async def follow(request: Request[Any, Any, Any], store: TheStore, slug: FromPath[str]) -> ASGIResponse:
    """Follow a brand, or leave it. Guests sign in first: news goes to an address that was proven."""
    visit = await store.site.visit(request.scope)
    form = store.site.form(visit, await request.body())
    if not slug.isprintable() or len(slug) > MAX_SLUG:
        raise NotFound("There is no such brand.")
    shop, back = store.shop, f"/brands/{quote(slug, safe='')}"
    if visit.account is None:
        return store.site.redirect(visit, f"{SIGN_IN}?next={quote(back, safe='')}")
    if form.get("action") == "leave":
        async with shop.database.transaction() as tx:
            await shop.wishes.unfollow(tx, visit.account, slug)
        return store.site.redirect(visit, safe_next(form.get("next"), "/wishes?done=left"))
    if slug not in {one.slug for one in await shop.catalog.brands()}:
        raise NotFound("There is no such brand.")
    try:
        async with shop.database.transaction() as tx:
            await shop.wishes.follow(tx, Following(visit.account, slug, visit.language, shop.clock.now()))
    except TooManyFollowed as problem:
        return await _list(store, visit, problem=visit.say(REFUSED[problem.code]), status=problem.status)
    return store.site.redirect(visit, "/wishes")


def _chosen(product: Product, form: Form) -> UUID | None:
    """The variant that was chosen, if it is one of the product's."""
    try:
        variant = decode("var", form.get("variant"))
    except InvalidInput:
        return None
    return variant if variant in {one.id for one in product.variants if one.for_sale} else None


async def _product(store: Storefront, slug: str) -> Product:
    product = await store.shop.catalog.product(slug) if slug.isprintable() and len(slug) <= MAX_SLUG else None
    if product is None:
        raise NotFound("There is no such product.")
    return product


async def _own_email(store: Storefront, visit: Visit) -> str:
    if visit.account is None:
        return ""
    return (await store.shop.access.shoppers.account(visit.account)).email


async def _back_page(store: Storefront, visit: Visit, product: Product, form: Form, status: int = 200) -> ASGIResponse:
    text = pick(product.texts, visit.language)
    choices = [
        (encode("var", one.id), _words(one.options, visit) or one.sku) for one in product.variants if one.for_sale
    ]
    title = text.title if text else product.slug
    return await store.page(
        visit, "wishes/back.html", status=status, form=form, product=product, title=title, choices=choices
    )


ROUTES = [wishes, add, remove, show_back, ask_back, cancel_back, follow]
