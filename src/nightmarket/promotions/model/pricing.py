"""The price: a pure function of cart, book, shopper and instant. No clock, no database, no chance in it."""

from collections.abc import Sequence
from datetime import datetime

from .applying import Take
from .carts import PriceCart, Shopper
from .choosing import best
from .compiled import Stage, compile_book
from .meeting import meet
from .offers import Book
from .quotes import Applied, Quote, QuoteLine, QuoteShipping, Share


def price(cart: PriceCart, book: Book, shopper: Shopper, now: datetime) -> Quote:
    """The best price that the book's offers give this cart at that instant."""
    line_amounts = [line.quantity * line.unit_price for line in cart.lines]
    shipping_amounts = [delivery.amount for delivery in cart.shipping]
    meetings = meet(cart, book, shopper, now) if book.offers else None
    if not meetings:
        return _quote(cart, book.number, line_amounts, shipping_amounts, ())
    outcome = best(meetings, line_amounts, shipping_amounts)
    return _quote(cart, book.number, line_amounts, shipping_amounts, outcome.takes)


def reduces_delivery(book: Book) -> bool:
    """Whether some offer of the book takes something off deliveries."""
    return bool(book.offers) and compile_book(book).reduces_delivery


def _quote(
    cart: PriceCart, book: int, line_amounts: list[int], shipping_amounts: list[int], takes: Sequence[Take]
) -> Quote:
    subtotal = sum(line_amounts)
    line_shares: dict[int, list[Share]] = {}
    shipping_shares: dict[int, list[Share]] = {}
    for take in takes:
        shipping = take.meeting.rule.stage is Stage.SHIPPING
        shares, left = (shipping_shares, shipping_amounts) if shipping else (line_shares, line_amounts)
        offer = take.meeting.rule.offer.id
        for place, amount in zip(take.meeting.places, take.amounts, strict=True):
            if amount:
                left[place] -= amount
                shares.setdefault(place, []).append(Share(offer, amount))
    lines = [
        QuoteLine(
            line.id,
            line.variant,
            line.merchant,
            line.quantity,
            line.unit_price,
            tuple(line_shares[place]) if place in line_shares else (),
            line_amounts[place],
        )
        for place, line in enumerate(cart.lines)
    ]
    shipping = [
        QuoteShipping(
            delivery.merchant,
            delivery.option,
            delivery.amount,
            tuple(shipping_shares[place]) if place in shipping_shares else (),
            shipping_amounts[place],
        )
        for place, delivery in enumerate(cart.shipping)
    ]
    goods, shipping_total = sum(line_amounts), sum(shipping_amounts)
    return Quote(
        cart.currency,
        book,
        tuple(lines),
        tuple(shipping),
        tuple([_applied(take) for take in takes]) if takes else (),
        subtotal,
        subtotal - goods,
        shipping_total,
        goods + shipping_total,
    )


def _applied(take: Take) -> Applied:
    offer = take.meeting.rule.offer
    return Applied(offer.id, offer.revision, take.amount, offer.funder, offer.uses)
