"""Wallet money as its owner reads it: how much, what for, until when, and what happened to it."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.storefront.storefront import Directory, Storefront
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.payments.contract.wallets import LOT, HeldLot, MoneyFor, SourceKind, WalletEntry

KINDS = {
    SourceKind.CASHBACK: say_later("Cashback"),
    SourceKind.PACKET: say_later("A present for you"),
    SourceKind.OPEN: say_later("Red packet"),
}
READY, WAITING, RESERVED, USED, OVER = (
    (say_later("ready to spend"), "good"),
    (say_later("to be spent later"), "warn"),
    (say_later("waits in an order"), "warn"),
    (say_later("all spent"), ""),
    (say_later("not valid any more"), ""),
)
HAPPENED = {
    "wallet_given": say_later("Received"),
    "wallet_paid": say_later("Paid with it"),
    "wallet_refunded": say_later("Came back from an order"),
    "wallet_taken": say_later("Taken back: its order was cancelled"),
    "wallet_expired": say_later("Not spent in time"),
}
HISTORY_SHOWN = 50


class LotView(msgspec.Struct, frozen=True):
    """Wallet money that came together. `goods` says on what it is spent, nothing for everything."""

    ident: str
    name: str
    kind: str
    giver: str
    goods: tuple[str, ...]
    currency: str
    amount: int
    available: int
    reserved: int
    spend_from: datetime
    spend_until: datetime
    state: str
    tone: str


class EntryView(msgspec.Struct, frozen=True):
    """A line of the history; `order` is the order's address where it is about one."""

    words: str
    name: str
    amount: int
    currency: str
    at: datetime
    order: str


class WalletView(msgspec.Struct, frozen=True):
    """What can be spent now by currency, the money itself, and its history."""

    balances: tuple[tuple[str, int], ...]
    lots: tuple[LotView, ...]
    past: tuple[LotView, ...]
    history: tuple[EntryView, ...]


async def wallet_view(store: Storefront, visit: Visit, account: UUID) -> WalletView:
    """All that an account has and had."""
    directory, now, wallets = await store.directory(), store.shop.clock.now(), store.shop.wallets
    async with store.shop.database.read() as connection:
        held = await wallets.lots(connection, account)
        entries = await wallets.history(connection, account, HISTORY_SHOWN)
        orders = await store.shop.order_books.rows(connection, list({one.about for one in entries}))
    ready: dict[str, int] = {}
    for lot in held:
        if lot.available and lot.spend_from <= now < lot.spend_until:
            currency = lot.source.terms.money.currency
            ready[currency] = ready.get(currency, 0) + lot.available
    views = [lot_view(visit, directory, lot, now) for lot in held]
    own = {id for id, rows in orders.items() if rows[0].owner == account}  # others were placed by an agent, by a code
    names = {lot.id: pick(lot.source.terms.money.name, visit.language) or "" for lot in held}
    return WalletView(
        tuple(sorted(ready.items())),
        tuple(sorted((view for view in views if view.tone), key=lambda view: view.spend_until)),
        tuple(view for view in views if not view.tone),
        tuple(_entry(visit, entry, names, own) for entry in entries),
    )


def lot_view(visit: Visit, directory: Directory, lot: HeldLot, now: datetime) -> LotView:
    """A lot in the visitor's words."""
    terms = lot.source.terms
    words, tone = _state(lot, now)
    giver = directory.merchants.get(terms.money.funder) if terms.money.funder else None
    return LotView(
        encode(LOT, lot.id),
        pick(terms.money.name, visit.language) or "",
        visit.say(KINDS[terms.kind]),
        giver.name if giver else "",
        goods_of(terms.money, directory, visit),
        terms.money.currency,
        lot.amount,
        lot.available,
        lot.reserved,
        lot.spend_from,
        lot.spend_until,
        visit.say(words),
        tone,
    )


def goods_of(money: MoneyFor, directory: Directory, visit: Visit) -> tuple[str, ...]:
    """The names of categories, brands and merchants that money is bound to."""
    categories = [directory.categories[slug] for slug in money.categories if slug in directory.categories]
    brands = [directory.brands[slug] for slug in money.brands if slug in directory.brands]
    merchants = [directory.merchants[id] for id in money.merchants if id in directory.merchants]
    return (
        *(pick(one.names, visit.language) or one.slug for one in categories),
        *(one.name for one in brands),
        *(one.name for one in merchants),
    )


def _state(lot: HeldLot, now: datetime) -> tuple[str, str]:
    if not lot.available:
        return RESERVED if lot.reserved else (OVER if now >= lot.spend_until else USED)
    if now >= lot.spend_until:
        return OVER
    return READY if now >= lot.spend_from else WAITING


def _entry(visit: Visit, entry: WalletEntry, names: Mapping[UUID, str], own: Collection[UUID]) -> EntryView:
    order = f"/orders/{encode('ord', entry.about)}" if entry.about in own else ""
    words = visit.say(HAPPENED.get(entry.kind, entry.kind))
    return EntryView(words, names.get(entry.lot, ""), entry.amount, entry.currency, entry.at, order)
