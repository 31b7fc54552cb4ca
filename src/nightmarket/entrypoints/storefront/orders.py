"""Orders as their owner sees them: the list of this browser, each one's page, and cancelling."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.orders.contract import ON_SITE, TRANSFER, Order, OrderRow, OrderState, is_held
from nightmarket.orders.errors import NotCancellable, SessionNotFound

from .storefront import Storefront, TheStore, id_of
from .wares import PictureView, small_picture

COOKIE = "nightmarket_orders"
COOKIE_LIFE = timedelta(days=180)
REMEMBERED = 20
"""Orders that a browser lists; older ones are found by their address."""


class OrderWords(msgspec.Struct, frozen=True):
    """How a state reads: `kind` is good, warn or danger."""

    kind: str
    icon: str
    title: str
    text: str
    tag: str


PAID = OrderWords(
    "good",
    "circle-check-big",
    say_later("Thank you. Your order is paid."),
    say_later("The merchants have been told and pack now. A message goes to your e-mail address."),
    say_later("Paid"),
)
BOOKED = msgspec.structs.replace(
    PAID, text=say_later("The merchant expects you at the time you booked. A message goes to your e-mail address.")
)
AWAITED = OrderWords(
    "warn",
    "hourglass",
    say_later("Your payment is under way"),
    say_later("The goods are held for you. This page follows by itself; you need not pay again."),
    say_later("Payment under way"),
)
GATHERING = OrderWords(
    "warn",
    "users",
    say_later("You are in the group"),
    say_later("Goods and money are held for you. Nothing is charged before the group closes; if too few join, never."),
    say_later("Waits for the group"),
)
TRANSFER_DUE = OrderWords(
    "warn",
    "landmark",
    say_later("Your order is placed. Now comes the transfer."),
    say_later("The goods are held for you until the money arrives."),
    say_later("Waits for the transfer"),
)
DECLINED = OrderWords(
    "danger",
    "circle-x",
    say_later("The payment was declined"),
    say_later("Nothing was charged and nothing is held any more. You can pay another way."),
    say_later("Declined"),
)
LAPSED = OrderWords(
    "danger",
    "moon",
    say_later("The time to pay has passed"),
    say_later("Nothing was charged and nothing is held any more. You can order again."),
    say_later("Lapsed"),
)
CANCELLED = OrderWords(
    "danger",
    "undo-2",
    say_later("This order is cancelled"),
    say_later("Nothing will be sent. What was paid goes back the way it came."),
    say_later("Cancelled"),
)


def words_of(order: Order | OrderRow) -> OrderWords:
    """What to say of an order as it stands."""
    rows = order.rows if isinstance(order, Order) else (order,)
    first = rows[0]
    match first.state:
        case OrderState.PAID:
            return PAID if any(is_sent(row) for row in rows) else BOOKED
        case OrderState.PENDING:
            if is_held(first.handler):
                return GATHERING
            return TRANSFER_DUE if first.handler == TRANSFER else AWAITED
        case OrderState.DECLINED:
            return DECLINED
        case OrderState.LAPSED:
            return LAPSED
        case OrderState.CANCELLED:
            return CANCELLED


def is_sent(row: OrderRow) -> bool:
    """Whether anything of a merchant's part travels; bookings don't."""
    return row.body.shipping is None or row.body.shipping.option != ON_SITE.id


class SoldLine(msgspec.Struct, frozen=True):
    title: str
    quantity: int
    total: int
    listed: int
    picture: PictureView | None


class SoldParcel(msgspec.Struct, frozen=True):
    """One merchant's part of an order."""

    merchant: str
    slug: str
    lines: list[SoldLine]
    shipping: str
    shipping_total: int
    total: int
    is_sent: bool


class OrderView(msgspec.Struct, frozen=True):
    """An order for its page."""

    id: str
    order: Order
    words: OrderWords
    parcels: list[SoldParcel]
    discount: int
    cancellable: bool
    payable: bool
    awaited: bool
    transfer: bool
    checkout: str


def order_path(id: UUID) -> str:
    return f"/orders/{encode('ord', id)}"


def remembered(visit: Visit) -> list[UUID]:
    """The orders that were placed in this browser, the newest first."""
    found: list[UUID] = []
    for text in visit.cookies.get(COOKIE, "").split("-")[:REMEMBERED]:
        try:
            found.append(decode("ord", f"ord_{text}"))
        except InvalidInput:
            continue
    return found


def remember_order(store: Storefront, visit: Visit, id: UUID) -> None:
    """Let the browser list an order. Whose it is, the order desk checks."""
    every = list(dict.fromkeys([id, *remembered(visit)]))[:REMEMBERED]
    value = "-".join(encode("ord", one).removeprefix("ord_") for one in every)
    visit.owed.append(store.site.cookies.keep(COOKIE, value, COOKIE_LIFE))


async def view_of(store: Storefront, order: Order) -> OrderView:
    """The order with the names of its merchants."""
    merchants = (await store.directory()).merchants
    parcels: list[SoldParcel] = []
    for row in order.rows:
        merchant = merchants.get(row.merchant)
        body = row.body
        parcels.append(
            SoldParcel(
                merchant=merchant.name if merchant else "",
                slug=merchant.slug if merchant else "",
                lines=[
                    SoldLine(
                        line.title,
                        line.quantity,
                        line.total,
                        line.quantity * line.unit_price,
                        small_picture(line.image),
                    )
                    for line in body.lines
                ],
                shipping=body.shipping.title if body.shipping else "",
                shipping_total=body.shipping.total if body.shipping else 0,
                total=row.total,
                is_sent=is_sent(row),
            )
        )
    transfer = order.rows[0].handler == TRANSFER
    return OrderView(
        id=encode("ord", order.id),
        order=order,
        words=words_of(order),
        parcels=parcels,
        discount=sum(line.listed - line.total for parcel in parcels for line in parcel.lines),
        cancellable=order.state in (OrderState.PENDING, OrderState.PAID),
        payable=order.state in (OrderState.DECLINED, OrderState.LAPSED),
        awaited=order.state is OrderState.PENDING and not transfer,
        transfer=order.state is OrderState.PENDING and transfer,
        checkout=encode("chk", order.id),
    )


@get("/orders", include_in_schema=False)
async def orders(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """The orders that were placed in this browser; those of an account are with it."""
    visit = await store.site.visit(request.scope)
    if visit.account is not None:
        return store.site.redirect(visit, "/account/orders")
    found: list[OrderView] = []
    for id in remembered(visit):
        try:
            found.append(await view_of(store, await store.shop.orders.order(visit.owner, id)))
        except SessionNotFound:
            continue
    return await store.page(visit, "orders.html", orders=found)


@get("/orders/{id:str}", include_in_schema=False)
async def order(request: Request[Any, Any, Any], store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """One order: how it stands, what is in it, what to do. Asked by script, only the part that changes."""
    visit = await store.site.visit(request.scope)
    found = await store.shop.orders.order(visit.owner, id_of("ord", id))
    view = await view_of(store, found)
    return await store.page(visit, "order_body.html" if visit.by_script else "order.html", view=view, problem="")


@get("/orders/{id:str}/look", include_in_schema=False)
async def look(request: Request[Any, Any, Any], store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """An order as the link in its mail shows it to whoever has the mail: how it stands and what is in it, no names, no
    address, nothing to press. Its owner goes on to the whole page."""
    visit = await store.site.visit(request.scope)
    wanted = id_of("ord", id)
    try:
        await store.shop.orders.order(visit.owner, wanted)
    except SessionNotFound:
        opened = store.shop.order_links.read(str(request.query_params.get("key", "")))
        if opened != wanted:
            return await store.page(visit, "order_closed.html", status=410, path=f"/orders/{id}")
        view = await view_of(store, await store.shop.orders.order(None, wanted))
        return await store.page(visit, "order_look.html", view=view)
    return store.site.redirect(visit, f"/orders/{id}")


@get("/orders/{id:str}/cancel", include_in_schema=False)
async def ask_cancel(request: Request[Any, Any, Any], store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """What cancelling would do, before it is done."""
    visit = await store.site.visit(request.scope)
    view = await view_of(store, await store.shop.orders.order(visit.owner, id_of("ord", id)))
    if not view.cancellable:
        return store.site.redirect(visit, f"/orders/{id}")
    return await store.page(visit, "cancel.html", view=view)


@post("/orders/{id:str}/cancel", include_in_schema=False)
async def cancel(request: Request[Any, Any, Any], store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """Cancel the whole order. Doing it twice is the same as once."""
    visit = await store.site.visit(request.scope)
    store.site.form(visit, await request.body())
    try:
        await store.shop.orders.cancel_order(visit.owner, id_of("ord", id), "cancelled by the buyer")
    except NotCancellable:
        view = await view_of(store, await store.shop.orders.order(visit.owner, id_of("ord", id)))
        problem = visit.say("This order can no longer be cancelled.")
        return await store.page(visit, "order.html", status=409, view=view, problem=problem)
    return store.site.redirect(visit, f"/orders/{id}")


ROUTES = [orders, order, look, ask_cancel, cancel]
