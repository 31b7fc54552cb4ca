"""What of an order is paid from the buyer's wallet, decided in the claim batch: its lots are tallies. Pure but for the
ledger, which is in memory."""

from datetime import datetime

from nightmarket.kernel.problems import Problem
from nightmarket.orders.errors import WalletChanged
from nightmarket.orders.model.paying import payables
from nightmarket.orders.model.session import SessionBody
from nightmarket.payments.contract.wallets import Spent, spend
from nightmarket.promotions.contract import PriceCart, Quote
from nightmarket.tally.contract import Ledger


def paying(
    body: SessionBody, cart: PriceCart, quote: Quote, ledger: Ledger, now: datetime
) -> tuple[Spent, ...] | Problem:
    """What its lots pay now; refused where more than was shown would be left to be paid otherwise."""
    purse = body.purse
    if purse is None:
        return ()
    free = {one.id: ledger.free(one.id) for one in purse.lots}
    spent = spend(purse.lots, free, payables(cart, quote), now, purse.most)
    rest = quote.total - sum(one.amount for one in spent)
    if rest > purse.rest:
        text = "Less is left in the wallet than you saw. Nothing was charged; look at what is left to pay and confirm."
        return WalletChanged(text, field="wallet", rest=rest, currency=quote.currency)
    return spent
