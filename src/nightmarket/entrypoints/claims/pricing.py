"""The price of another shop's cart: the same pure function as for our own, and why it came out so."""

from uuid import UUID

import msgspec

from nightmarket.bootstrap import Shop
from nightmarket.catalog.contract import Listing
from nightmarket.claims.contract import Owner
from nightmarket.kernel.ids import decode, derive, encode
from nightmarket.kernel.money import MAX_AMOUNT, known_currency
from nightmarket.kernel.problems import InvalidInput
from nightmarket.promotions.contract import (
    Book,
    Offer,
    PriceCart,
    PriceLine,
    Quote,
    Share,
    ShippingLine,
    Shopper,
    explain,
    price,
)

from . import wire
from .items import Items, one_of

NOBODY = UUID(int=0)
"""The merchant of goods that belong to none of ours."""

HOUSE = "house"
OURS = "our_checkout_only"
"""Why an offer with a budget or a share per buyer does not apply: only an order of ours can be counted against it."""

MAX_REASONS = 200
"""Offers that an answer explains at most, those that apply first."""


async def quote(shop: Shop, items: Items, owner: Owner, cart: wire.PriceInput) -> wire.Price:
    """Price a cart with the current book. Raises InvalidInput, ItemUnknown."""
    if not known_currency(cart.currency):
        raise InvalidInput("That is no currency; use a code of ISO 4217 such as EUR.", field="currency")
    now = shop.clock.now()
    book = shop.books.current()
    ours = frozenset(offer.id for offer in book.offers if offer.budget or offer.per_buyer is not None)
    priced = await _cart(items, owner, cart)
    priced = msgspec.structs.replace(priced, without=priced.without | ours)
    shopper = Shopper(region=cart.region, segments=frozenset(cart.segments))
    found = price(priced, book, shopper, now)
    why = explain(priced, found, book, shopper, now)
    offers = {offer.id: offer for offer in book.offers}
    shown = [
        note
        for note in why.notes
        if (owner.merchant is None or (note.reason != "code_not_given" and note.funder in (None, owner.merchant)))
        and note.offer in offers
    ]
    return wire.Price(
        currency=found.currency,
        book=found.book,
        subtotal=found.subtotal,
        discount=found.discount,
        shipping_total=found.shipping_total,
        total=found.total,
        lines=[wire.PricedLine(one.quantity, one.unit_price, one.total, _shares(one.shares)) for one in found.lines],
        shipping=[
            wire.PricedShipping(one.option, one.amount, one.total, _shares(one.shares)) for one in found.shipping
        ],
        applied=await _applied(items, found, offers),
        explanation=[
            wire.OfferReason(
                encode("off", note.offer),
                offers[note.offer].name,
                OURS if note.reason == "used_up" and note.offer in ours else note.reason,
                note.amount,
                note.missing,
            )
            for note in shown[:MAX_REASONS]
        ],
        unknown_codes=list(why.unknown_codes),
    )


async def _cart(items: Items, owner: Owner, cart: wire.PriceInput) -> PriceCart:
    for number, line in enumerate(cart.lines):
        one_of(number, sku=line.sku, variant=line.variant, item=line.item)
    listings = await items.listings(owner, cart.lines, cart.merchant)
    house = await _merchant(items, owner, cart.merchant, "merchant")
    lines: list[PriceLine] = []
    for number, line in enumerate(cart.lines):
        if number in listings:
            lines.append(_listed(number, line, listings[number], cart.currency))
        else:
            field = f"lines[{number}].merchant"
            merchant = house if line.merchant is None else await _merchant(items, owner, line.merchant, field)
            lines.append(_foreign(number, line, merchant))
    shipping = [
        ShippingLine(
            house
            if one.merchant is None
            else await _merchant(items, owner, one.merchant, f"shipping[{number}].merchant"),
            one.option,
            one.amount,
        )
        for number, one in enumerate(cart.shipping)
    ]
    if len({one.merchant for one in shipping}) < len(shipping):
        raise InvalidInput("Each merchant's lines have one delivery.", field="shipping")
    if sum(line.quantity * line.unit_price for line in lines) + sum(one.amount for one in shipping) > MAX_AMOUNT:
        raise InvalidInput("The cart comes to more than the largest amount.", field="lines")
    return PriceCart(
        cart.currency,
        tuple(lines),
        tuple(shipping),
        tuple(cart.codes),
        frozenset(decode("off", offer) for offer in cart.without),
    )


async def _merchant(items: Items, owner: Owner, slug: str | None, field: str) -> UUID:
    """The merchant whose lines these are: by its name, else the key's own, else nobody of ours."""
    if slug is None:
        return owner.merchant or NOBODY
    merchant = await items.merchant(slug, field)
    if owner.merchant not in (None, merchant):
        raise InvalidInput("This key is for another merchant.", field=field)
    return merchant


def _listed(number: int, line: wire.PriceLineInput, listing: Listing, currency: str) -> PriceLine:
    amount = listing.prices.get(currency) if line.unit_price is None else line.unit_price
    if amount is None:
        text = f"{listing.sku} has no price in {currency}; send a unit_price."
        raise InvalidInput(text, field=f"lines[{number}].unit_price")
    what = (listing.variant, listing.product, listing.merchant, listing.category, listing.brand)
    return PriceLine(_line_id(number), *what, line.quantity, amount)


def _foreign(number: int, line: wire.PriceLineInput, merchant: UUID) -> PriceLine:
    """Goods that are not in our catalogue."""
    if line.unit_price is None:
        raise InvalidInput("Goods that only your shop knows need a unit_price.", field=f"lines[{number}].unit_price")
    item = derive("claims-item", merchant, line.item or "")
    return PriceLine(_line_id(number), item, item, merchant, line.category, line.brand, line.quantity, line.unit_price)


def _line_id(number: int) -> str:
    """Sorts as the lines stand."""
    return f"{number:04d}"


def _shares(shares: tuple[Share, ...]) -> list[wire.PricedShare]:
    return [wire.PricedShare(encode("off", share.offer), share.amount) for share in shares]


async def _applied(items: Items, found: Quote, offers: dict[UUID, Offer]) -> list[wire.AppliedOffer]:
    return [
        wire.AppliedOffer(
            encode("off", one.offer),
            offers[one.offer].name,
            one.amount,
            HOUSE if one.funder is None else await items.slug(one.funder),
            offers[one.offer].uses is not None,
        )
        for one in found.applied
    ]


__all__ = ["Book", "quote"]
