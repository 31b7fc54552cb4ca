"""What a waiting order would have cost with another entitlement, by the book and instant it was placed with. Pure."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Listing
from nightmarket.promotions.contract import Book, PriceCart, PriceLine, ShippingLine, price
from nightmarket.promotions.contract.asking import met_by

from .order import OrderRow
from .session import shopper_known


def repriced(
    rows: Sequence[OrderRow], listings: Mapping[UUID, Listing], book: Book, swap: tuple[str, str]
) -> tuple[OrderRow, ...]:
    """The rows with the first word exchanged for the second among the buyer's entitlements, if that is cheaper; else
    as they are. No offer comes in but those that the second word opens, so nothing scarce is taken besides."""
    first, (old, new) = rows[0], swap
    words = sorted({*first.body.known.entitlements} - {old} | {new})
    known = msgspec.structs.replace(first.body.known, entitlements=tuple(words))
    had = {one.offer for one in first.body.applied}
    shopper = shopper_known(first.owner, first.body.destination.country, first.body.language, known)
    cart = PriceCart(
        first.currency,
        tuple(line for row in rows for line in _lines(row, listings)),
        tuple(
            ShippingLine(row.merchant, row.body.shipping.option, row.body.shipping.amount)
            for row in rows
            if row.body.shipping is not None
        ),
        first.body.codes,
    )
    others = (offer for offer in met_by(book, cart, shopper) if new not in offer.condition.needs)
    cart = msgspec.structs.replace(cart, without=frozenset(offer.id for offer in others) - had)
    quote = price(cart, book, shopper, first.placed_at)
    if quote.total >= sum(row.total for row in rows):
        return tuple(rows)
    lines = {line.id: line for line in quote.lines}
    shipping = {one.merchant: one for one in quote.shipping}
    found: list[OrderRow] = []
    for row in rows:
        mine = tuple(
            msgspec.structs.replace(line, shares=lines[line.id].shares, total=lines[line.id].total)
            for line in row.body.lines
        )
        sent = row.body.shipping
        if sent is not None:
            now = shipping[row.merchant]
            sent = msgspec.structs.replace(sent, shares=now.shares, total=now.total)
        body = msgspec.structs.replace(row.body, lines=mine, shipping=sent, applied=quote.applied, known=known)
        total = sum(line.total for line in mine) + (sent.total if sent is not None else 0)
        found.append(msgspec.structs.replace(row, body=body, total=total))
    return tuple(found)


def _lines(row: OrderRow, listings: Mapping[UUID, Listing]) -> list[PriceLine]:
    found: list[PriceLine] = []
    for line in row.body.lines:
        listing = listings.get(line.variant)
        category, brand, above = (listing.category, listing.brand, listing.ancestors) if listing else ("", "", ())
        ids = (line.id, line.variant, line.product, row.merchant)
        found.append(PriceLine(*ids, category, brand, line.quantity, line.unit_price, above))
    return found
