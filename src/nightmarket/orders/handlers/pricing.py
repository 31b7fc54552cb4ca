"""Sessions that are priced in the claim batch itself, since nothing that was prepared of them holds, and those that
take something scarce besides their goods. Pure but for the ledger, which is in memory."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Listing
from nightmarket.kernel.problems import Problem
from nightmarket.orders.errors import (
    NotReady,
    OutOfStock,
    PriceChanged,
    SeatTaken,
)
from nightmarket.orders.model.order import is_held
from nightmarket.orders.model.prepared import (
    Terms,
    orderable,
)
from nightmarket.orders.model.session import (
    CartLine,
    DeliveryOption,
    SessionBody,
    assess,
    deliveries_of,
    price_cart,
    shopper_of,
)
from nightmarket.payments.contract.wallets import Spent, spent_by_lot
from nightmarket.promotions.contract import (
    Book,
    PriceCart,
    Quote,
    Scarce,
    Shopper,
    demand,
    price,
)
from nightmarket.promotions.contract.presales import put_aside
from nightmarket.tally.contract import ClaimRequest, Grant, Ledger, Part

from .buyers import identity_needed, limit_reached
from .wallets import paying


class Priced(msgspec.Struct):
    """A session that is priced in this batch, since nothing that was prepared of it holds."""

    body: SessionBody
    cart: PriceCart
    shopper: Shopper
    deliveries: Mapping[UUID, Sequence[DeliveryOption]]
    quote: Quote
    buyers: tuple[UUID, ...] = ()
    """The keys under which its buyer is counted, where something is limited per buyer."""

    shares: Sequence[tuple[UUID, int]] = ()
    """This buyer's tallies, each with the most of it."""


class Dearer(msgspec.Struct, frozen=True):
    """`body` is what the session contains from now on: it knows the new total."""

    body: SessionBody
    seen: int
    quote: Quote


def priced(
    owner: UUID, body: SessionBody, listings: Mapping[UUID, Listing], terms: Terms, now: datetime
) -> Priced | Problem:
    """A session as the terms of this instant price it; or what is missing."""
    to = body.destination
    variants = [line.variant for line in body.lines]
    deliveries = deliveries_of(variants, listings, to.country, body.currency, terms.options) if to is not None else {}
    cart = price_cart(body, listings, deliveries, terms.book, now)
    shopper = shopper_of(owner, body)
    if not orderable(body, cart, deliveries):
        notices = assess(body, listings, deliveries, terms.book, shopper, now).notices
        missing = [notice for notice in notices if notice.blocking]
        return NotReady(" ".join(notice.content for notice in missing), notices=missing)
    return Priced(body, cart, shopper, deliveries, price(cart, terms.book, shopper, now))


class Granted(NamedTuple):
    cart: PriceCart
    quote: Quote
    wallet: tuple[Spent, ...] = ()


def grant_priced(
    claim: ClaimRequest, priced: Priced, ledger: Ledger, book: Book, now: datetime
) -> Granted | Dearer | Problem | None:
    """Claim the goods and all that is scarce of the offers; where only an offer is refused (used up, its budget gone,
    or its buyer has had enough of it), price again without it and try once more. None: an offer is refused that had
    units put aside; they are to be found elsewhere, and then this asked again."""
    body, cart, quote = priced.body, priced.cart, priced.quote
    while True:
        if body.seen_total is not None and quote.total > body.seen_total:
            return Dearer(msgspec.structs.replace(body, seen_total=quote.total), body.seen_total, quote)
        scarce = demand(quote, cart, book, now, priced.buyers)
        if scarce.by_buyer and not priced.buyers:
            return identity_needed()
        spent = paying(body, cart, quote, ledger, now) if body.purse is not None else ()
        if isinstance(spent, Problem):
            return spent
        wants = [Part(want.tally, want.quantity) for want in scarce.wants]
        parts = (*claim.parts, *wants, *(Part(lot, amount) for lot, amount in spent_by_lot(spent).items()))
        result = ledger.claim(ClaimRequest(claim.id, parts, claim.deadline))
        if isinstance(result, Grant):
            return Granted(cart, quote, spent)
        if body.seat is not None and not result.short.keys().isdisjoint(body.seat.tallies):
            return seat_taken()
        short = [want for want in scarce.wants if want.tally in result.short]
        for want in short:
            if want.why is Scarce.LIMIT:
                return limit_reached(want, result.short[want.tally])
        if not short:
            return nothing_left(body.lines)
        refusals = {want.offer: want.why.value for want in reversed(short)}
        without, why = cart.without | refusals.keys(), cart.refused | refusals
        cart = msgspec.structs.replace(cart, without=without, refused=why)
        quote = price(cart, book, priced.shopper, now)
        if refusals.keys() & put_aside(body.known.entitlements):
            priced.cart, priced.quote = cart, quote
            return None


def seat_refused(order: object, handler: str, now: datetime) -> Problem | None:
    """Why an order may not take the place that it asks for; who holds money asks for one, and who asks for one pays by
    money that is held."""
    seat = order.body.seat if isinstance(order, Priced) else None
    if is_held(handler) is (seat is None):
        return NotReady("Pay this order by a handler that is meant for it.", notices=[])
    return seat_taken() if seat is not None and now >= seat.until else None


def seat_taken() -> SeatTaken:
    return SeatTaken("No place is left here for you. Nothing was charged.", field="seat")


def out_of_stock(left: Mapping[str, int]) -> OutOfStock:
    if any(left.values()):
        text = "Fewer units are left than you want. Choose a smaller quantity."
    else:
        text = "This is sold out. Nothing was charged; remove it to order the rest."
    return OutOfStock(text, field="line_items", lines=dict(left))


def nothing_left(lines: Sequence[CartLine]) -> OutOfStock:
    return out_of_stock(dict.fromkeys((line.id for line in lines), 0))


def price_changed(dearer: Dearer) -> PriceChanged:
    return PriceChanged(
        "The price has changed since you saw it. Nothing was charged; look at the new total and confirm again.",
        seen=dearer.seen,
        total=dearer.quote.total,
        currency=dearer.quote.currency,
    )
