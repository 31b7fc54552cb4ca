"""Asking a merchant about a house, a car, a journey: a form, a mail to the merchant, a place in the console."""

from datetime import timedelta
from typing import Any

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from nightmarket.catalog.contract import Product, ProductKind
from nightmarket.engagement.contract.enquiries import Enquiry
from nightmarket.engagement.errors import EnquiryRefused, TooManyEnquiries
from nightmarket.entrypoints.pages import Form, Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.storefront.storefront import Storefront, TheStore
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import InvalidInput, NotFound
from nightmarket.platform.access import normal_email
from nightmarket.platform.http import address_key, marks_of
from nightmarket.platform.messages import ChannelKind, Message

MAX_SLUG = 200
ENQUIRIES_PER_VISITOR = 20
"""Enquiries that one network address sends within ENQUIRY_WINDOW: each is a mail, and another cookie costs nothing."""

ENQUIRY_WINDOW = timedelta(hours=1)
FIELDS = ("name", "email", "phone", "words")

REFUSED = {
    "name": say_later("Write your name in up to 100 letters."),
    "phone": say_later("Write the telephone number in up to 40 letters."),
    "words": say_later("Write what you want to know, in up to 4,000 letters."),
}
TOO_MANY = say_later("20 of your questions wait for an answer already. Wait for some of them first.")
NOT_EMAIL = say_later("Write the e-mail address like name@example.org.")


@get("/products/{slug:str}/ask", include_in_schema=False)
async def show(request: Request[Any, Any, Any], store: TheStore, slug: FromPath[str]) -> ASGIResponse:
    """The form on a page of its own."""
    visit = await store.site.visit(request.scope)
    product = await _product(store, slug)
    form = Form({"once": encode("enq", store.shop.ids.new())})
    if visit.account is not None:
        account = await store.shop.access.shoppers.account(visit.account)
        form.values |= {"name": account.name, "email": account.email}
    return await _page(store, visit, product, form)


@post("/products/{slug:str}/ask", include_in_schema=False)
async def ask(request: Request[Any, Any, Any], store: TheStore, slug: FromPath[str]) -> ASGIResponse:
    """Send the question; the form's own id makes sure that it is sent once."""
    visit = await store.site.visit(request.scope)
    form = store.site.form(visit, await request.body())
    product, shop = await _product(store, slug), store.shop
    enquiry = _read(store, visit, form, product)
    try:
        if not form.errors:
            asker = f"enquiry:{address_key(marks_of(request.scope).address)}"
            await shop.access.allowances.take(asker, ENQUIRIES_PER_VISITOR, ENQUIRY_WINDOW)
            async with shop.database.transaction() as tx:
                if await shop.enquiries.ask(tx, enquiry) and product.merchant.email:
                    await shop.outbox.send(tx, [_mail(enquiry, product.merchant.email, shop.settings.address)])
    except EnquiryRefused as problem:
        field = problem.field or "words"
        form.wrong(field, visit.say(REFUSED[field]))
    except TooManyEnquiries:
        form.wrong("words", visit.say(TOO_MANY))
        return await _page(store, visit, product, form, 429)
    if form.errors:
        form.sort_errors(FIELDS)
        return await _page(store, visit, product, form, 422)
    return store.site.redirect(visit, f"/products/{product.slug}/asked")


def _read(store: Storefront, visit: Visit, form: Form, product: Product) -> Enquiry:
    """The enquiry as typed; what is wrong with the address or the form's id is noted."""
    email, once = "", store.shop.ids.new()
    try:
        email = normal_email(form.get("email"))
    except InvalidInput:
        form.wrong("email", visit.say(NOT_EMAIL))
    if form.get("once"):
        once = decode("enq", form.get("once"))
    return Enquiry(
        id=once,
        merchant=product.merchant.id,
        product=product.id,
        title=_title(product, visit.language),
        owner=visit.owner,
        name=form.get("name"),
        email=email,
        phone=form.get("phone"),
        words=form.get("words"),
        language=visit.language,
        asked_at=store.shop.clock.now(),
    )


@get("/products/{slug:str}/asked", include_in_schema=False)
async def asked(request: Request[Any, Any, Any], store: TheStore, slug: FromPath[str]) -> ASGIResponse:
    """What happens now."""
    visit = await store.site.visit(request.scope)
    product = await _product(store, slug)
    return await store.page(visit, "bookings/asked.html", product=product, title=_title(product, visit.language))


async def _product(store: Storefront, slug: str) -> Product:
    """A live product that is arranged with its merchant."""
    product = await store.shop.catalog.product(slug) if slug.isprintable() and len(slug) <= MAX_SLUG else None
    if product is None or product.kind is not ProductKind.CONTACT:
        raise NotFound("There is nothing to ask about at this address.")
    return product


def _title(product: Product, language: str) -> str:
    text = pick(product.texts, language)
    return text.title if text else product.slug


def _mail(enquiry: Enquiry, email: str, address: str) -> Message:
    """To the merchant, whose language is not known here: in the shop's own."""
    link = f"{address}/console/enquiries/{encode('enq', enquiry.id)}"
    lines = [enquiry.words, "", f"{enquiry.name} <{enquiry.email}> {enquiry.phone}".rstrip(), "", link]
    return Message(
        key=f"enquiry:{encode('enq', enquiry.id)}",
        channel=ChannelKind.MAIL,
        to=email,
        language="en",
        subject=f"A question about {enquiry.title}",
        text="\n".join(lines) + "\n",
        about=encode("enq", enquiry.id),
    )


async def _page(store: Storefront, visit: Visit, product: Product, form: Form, status: int = 200) -> ASGIResponse:
    title = _title(product, visit.language)
    return await store.page(visit, "bookings/ask.html", status=status, form=form, product=product, title=title)


ROUTES = [show, ask, asked]
