"""Why an order cost what it cost: priced again from the book of its day, and explained offer by offer."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from nightmarket.bootstrap import Shop
from nightmarket.catalog.contract import Listing
from nightmarket.orders.contract import Order, shopper_known
from nightmarket.promotions.contract import (
    Book,
    Offer,
    OfferNote,
    PriceCart,
    PriceLine,
    Quote,
    QuoteLine,
    QuoteShipping,
    ShippingLine,
    explain,
    price,
)
from nightmarket.promotions.contract.asking import OffersById


class Note(msgspec.Struct, frozen=True):
    """What became of one offer of the book."""

    offer: Offer
    note: OfferNote

    @property
    def limit(self) -> int | None:
        """What one buyer may have of it, where that decided."""
        cap = self.offer.per_buyer
        if cap is None or self.note.reason not in ("limit_reached", "over_buyer_limit"):
            return None
        return cap.units if cap.uses is None or self.note.reason == "over_buyer_limit" else cap.uses


class PriceStory(msgspec.Struct, frozen=True):
    """The book's number, a note per offer, and whether pricing again comes to the same total."""

    book: int
    notes: Sequence[Note]
    unknown_codes: Sequence[str]
    again: int
    charged: int

    @property
    def agrees(self) -> bool:
        return self.again == self.charged


async def tell(shop: Shop, order: Order) -> PriceStory:
    """Price the order again and explain it. An offer that a tally refused then is left out now, too."""
    first = order.rows[0]
    book = await shop.books.at(first.body.book)
    listings = await shop.catalog.listings([line.variant for row in order.rows for line in row.body.lines])
    cart, quote = _cart(order, listings), _quote(order)
    body = first.body
    shopper = shopper_known(first.owner, body.destination.country, body.language, body.known)
    applied = {one.offer for one in quote.applied}
    freely = price(cart, book, shopper, first.placed_at)
    refused = frozenset(one.offer for one in freely.applied) - applied
    cart = msgspec.structs.replace(cart, without=refused, refused=dict(first.body.refused))
    again = price(cart, book, shopper, first.placed_at) if refused else freely
    explanation = explain(cart, quote, book, shopper, first.placed_at)
    offers = _offers(book)
    notes = [Note(offers[note.offer], note) for note in explanation.notes if note.offer in offers]
    return PriceStory(book.number, notes, explanation.unknown_codes, again.total, quote.total)


def _offers(book: Book) -> Mapping[UUID, Offer]:
    return OffersById(book)


def _cart(order: Order, listings: Mapping[UUID, Listing]) -> PriceCart:
    lines: list[PriceLine] = []
    shipping: list[ShippingLine] = []
    for row in order.rows:
        for line in row.body.lines:
            listing = listings.get(line.variant)
            category, brand, above = (listing.category, listing.brand, listing.ancestors) if listing else ("", "", ())
            lines.append(
                PriceLine(
                    line.id,
                    line.variant,
                    line.product,
                    row.merchant,
                    category,
                    brand,
                    line.quantity,
                    line.unit_price,
                    above,
                )
            )
        if row.body.shipping is not None:
            shipping.append(ShippingLine(row.merchant, row.body.shipping.option, row.body.shipping.amount))
    return PriceCart(order.currency, tuple(lines), tuple(shipping), order.rows[0].body.codes)


def _quote(order: Order) -> Quote:
    lines = [
        QuoteLine(line.id, line.variant, row.merchant, line.quantity, line.unit_price, line.shares, line.total)
        for row in order.rows
        for line in row.body.lines
    ]
    deliveries = [
        QuoteShipping(row.merchant, delivery.option, delivery.amount, delivery.shares, delivery.total)
        for row in order.rows
        if (delivery := row.body.shipping) is not None
    ]
    subtotal = sum(line.quantity * line.unit_price for line in lines)
    goods = sum(line.total for line in lines)
    shipping = sum(delivery.total for delivery in deliveries)
    body = order.rows[0].body
    return Quote(
        currency=order.currency,
        book=body.book,
        lines=tuple(lines),
        shipping=tuple(deliveries),
        applied=body.applied,
        subtotal=subtotal,
        discount=subtotal - goods,
        shipping_total=shipping,
        total=goods + shipping,
    )
