"""The price: a pure function of cart, book, shopper and instant. No clock, no database, no chance in it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from nightmarket.kernel.money import allocate

from .applying import Take
from .carts import PriceCart, Shopper
from .choosing import best
from .compiled import compile_book
from .meeting import meet
from .offers import Book, Offer
from .quotes import Applied, Funded, Quote, QuoteLine, QuoteShipping, Share


def price(cart: PriceCart, book: Book, shopper: Shopper, now: datetime) -> Quote:
    """The best price that the book's offers give this cart at that instant."""
    line_amounts = [line.quantity * line.unit_price for line in cart.lines]
    shipping_amounts = [delivery.amount for delivery in cart.shipping]
    meetings = meet(cart, book, shopper, now) if book.offers else None
    if not meetings:
        return _quote(cart, book.number, line_amounts, shipping_amounts, ())
    outcome = best(meetings, line_amounts, shipping_amounts, cart)
    return _quote(cart, book.number, line_amounts, shipping_amounts, outcome.takes)


def reduces_delivery(book: Book) -> bool:
    """Whether some offer of the book takes something off deliveries."""
    return bool(book.offers) and compile_book(book).reduces_delivery


def offer_of(book: Book, id: UUID) -> Offer | None:
    """The offer or limit of the book with that id; found at once, however large the book is."""
    return compile_book(book).offer(id)


def _quote(
    cart: PriceCart, book: int, line_amounts: list[int], shipping_amounts: list[int], takes: Sequence[Take]
) -> Quote:
    subtotal = sum(line_amounts)
    line_shares: list[tuple[Share, ...]] = [()] * len(line_amounts)
    shipping_shares: list[tuple[Share, ...]] = [()] * len(shipping_amounts)
    applied: list[Applied] = []
    for take in takes:
        meeting, amounts = take.meeting, take.amounts
        rule = meeting.rule
        if rule.delivers:
            shares, left = shipping_shares, shipping_amounts
        else:
            shares, left = line_shares, line_amounts
        offer = rule.offer
        id = offer.id
        for number, place in enumerate(meeting.places):
            if amount := amounts[number]:
                left[place] -= amount
                shares[place] += (Share(id, amount),)
        funding = _funded(offer, amounts) if offer.funding else ()
        applied.append(Applied(id, offer.revision, take.amount, offer.funder, offer.uses, funding))
    lines = [
        QuoteLine(
            line.id,
            line.variant,
            line.merchant,
            line.quantity,
            line.unit_price,
            line_shares[place],
            line_amounts[place],
        )
        for place, line in enumerate(cart.lines)
    ]
    shipping = [
        QuoteShipping(
            delivery.merchant,
            delivery.option,
            delivery.amount,
            shipping_shares[place],
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
        tuple(applied),
        subtotal,
        subtotal - goods,
        shipping_total,
        goods + shipping_total,
    )


def split_of(amount: int, basis_points: Sequence[int]) -> list[int]:
    """An amount split over its funders by largest remainder, ties to the earlier one."""
    return allocate(amount, basis_points)


def _funded(offer: Offer, amounts: Sequence[int]) -> tuple[Funded, ...]:
    """Each funder's part: every share is split by itself, so that each merchant's part can be settled alone."""
    points = [one.basis_points for one in offer.funding]
    splits = [split_of(amount, points) for amount in amounts if amount]
    return tuple(
        Funded(one.funder, one.basis_points, sum(split[number] for split in splits))
        for number, one in enumerate(offer.funding)
    )
