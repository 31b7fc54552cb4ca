"""What of an order wallet money may pay for: its lines, and the delivery of each merchant. Pure."""

from nightmarket.payments.contract.wallets import Payable
from nightmarket.promotions.contract import PriceCart, Quote


def payables(cart: PriceCart, quote: Quote) -> list[Payable]:
    """Each line and delivery with what is to be paid for it after offers."""
    lines = {line.id: line for line in cart.lines}
    found = [
        Payable(
            line.merchant,
            line.total,
            frozenset((lines[line.id].category, *lines[line.id].ancestors)),
            lines[line.id].brand,
            line=line.id,
        )
        for line in quote.lines
        if line.total
    ]
    found += [Payable(one.merchant, one.total, is_goods=False) for one in quote.shipping if one.total]
    return found
