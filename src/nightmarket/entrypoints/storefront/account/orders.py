"""One's orders: the list, what was placed as a guest with the same address, and the money of each."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.pages import Form, typed_amount
from nightmarket.entrypoints.pages.forms import NO_AMOUNT
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.storefront.orders import OrderWords, words_of
from nightmarket.entrypoints.storefront.wallet.views import wallet_view
from nightmarket.entrypoints.storefront.wares import PictureView, small_picture
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.orders.contract import OrderRow, OrderState, is_held, paid_by_wallet
from nightmarket.payments.contract import Account, PaymentRow
from nightmarket.payments.contract.wallets import CodeLimit
from nightmarket.platform.access import known_owners
from nightmarket.platform.database import Connection
from nightmarket.platform.messages import told_about

from .desk import ROWS, AccountDesk

STATES = {
    "paid": (OrderState.PAID, say_later("Paid")),
    "open": (OrderState.PENDING, say_later("Payment awaited")),
    "cancelled": (OrderState.CANCELLED, say_later("Cancelled")),
    "lapsed": (OrderState.LAPSED, say_later("Lapsed")),
    "declined": (OrderState.DECLINED, say_later("Declined")),
}
CLAIMED_AT_ONCE = 200
"""Orders that one address is looked up in, the latest; mails are kept for 90 days."""

PICTURES = 3
GUEST_VERSION = 7
"""A guest's id is a UUIDv7 that no account and no key has; programs without a key go by a derived one."""


class OrderRowView(msgspec.Struct, frozen=True):
    """An order in a list."""

    id: str
    placed_at: datetime
    words: OrderWords
    total: int
    currency: str
    merchants: list[str]
    units: int
    titles: list[str]
    pictures: list[PictureView]


async def views_of(desk: AccountDesk, orders: Sequence[tuple[OrderRow, ...]]) -> list[OrderRowView]:
    """Orders for a list."""
    merchants = (await desk.store.directory()).merchants
    found: list[OrderRowView] = []
    for rows in orders:
        lines = [line for row in rows for line in row.body.lines]
        pictures = (small_picture(line.image) for line in lines[:PICTURES])
        names = (merchants.get(row.merchant) for row in rows)
        found.append(
            OrderRowView(
                id=encode("ord", rows[0].id),
                placed_at=rows[0].placed_at,
                words=words_of(rows[0]),
                total=sum(row.total for row in rows),
                currency=rows[0].currency,
                merchants=[merchant.name for merchant in names if merchant is not None],
                units=sum(line.quantity for line in lines),
                titles=[line.title for line in lines],
                pictures=[picture for picture in pictures if picture is not None],
            )
        )
    return found


def cursor_of(text: str) -> tuple[datetime, UUID] | None:
    """The order after which a page begins: milliseconds and id. Raises InvalidInput."""
    if not text:
        return None
    at, _, id = text.partition("-")
    try:
        return datetime.fromisoformat(at), decode("ord", id)
    except ValueError:
        raise InvalidInput("That page cannot be found; begin again with the first.", field="before") from None


def cursor(rows: tuple[OrderRow, ...]) -> str:
    """Where the next page begins."""
    at = rows[0].placed_at.strftime("%Y%m%dT%H%M%S.%fZ")
    return f"{at}-{encode('ord', rows[0].id)}"


async def show(desk: AccountDesk) -> ASGIResponse:
    """The account's orders, newest first, by page and state."""
    chosen = desk.query("state")
    if chosen and chosen not in STATES:
        raise InvalidInput("There is no such state of an order.", field="state")
    state = STATES[chosen][0] if chosen else None
    before = cursor_of(desk.query("before"))
    found = await desk.shop.orders.listed(desk.id, state=state, before=before, limit=ROWS + 1)
    shown = found[:ROWS]
    return await desk.page(
        "orders.html",
        orders=await views_of(desk, shown),
        state=chosen,
        states={name: words for name, (_, words) in STATES.items()},
        further=cursor(shown[-1]) if len(found) > ROWS else "",
        later=before is not None,
        claimable=len(await claimable(desk)) if before is None else 0,
    )


async def claimable(desk: AccountDesk) -> list[UUID]:
    """Orders that a guest placed with the account's address, if that is confirmed."""
    account = await desk.account()
    if await desk.shop.access.shoppers.confirmed_at(account.id) is None:
        return []
    async with desk.shop.database.read() as connection:
        return [id for id, _ in await _by_guests(desk, connection, account.email)]


async def _by_guests(desk: AccountDesk, connection: Connection, email: str) -> list[tuple[UUID, UUID]]:
    """(order, owner) of what guests placed with an address: the mails tell which, the orders themselves prove it."""
    told = await told_about(connection, email, "ord_", CLAIMED_AT_ONCE)
    orders = await desk.shop.orders.rows(connection, [decode("ord", one) for one in told])
    theirs = {
        id: rows[0].owner
        for id, rows in orders.items()
        if rows[0].body.contact.email.casefold() == email and rows[0].owner.version == GUEST_VERSION
    }
    others = await known_owners(connection, list(set(theirs.values())))
    return [(id, owner) for id, owner in theirs.items() if owner not in others]


async def claim(desk: AccountDesk) -> ASGIResponse:
    """Take over what a guest placed with the account's confirmed address. Doing it again finds nothing more."""
    await desk.form()
    account = await desk.account()
    if await desk.shop.access.shoppers.confirmed_at(account.id) is None:
        return desk.redirect("/account/security")
    async with desk.shop.database.transaction() as tx:
        found = await _by_guests(desk, tx, account.email)
        owners = list({owner for _, owner in found})
        await desk.shop.orders.hand_over(tx, [id for id, _ in found], owners, account.id)
    return desk.redirect("/account/orders?done=claimed")


class MoneyView(msgspec.Struct, frozen=True):
    """What was paid for one order, and what went back."""

    order: OrderRowView
    payments: list[PaymentRow]
    due: int
    """What is still to be paid otherwise than from the wallet."""
    by_wallet: int = 0


async def make_wallet_code(desk: AccountDesk) -> ASGIResponse:
    """A code by which an agent pays one order with the wallet, up to an amount; shown this once."""
    form = await desk.form()
    limit: CodeLimit | None = None
    if most := form.get("most"):
        currency = form.get("currency")
        with suppress(InvalidInput):
            limit = CodeLimit(typed_amount(most, currency), currency)
        if limit is None or not limit.most:
            form.wrong("most", desk.say(NO_AMOUNT))
            return await _wallet(desk, form=form)
    async with desk.shop.database.transaction() as tx:
        code = await desk.shop.wallets.make_code(tx, desk.id, limit)
    return await _wallet(desk, code, limit=limit)


async def show_wallet(desk: AccountDesk) -> ASGIResponse:
    """Wallet money, and money by order, as payments and journal have it."""
    return await _wallet(desk)


async def _wallet(
    desk: AccountDesk,
    code: tuple[str, datetime] | None = None,
    *,
    limit: CodeLimit | None = None,
    form: Form | None = None,
) -> ASGIResponse:
    before = cursor_of(desk.query("before"))
    found = await desk.shop.orders.listed(desk.id, before=before, limit=ROWS + 1)
    shown = found[:ROWS]
    ids = [rows[0].id for rows in shown]
    views = await views_of(desk, shown)
    async with desk.shop.database.read() as connection:
        payments = await desk.shop.payments.of_orders(connection, ids)
        money = [
            MoneyView(
                view,
                [payment for payment in payments if payment.order == id],
                await _due(desk, connection, rows),
                paid_by_wallet(rows) if rows[0].state in (OrderState.PENDING, OrderState.PAID) else 0,
            )
            for view, id, rows in zip(views, ids, shown, strict=True)
        ]
    return await desk.page(
        "wallet.html",
        status=422 if form is not None else 200,
        form=form or Form(),
        limit=limit,
        wallet=await wallet_view(desk.store, desk.visit, desk.id),
        code=code,
        money=money,
        further=cursor(shown[-1]) if len(found) > ROWS else "",
        later=before is not None,
    )


async def _due(desk: AccountDesk, connection: Connection, rows: Sequence[OrderRow]) -> int:
    """What the buyer has still to pay: not what waits in the wallet, or is held until a group closes."""
    if is_held(rows[0].handler):
        return 0
    legs = await desk.shop.journal.balances(connection, rows[0].id)
    due = sum(leg.amount for leg in legs if leg.account == Account.BUYER)
    return max(0, due - paid_by_wallet(rows))
