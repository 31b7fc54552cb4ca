"""The price of another shop's cart: the same pure function as for our own, and why it came out so."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.bootstrap import Shop
from nightmarket.catalog.contract import Listing
from nightmarket.claims.contract import MAX_UNITS, Owner
from nightmarket.kernel.ids import decode, derive, encode
from nightmarket.kernel.money import MAX_AMOUNT, known_currency
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.database import Connection
from nightmarket.promotions.contract import (
    Book,
    Demand,
    Offer,
    PriceCart,
    PriceLine,
    Quote,
    Scarce,
    Share,
    ShippingLine,
    Shopper,
    buyer_tally,
    demand,
    explain,
    price,
)
from nightmarket.promotions.contract.asking import OffersById, met_by

from . import wire
from .items import Items, is_theirs, one_of

NOBODY = UUID(int=0)
"""The merchant of goods that belong to none of ours."""

HOUSE = "house"
OURS = "our_checkout_only"
"""Why an offer does not apply whose uses, budget or shares this key cannot claim."""

NAMELESS = "buyer_needed"
"""Why an offer with a share per buyer does not apply: the cart does not say who buys."""

MAX_REASONS = 200
"""Offers that an answer explains at most, those that apply first."""


async def quote(shop: Shop, items: Items, owner: Owner, cart: wire.PriceInput) -> wire.Price:
    """Price a cart with the current book. Raises InvalidInput, ItemUnknown."""
    if not known_currency(cart.currency):
        raise InvalidInput("That is no currency; use a code of ISO 4217 such as EUR.", field="currency")
    now = shop.clock.now()
    book = shop.books.current()
    priced = await _cart(items, owner, cart)
    shopper = Shopper(
        region=cart.region,
        segments=frozenset(cart.segments),
        language=cart.language,
        channel=cart.channel,
        places=frozenset(cart.places),
        first_order=cart.first_order,
    )
    left_out = _left_out(met_by(book, priced, shopper), owner, cart.buyer)
    priced = msgspec.structs.replace(priced, without=priced.without | left_out.keys())
    buyers = (shop.identities.key_of(cart.buyer, field="buyer"),) if cart.buyer is not None else ()
    found, priced, wanted, free = await _counted(shop, priced, shopper, buyers, now)
    why = explain(priced, found, book, shopper, now)
    offers = OffersById(book)
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
                left_out.get(note.offer, note.reason) if note.reason == "used_up" else note.reason,
                note.amount,
                note.missing,
            )
            for note in shown[:MAX_REASONS]
        ],
        unknown_codes=list(why.unknown_codes),
        to_claim=_to_claim(wanted, owner, book, found, (cart.buyer, buyers)),
        limits=[
            wire.LimitOver(encode("off", want.offer), want.most, max(0, free[want.tally]), list(map(int, want.lines)))
            for want in wanted.wants
            if want.why is Scarce.LIMIT and free[want.tally] < want.quantity
        ],
    )


def _left_out(offers: Iterable[Offer], owner: Owner, buyer: str | None) -> dict[UUID, str]:
    """The offers that cannot be counted for this cart, each with why."""
    left_out: dict[UUID, str] = {}
    for offer in offers:
        counted = offer.uses is not None or bool(offer.budget) or offer.per_buyer is not None
        if counted and not is_theirs(owner, offer):
            left_out[offer.id] = OURS
        elif offer.per_buyer is not None and buyer is None:
            left_out[offer.id] = NAMELESS
    return left_out


async def _counted(
    shop: Shop, cart: PriceCart, shopper: Shopper, buyers: tuple[UUID, ...], now: datetime
) -> tuple[Quote, PriceCart, Demand, dict[UUID, int]]:
    """The price with what scarce offers have left at this moment, the cart without those that have too little, what it
    takes of the others, and what is left of each. Nothing is locked or held."""
    book = shop.books.current()
    async with shop.database.read() as connection:
        while True:
            found = price(cart, book, shopper, now)
            wanted = demand(found, cart, book, now, buyers)
            free = await _free(shop, connection, wanted)
            used_up = {
                want.offer: want.why.value
                for want in wanted.wants
                if want.why is not Scarce.LIMIT and free[want.tally] < want.quantity
            }
            if not used_up:
                return found, cart, wanted, free
            cart = msgspec.structs.replace(
                cart, without=cart.without | used_up.keys(), refused={**cart.refused, **used_up}
            )


async def _free(shop: Shop, connection: Connection, wanted: Demand) -> dict[UUID, int]:
    """What is left of each tally; of a buyer's share what the limit of now leaves."""
    levels = await shop.tallies.levels(connection, [want.tally for want in wanted.wants])
    shares = [want.tally for want in wanted.wants if want.most and want.tally in levels]
    returned = await shop.tallies.returned(connection, shares) if shares else dict[UUID, int]()
    free: dict[UUID, int] = {}
    for want in wanted.wants:
        level = levels.get(want.tally)
        if level is None:
            free[want.tally] = want.most
        elif want.most:
            free[want.tally] = want.most + returned.get(want.tally, 0) - level.held - level.spent
        else:
            free[want.tally] = level.available
    return free


def _to_claim(
    wanted: Demand, owner: Owner, book: Book, quote: Quote, buyer: tuple[str | None, Sequence[UUID]]
) -> list[wire.ToClaim]:
    """What the cart takes of offers and limits, as lines for its claim."""
    name, keys = buyer
    known = OffersById(book)
    uses = {buyer_tally(want.offer, "uses", key) for want in wanted.wants for key in keys}
    lines: list[wire.ToClaim] = []
    for want in wanted.wants:
        if not is_theirs(owner, known[want.offer]):
            continue
        id = encode("off", want.offer)
        match want.why:
            case Scarce.USES:
                lines.append(wire.ToClaim(id, want.quantity))
            case Scarce.BUDGET:
                lines.extend(
                    wire.ToClaim(id, min(MAX_UNITS, want.quantity - part), quote.currency)
                    for part in range(0, want.quantity, MAX_UNITS)
                )
            case Scarce.BUYER | Scarce.LIMIT:
                counted = "uses" if want.tally in uses else "units"
                lines.append(wire.ToClaim(id, want.quantity, None, name, counted))
    return lines


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
        frozenset(decode("off", offer, f"without[{number}]") for number, offer in enumerate(cart.without)),
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
    return PriceLine(_line_id(number), *what, line.quantity, amount, listing.ancestors)


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


async def _applied(items: Items, found: Quote, offers: Mapping[UUID, Offer]) -> list[wire.AppliedOffer]:
    return [
        wire.AppliedOffer(
            encode("off", one.offer),
            offers[one.offer].name,
            one.amount,
            await _payer(items, one.funder),
            offers[one.offer].uses is not None,
            [wire.FundedPart(await _payer(items, part.funder), part.basis_points, part.amount) for part in one.funding],
        )
        for one in found.applied
    ]


async def _payer(items: Items, funder: UUID | None) -> str:
    return HOUSE if funder is None else await items.slug(funder)


__all__ = ["Book", "quote"]
