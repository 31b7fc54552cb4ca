"""All that is kept about one shopper, to be taken away (GDPR, articles 15 and 20)."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import encode
from nightmarket.orders.contract import OrderRow, SessionView
from nightmarket.payments.contract.wallets import HeldLot
from nightmarket.platform import messages

from .desk import AccountDesk

ORDERS_PAGE = 100
MESSAGES_PAGE = 200
ENQUIRIES = 200
MOST_PAGES = 200
"""20,000 orders and 40,000 mails: nobody has more, and nothing here goes on without end."""


async def everything(desk: AccountDesk) -> dict[str, Any]:
    """As plain values. Orders with what was paid, wallet, cart, wishes, enquiries, addresses, decisions, mails
    and sessions."""
    account = await desk.account()
    shoppers = desk.shop.access.shoppers
    async with desk.shop.database.read() as connection:
        profile = (await desk.shop.profiles.of(connection, [desk.id])).get(desk.id)
        addresses = await desk.shop.profiles.addresses(connection, desk.id)
        consents = await desk.shop.profiles.consents(connection, desk.id)
        wishes = await desk.shop.wishes.wished(connection, desk.id)
        alerts = await desk.shop.wishes.open_alerts(connection, desk.id)
        followed = await desk.shop.wishes.followed(connection, desk.id)
        enquiries = await desk.shop.enquiries.of_owner(connection, desk.id, ENQUIRIES)
        lots = await desk.shop.wallets.lots(connection, desk.id)
    confirmed = await shoppers.confirmed_at(desk.id)
    cart = await desk.store.carts.read(desk.visit)
    return {
        "written_at": desk.shop.clock.now(),
        "account": {
            "id": encode("acc", account.id),
            "email": account.email,
            "email_confirmed_at": confirmed,
            "name": account.name,
            "created_at": account.created_at,
            "language": profile.language if profile else None,
            "recommendations_by_behaviour": profile.by_behaviour if profile else True,
        },
        "sessions": [
            {"browser": one.agent, "since": one.created_at, "until": one.expires_at}
            for one in await shoppers.sessions(desk.id, desk.session_token)
        ],
        "addresses": [{"default": one.is_default, **msgspec.to_builtins(one.words)} for one in addresses],
        "consents": [msgspec.to_builtins(one) for one in consents],
        "wishes": [_named(one) for one in wishes],
        "waiting_for": [_named(one) for one in alerts],
        "brands_followed": [_named(one) for one in followed],
        "enquiries": [_named(one) for one in enquiries],
        "cart": _cart(cart),
        "orders": [_order(rows) for rows in await _orders(desk)],
        "payments": await _payments(desk),
        "wallet": [_lot(one) for one in lots],
        "messages": await _messages(desk, account.email) if confirmed else [],
    }


def _cart(view: SessionView | None) -> dict[str, Any] | None:
    return msgspec.to_builtins(view.body, enc_hook=str) if view and view.body.lines else None


async def _orders(desk: AccountDesk) -> list[tuple[OrderRow, ...]]:
    found: list[tuple[OrderRow, ...]] = []
    before: tuple[datetime, UUID] | None = None
    for _ in range(MOST_PAGES):
        page = await desk.shop.orders.listed(desk.id, before=before, limit=ORDERS_PAGE)
        found.extend(page)
        if len(page) < ORDERS_PAGE:
            break
        before = (page[-1][0].placed_at, page[-1][0].id)
    return found


def _order(rows: tuple[OrderRow, ...]) -> dict[str, Any]:
    first = rows[0]
    return {
        "id": encode("ord", first.id),
        "placed_at": first.placed_at,
        "state": first.state.name.lower(),
        "currency": first.currency,
        "total_minor_units": sum(row.total for row in rows),
        "contact": _named(first.body.contact),
        "destination": _named(first.body.destination),
        "codes": list(first.body.codes),
        "lines": [
            {"sku": line.sku, "title": line.title, "quantity": line.quantity, "total_minor_units": line.total}
            for row in rows
            for line in row.body.lines
        ],
    }


def _lot(lot: HeldLot) -> dict[str, Any]:
    money = lot.source.terms.money
    return {
        "for": money.name,
        "amount_minor_units": lot.amount,
        "left_minor_units": lot.available,
        "currency": money.currency,
        "given_at": lot.given_at,
        "from": lot.spend_from,
        "until": lot.spend_until,
    }


def _named(words: msgspec.Struct) -> dict[str, Any]:
    """The members by name: on the wire these are lists."""
    return {name: getattr(words, name) for name in words.__struct_fields__}


async def _payments(desk: AccountDesk) -> list[dict[str, Any]]:
    ids = [rows[0].id for rows in await _orders(desk)]
    async with desk.shop.database.read() as connection:
        rows = await desk.shop.payments.of_orders(connection, ids)
    return [
        {
            "order": encode("ord", row.order),
            "state": str(row.state.name).lower(),
            "amount_minor_units": row.amount,
            "refunded_minor_units": row.refunded,
            "currency": row.currency,
            "at": row.at,
        }
        for row in rows
    ]


async def _messages(desk: AccountDesk, email: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    before: UUID | None = None
    for _ in range(MOST_PAGES):
        async with desk.shop.database.read() as connection:
            page = await messages.page_to(connection, email, before, MESSAGES_PAGE)
        found.extend(
            {"at": one.created_at, "to": one.message.to, "subject": one.message.subject, "text": one.message.text}
            for one in page
        )
        if len(page) < MESSAGES_PAGE:
            break
        before = page[-1].id
    return found
