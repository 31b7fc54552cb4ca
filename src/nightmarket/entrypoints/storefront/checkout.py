"""From the cart to the order: one page for contact, address, delivery and payment."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from nightmarket.bootstrap import WALLET
from nightmarket.entrypoints.pages import Form, Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.orders.contract import (
    HELD,
    Completion,
    PaymentInput,
    SessionInput,
    SessionKind,
    SessionState,
    SessionView,
)
from nightmarket.orders.errors import (
    IdentityNeeded,
    KeyReused,
    LimitReached,
    NotReady,
    OutOfStock,
    PaymentRefused,
    PriceChanged,
    SeatTaken,
    SessionBusy,
    SessionClosed,
    SessionNotFound,
    WalletChanged,
)

from .account import keep_address, saved
from .bills import bill_of
from .buyers import (
    CARD,
    FIELDS,
    HANDLERS,
    card_token,
    check_buyer,
    chosen_deliveries,
    contact_of,
    country_of,
    destination_of,
    forget_card,
    note_refused,
    prefilled,
)
from .carts import OPEN, TRIES, input_of
from .limiting import with_identity, without_offers
from .orders import order_path, remember_order
from .storefront import Storefront, TheStore, id_of
from .wallet.paying import is_whole, purse_of, wallet_part

CHECKOUT = SessionKind.CHECKOUT

DECLINED = {
    "card_declined": say_later("The bank declined the card without a reason. Use another card, or pay by transfer."),
    "insufficient_funds": say_later("There is not enough money on the card. Use another card, or pay by transfer."),
    "expired_card": say_later("The bank says that the card has expired. Use another card, or pay by transfer."),
    "incorrect_cvc": say_later("The security code does not fit the card. Check its digits and try again."),
    "fraud_suspected": say_later("The bank stopped the payment to protect the card. Call it, or pay another way."),
    "processing_error": say_later("The bank could not process the card just now. Try again in a minute."),
    "too_late": say_later("The payment came too late. The goods went back, and so does your money."),
}
OTHER_DECLINE = say_later("The payment was declined. Use another card, or pay by transfer.")


CARD_ONLY = say_later("A place in a group is paid by card: the money is held until the group closes.")


AS_OF = "as-of"
"""Where a dry run shows the checkout of a cart: nothing is written, so there is no session."""

CHANGING = "This checkout is being changed in another window; try again in a moment."


class Notice(msgspec.Struct, frozen=True):
    """What to say above the form: `kind` is good, warn or danger; `to_cart` offers the way back."""

    kind: str
    title: str
    text: str
    to_cart: bool = False


@post("/checkout", include_in_schema=False)
async def begin(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """Make a checkout from the cart; with `again`, what was typed in an earlier one comes along."""
    visit = await store.site.visit(request.scope)
    form = store.site.form(visit, await request.body())
    cart = await store.carts.read(visit)
    if cart is None or not cart.body.lines:
        return store.site.redirect(visit, "/cart")
    wanted = msgspec.structs.replace(input_of(cart, visit.language), cart=cart.id)
    if form.get("again"):
        wanted = await _typed_before(store, visit, wanted, id_of("chk", form.get("again")))
    for attempt in range(TRIES):
        try:
            key = f"storefront-{cart.id.hex}-{cart.version}-{attempt}"
            view = await store.shop.orders.create(visit.owner, CHECKOUT, key, wanted)
        except KeyReused:
            continue
        if view.state is SessionState.COMPLETED and view.order is not None:
            await store.carts.take_out(visit, view.order.rows)
            return store.site.redirect(visit, order_path(view.id))
        if view.state is SessionState.IN_PROGRESS or (view.state in OPEN and view.expires_at > store.shop.clock.now()):
            return store.site.redirect(visit, f"/checkout/{encode('chk', view.id)}")
    raise SessionBusy("This cart has been to checkout too often without an order; change it and try again.")


async def _sent(store: Storefront, request: Request[Any, Any, Any], id: str) -> tuple[Visit, Form, SessionView]:
    """Who sent which form about which checkout."""
    visit = await store.site.visit(request.scope)
    form = store.site.form(visit, await request.body())
    return visit, form, await store.shop.orders.get(visit.owner, CHECKOUT, id_of("chk", id))


async def _looked_at(store: Storefront, visit: Visit, id: str) -> SessionView | None:
    """A checkout; in a dry run also what the cart would be as one, if there is anything in it."""
    if id != AS_OF or store.site.as_of is None:
        return await store.shop.orders.get(visit.owner, CHECKOUT, id_of("chk", id))
    cart = await store.carts.read(visit)
    return cart if cart is not None and cart.body.lines else None


async def _typed_before(store: Storefront, visit: Visit, wanted: SessionInput, id: UUID) -> SessionInput:
    try:
        body = (await store.shop.orders.get(visit.owner, CHECKOUT, id)).body
    except SessionNotFound:
        return wanted
    options = {UUID(merchant): option for merchant, option in body.options.items()}
    return msgspec.structs.replace(wanted, contact=body.contact, destination=body.destination, options=options)


@get("/checkout/{id:str}", include_in_schema=False)
async def checkout(request: Request[Any, Any, Any], store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """The checkout, or where it has led to."""
    visit = await store.site.visit(request.scope)
    view = await _looked_at(store, visit, id)
    if view is None:
        return store.site.redirect(visit, "/cart")
    form = prefilled(view, visit)
    (await saved(store.shop, visit)).prefill(form)
    return await _elsewhere(store, visit, view) or await _show(store, visit, view, form)


@post("/checkout/{id:str}/review", include_in_schema=False)
async def review(request: Request[Any, Any, Any], store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """The sums for what is chosen now, also for an address of the account's; stores nothing."""
    visit = await store.site.visit(request.scope)
    form = store.site.form(visit, await request.body())
    if form.get("use_address"):
        (await saved(store.shop, visit)).use(form, form.get("use_address"))
    view = await _looked_at(store, visit, id)
    if view is None:
        return store.site.redirect(visit, "/cart")
    return await _elsewhere(store, visit, view) or await _show(store, visit, view, form, part=visit.by_script)


@post("/checkout/{id:str}/offers", include_in_schema=False)
async def offers(request: Request[Any, Any, Any], store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """Do without an offer that is limited per buyer, or take it after all; what was typed stays on the page."""
    visit, form, view = await _sent(store, request, id)
    if (moved := await _elsewhere(store, visit, view)) is not None:
        return moved
    for _ in range(TRIES):
        wanted = input_of(view, visit.language)
        wanted = msgspec.structs.replace(wanted, declined=without_offers(wanted.declined, form), estimate=True)
        try:
            view = await store.shop.orders.update(visit.owner, CHECKOUT, view.id, wanted, if_version=view.version)
        except SessionBusy:
            view = await store.shop.orders.get(visit.owner, CHECKOUT, view.id)
            continue
        return await _show(store, visit, view, form, part=visit.by_script)
    raise SessionBusy(CHANGING)


@post("/checkout/{id:str}", include_in_schema=False)
async def place(request: Request[Any, Any, Any], store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """Place the order and pay it, if all is well and costs what was shown; else say what is not."""
    visit, form, view = await _sent(store, request, id)
    if (moved := await _elsewhere(store, visit, view)) is not None:
        return moved
    check_buyer(form, visit)
    by_wallet = is_whole(form)
    token = card_token(form, store.shop, visit) if form.get("pay") == CARD and not by_wallet else ""
    if form.errors:
        return await _show(store, visit, view, form)
    try:
        view = await _write(store, visit, view.id, form)
    except InvalidInput as refused:
        note_refused(form, refused.field, visit)
        return await _show(store, visit, view, form)
    except SessionClosed:
        return store.site.redirect(visit, f"/checkout/{id}")
    view = await with_identity(store, visit, view)
    if view.assessment.quote.total != form.number("shown_total", -1):
        return await _show(store, visit, view, form, _dearer(visit, view.assessment.quote.total, view.body.currency))
    by_wallet = by_wallet and view.body.purse is not None
    if view.body.seat is not None and form.get("pay") != CARD and not by_wallet:
        form.wrong("pay", visit.say(CARD_ONLY))
        return await _show(store, visit, view, form)
    handler = WALLET if by_wallet else HANDLERS[form.get("pay")]
    payment = PaymentInput(handler + (HELD if view.body.seat is not None else ""), token)
    return await _pay(store, visit, view, form, payment)


async def _write(store: Storefront, visit: Visit, id: UUID, form: Form) -> SessionView:
    """Put what was typed into the session; raises what the order desk raises."""
    for _ in range(TRIES):
        view = await store.shop.orders.get(visit.owner, CHECKOUT, id)
        country = country_of(form, visit)
        bill = await bill_of(
            store.shop,
            visit,
            view,
            await store.directory(),
            country=country,
            chosen=chosen_deliveries(form),
        )
        wanted = msgspec.structs.replace(
            input_of(view, visit.language),
            contact=contact_of(form),
            destination=destination_of(form),
            options={parcel.merchant.id: parcel.chosen for parcel in bill.parcels if parcel.chosen},
            purse=await purse_of(store, visit, view, form),
        )
        try:
            return await store.shop.orders.update(visit.owner, CHECKOUT, id, wanted, if_version=view.version)
        except SessionBusy:
            continue
    raise SessionBusy(CHANGING)


async def _pay(store: Storefront, visit: Visit, view: SessionView, form: Form, payment: PaymentInput) -> ASGIResponse:
    say = visit.say
    try:
        listed = visit.account is not None
        done = await store.shop.orders.complete(visit.owner, view.id, payment, listed=listed)
    except PaymentRefused as refused:
        words = DECLINED.get(str(refused.fields.get("decline_code")), OTHER_DECLINE)
        notice = Notice("danger", say("The payment did not go through"), f"{say(words)} {say(NOTHING_LOST)}")
    except OutOfStock:
        await _keep_typed(store, visit, view)
        text = say("What is left stands beside each line. Change the cart; what you typed here stays.")
        notice = Notice("warn", say("Someone was quicker"), text, to_cart=True)
    except PriceChanged as changed:
        notice = _dearer(visit, int(changed.fields["total"]), view.body.currency)
    except (IdentityNeeded, LimitReached):
        text = say("Some of it is limited per buyer; what to do stands beside it. Nothing was charged.")
        notice = Notice("warn", say("Limited per buyer"), text)
    except WalletChanged as changed:
        notice = _poorer(visit, int(changed.fields["rest"]), view.body.currency)
    except SeatTaken:
        text = say("No place is left for you in this group, or it has closed. Nothing was charged.")
        notice = Notice("warn", say("The group is full or closed"), text)
    except NotReady:
        text = say("Something in this order cannot be delivered as it is. Check address, delivery and goods.")
        notice = Notice("danger", say("There is something to mend"), text, to_cart=True)
    except SessionClosed:
        return store.site.redirect(visit, f"/checkout/{encode('chk', view.id)}")
    else:
        if visit.account is not None and form.get("save_address"):
            await keep_address(store.shop, visit.account, form)
        return await _ordered(store, visit, done, from_cart=view.body.seat is None)
    fresh = await store.shop.orders.get(visit.owner, CHECKOUT, view.id)
    return await _elsewhere(store, visit, fresh) or await _show(store, visit, fresh, form, notice)


NOTHING_LOST = say_later("Nothing was charged, and what you typed is still here.")


def _dearer(visit: Visit, total: int, currency: str) -> Notice:
    text = visit.say(
        "The total is %(total)s with what you chose. Nothing was charged. Look at it once more and order again.",
        total=visit.formats.money(total, currency),
    )
    return Notice("warn", visit.say("The total has changed"), text)


def _poorer(visit: Visit, rest: int, currency: str) -> Notice:
    text = visit.say(
        "%(rest)s is left to pay otherwise. Nothing was charged. Look at it once more and order again.",
        rest=visit.formats.money(rest, currency),
    )
    return Notice("warn", visit.say("Less is left in your wallet"), text)


async def _keep_typed(store: Storefront, visit: Visit, view: SessionView) -> None:
    """Let the cart carry what was typed to the next checkout."""
    body = view.body
    options = {UUID(merchant): option for merchant, option in body.options.items()}

    def edit(wanted: SessionInput) -> SessionInput:
        return msgspec.structs.replace(wanted, contact=body.contact, destination=body.destination, options=options)

    await store.carts.change(visit, edit)


async def _ordered(store: Storefront, visit: Visit, done: Completion, *, from_cart: bool) -> ASGIResponse:
    if visit.account is None:
        remember_order(store, visit, done.sold.id)
    if from_cart:
        await store.carts.take_out(visit, done.sold.rows)
    return store.site.redirect(visit, order_path(done.sold.id))


async def _elsewhere(store: Storefront, visit: Visit, view: SessionView) -> ASGIResponse | None:
    """Where a checkout is shown that cannot be filled in: its order, or the page of expired ones."""
    if view.order is not None:
        return store.site.redirect(visit, order_path(view.id))
    if view.state in OPEN and (store.site.as_of is not None or view.expires_at > store.shop.clock.now()):
        return None
    return await store.page(visit, "expired.html", status=410, id=encode("chk", view.id))


async def _show(
    store: Storefront,
    visit: Visit,
    view: SessionView,
    form: Form,
    notice: Notice | None = None,
    *,
    part: bool = False,
) -> ASGIResponse:
    """The page with what was typed; 422 where something is to be mended."""
    forget_card(form)
    form.sort_errors(FIELDS)
    country = country_of(form, visit)
    view = await with_identity(store, visit, view)
    directory = await store.directory()
    bill = await bill_of(store.shop, visit, view, directory, country=country, chosen=chosen_deliveries(form))
    return await store.page(
        visit,
        "checkout_bill.html" if part else "checkout.html",
        status=422 if form.errors or notice else 200,
        id=encode("chk", view.id) if view.kind is CHECKOUT else AS_OF,
        form=form,
        bill=bill,
        saved=await saved(store.shop, visit),
        notice=notice,
        part=part,
        card_only=view.body.seat is not None,
        purse=await wallet_part(store, visit, view, bill, form),
    )


ROUTES = [begin, checkout, review, offers, place]
