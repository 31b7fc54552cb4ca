"""Paying with wallet money: what of a bill it could pay, and the purse that a checkout carries."""

import msgspec

from nightmarket.entrypoints.pages import Form, Visit
from nightmarket.entrypoints.storefront.bills import Bill
from nightmarket.entrypoints.storefront.storefront import Storefront
from nightmarket.orders.contract import SessionView, payables
from nightmarket.payments.contract.wallets import HeldLot, Purse, spend

USE, REST = "use_wallet", "shown_rest"
"""Fields of the checkout's form: whether to pay with it, and what was shown as left to pay otherwise."""


class WalletPart(msgspec.Struct, frozen=True):
    """What the wallet could pay of a bill, whether it is to, and what is left to pay otherwise if it does."""

    amount: int
    rest: int
    is_used: bool


async def lots_for(store: Storefront, visit: Visit, view: SessionView) -> list[HeldLot]:
    """The visitor's money that can be spent on it; nothing for guests."""
    if visit.account is None:
        return []
    async with store.shop.database.read() as connection:
        now = store.shop.clock.now()
        return list(await store.shop.wallets.purse(connection, visit.account, view.body.currency, now))


async def wallet_part(store: Storefront, visit: Visit, view: SessionView, bill: Bill, form: Form) -> WalletPart | None:
    """What of this bill the wallet could pay; None where it could pay nothing."""
    held = await lots_for(store, visit, view)
    if not held:
        return None
    free = {lot.id: lot.available for lot in held}
    items = payables(view.assessment.cart, bill.quote)
    spent = spend([lot.purse_lot() for lot in held], free, items, store.shop.clock.now())
    amount = sum(one.amount for one in spent)
    return WalletPart(amount, bill.quote.total - amount, bool(form.get(USE))) if amount else None


async def purse_of(store: Storefront, visit: Visit, view: SessionView, form: Form) -> Purse | None:
    """The purse that the form asks for: what was shown as left to pay is the most that is paid otherwise."""
    if not form.get(USE):
        return None
    held = await lots_for(store, visit, view)
    if not held:
        return None
    return Purse(tuple(lot.purse_lot() for lot in held), form.number(REST, view.assessment.quote.total))


def is_whole(form: Form) -> bool:
    """Whether the wallet was shown to pay all of it, so that no card is asked for."""
    return bool(form.get(USE)) and form.number(REST, -1) == 0
