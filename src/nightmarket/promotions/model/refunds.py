"""What comes back when a part of an order is returned: the buyer keeps the rest at what the rest would have cost."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.kernel.money import allocate
from nightmarket.kernel.problems import Defect

from .carts import PriceCart, Shopper
from .compiled import compile_book
from .offers import Book
from .pricing import price
from .quotes import Quote, Share


class RefundLine(msgspec.Struct, frozen=True):
    """What comes back for the units of one line that are returned now."""

    id: str
    quantity: int
    amount: int


class Refund(msgspec.Struct, frozen=True):
    """`amount` comes back now: the sum of `lines`, and of `shipping` by merchant. `rest` is the price of what the
    buyer keeps, and `offers` is what each offer took off the order and no longer takes off the rest (never below 0)."""

    amount: int
    lines: tuple[RefundLine, ...]
    shipping: tuple[tuple[UUID, int], ...]
    rest: Quote
    offers: tuple[Share, ...] = ()


class Sold(msgspec.Struct, frozen=True):
    """An order as it was priced: the four arguments of its price, and the answer."""

    quote: Quote
    cart: PriceCart
    book: Book
    shopper: Shopper
    at: datetime


def refund(
    sold: Sold, returned: Mapping[str, int], before: Mapping[str, int] | None = None, paid_back: int = 0
) -> Refund:
    """What comes back for these units by line id, of an order of which `before` was returned and `paid_back` refunded.

    The rest is priced with the order's own book, shopper and instant, and with no scarce offer that the order did not
    take. What was paid, less that price, is what all returns together bring: so a threshold cannot be cheated, the last
    return brings the payment to exactly nothing, and a return that would have cost more to keep brings 0, never less.
    A delivery comes back with the last unit of its merchant. Raises Defect for units that were not sold.
    """
    earlier = before or {}
    kept = _kept(sold, (earlier, returned))
    rest = price(_rest_cart(sold, kept), sold.book, sold.shopper, sold.at)
    amount = max(0, sold.quote.total - rest.total - paid_back) if any(returned.values()) else 0
    values = {line.id: line.unit_price * returned.get(line.id, 0) for line in sold.quote.lines}
    merchants = {line.merchant for line in sold.quote.lines if kept[line.id]}
    were = {line.merchant for line in sold.quote.lines if line.quantity - earlier.get(line.id, 0)}
    gone = [part for part in sold.quote.shipping if part.merchant in were - merchants]
    ids = sorted(line.id for line in sold.quote.lines if returned.get(line.id, 0))
    places = sorted(gone, key=lambda part: part.merchant)
    weights = [*(values[id] for id in ids), *(part.total for part in places)]
    if amount and not any(weights):
        weights = [*(returned[id] for id in ids), *(0 for _ in places)]
    parts = allocate(amount, weights)
    lines = tuple(RefundLine(id, returned[id], part) for id, part in zip(ids, parts, strict=False))
    shipping = tuple((part.merchant, back) for part, back in zip(places, parts[len(ids) :], strict=True))
    return Refund(amount, lines, shipping, rest, _no_longer(sold.quote, rest))


def _kept(sold: Sold, returns: Iterable[Mapping[str, int]]) -> dict[str, int]:
    kept = {line.id: line.quantity for line in sold.quote.lines}
    for returned in returns:
        for id, quantity in returned.items():
            if quantity < 0 or kept.get(id, 0) < quantity:
                raise Defect(f"line {id} has no {quantity} units to return")
            kept[id] -= quantity
    return kept


def _rest_cart(sold: Sold, kept: Mapping[str, int]) -> PriceCart:
    """The cart of what is kept, at the prices of then, without scarce offers that the order did not have."""
    lines = tuple(
        msgspec.structs.replace(line, quantity=kept[line.id]) for line in sold.cart.lines if kept.get(line.id, 0)
    )
    emptied = {line.merchant for line in sold.cart.lines} - {line.merchant for line in lines}
    noted = (offer for offer, _ in compile_book(sold.book).noted(sold.cart, sold.shopper))
    scarce = {offer.id for offer in noted if offer.uses is not None or offer.budget or offer.per_buyer}
    applied = {one.offer for one in sold.quote.applied}
    return msgspec.structs.replace(
        sold.cart,
        lines=lines,
        shipping=tuple(part for part in sold.cart.shipping if part.merchant not in emptied),
        without=sold.cart.without | (scarce - applied),
    )


def _no_longer(quote: Quote, rest: Quote) -> tuple[Share, ...]:
    still = {one.offer: one.amount for one in rest.applied}
    given = [Share(one.offer, one.amount - still.get(one.offer, 0)) for one in quote.applied]
    return tuple(share for share in given if share.amount > 0)
