"""An offer tried on sample carts before it is published: made-up goods that fulfil what it asks of goods."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from nightmarket.kernel.ids import derive
from nightmarket.kernel.money import minor_digits
from nightmarket.promotions.contract import (
    OPERATOR,
    Book,
    Bundle,
    BuyGet,
    Gift,
    Goods,
    Offer,
    OfferNote,
    PriceCart,
    PriceLine,
    ShippingLine,
    Shopper,
    boundaries,
    explain,
    flaws,
    price,
)

CARTS: Sequence[Sequence[tuple[int, int]]] = (
    ((1, 20),),
    ((3, 20),),
    ((1, 100), (2, 30)),
    ((2, 200), (4, 45), (1, 15)),
)
"""Pieces and their price in whole units of the currency."""

DELIVERY = 5


class Sample(msgspec.Struct, frozen=True):
    """A cart before and after the offer, in minor units, and what the offer says to it."""

    lines: Sequence[tuple[int, int, int]]
    """Pieces, the price of one, and what they cost together after the offer."""
    before: int
    after: int
    note: OfferNote


def try_out(offer: Offer, currency: str) -> list[Sample]:
    """What the offer does to each sample cart, bought by someone whom it is for at an instant at which it holds."""
    if flaws(offer) or offer.is_limit:
        return []
    unit = 10 ** minor_digits(currency)
    wanted, book = offer.condition, Book(1, (offer,))
    shopper = Shopper(
        region=next(iter(sorted(wanted.regions)), None),
        segments=wanted.segments,
        language=next(iter(sorted(wanted.languages)), None),
        channel=next(iter(sorted(wanted.channels)), None),
        places=wanted.places,
        first_order=True,
        entitlements=wanted.needs,
    )
    at = next((at for at in boundaries(offer) if _holds(offer, at)), offer.starts_at)
    found: list[Sample] = []
    for content in CARTS:
        lines = [*_lines(offer, content, unit), *_extras(offer, unit)]
        merchants = {line.merchant: None for line in lines}
        shipping = tuple(ShippingLine(merchant, _option(offer), DELIVERY * unit) for merchant in merchants)
        codes = (offer.code,) if offer.code else ()
        cart = PriceCart(currency, tuple(lines), shipping, codes)
        quote = price(cart, book, shopper, at)
        shown = [(line.quantity, line.unit_price, line.total) for line in quote.lines]
        note = explain(cart, quote, book, shopper, at).notes[0]
        found.append(Sample(shown, quote.subtotal + sum(part.amount for part in quote.shipping), quote.total, note))
    return found


def _holds(offer: Offer, at: datetime) -> bool:
    hours = offer.condition.hours
    return not hours or any(one.open_at(at) for one in hours)


def _lines(offer: Offer, content: Iterable[tuple[int, int]], unit: int) -> list[PriceLine]:
    goods = offer.condition.goods
    if isinstance(offer.effect, Bundle):
        goods = offer.effect.parts[0].goods
    return [_line(f"a{place}", goods, offer, pieces, amount * unit) for place, (pieces, amount) in enumerate(content)]


def _extras(offer: Offer, unit: int) -> list[PriceLine]:
    """What else the offer needs in the cart: companions, the other parts of a bundle, gifts, what is got."""
    found = [
        _line(f"b{place}", one.goods, offer, one.units, max(one.at_least.values(), default=10 * unit))
        for place, one in enumerate(offer.condition.alongside)
    ]
    match offer.effect:
        case Bundle(parts=parts):
            found += [
                _line(f"c{place}", part.goods, offer, part.units, 10 * unit) for place, part in enumerate(parts[1:])
            ]
        case BuyGet(goods=goods, get=get) if goods:
            found.append(_line("d", goods, offer, get, 10 * unit))
        case Gift(variants=variants, units=units):
            found.append(_line("e", Goods(variants=variants), offer, units, 10 * unit))
        case _:
            pass
    return found


def _line(name: str, goods: Goods, offer: Offer, pieces: int, amount: int) -> PriceLine:
    merchant = next(iter(sorted(goods.merchants)), offer.funder or OPERATOR)
    return PriceLine(
        name,
        next(iter(sorted(goods.variants)), derive("sample", name)),
        next(iter(sorted(goods.products)), derive("sample", name)),
        merchant,
        next(iter(sorted(goods.categories)), ""),
        next(iter(sorted(goods.brands)), ""),
        pieces,
        amount,
    )


def _option(offer: Offer) -> str:
    options: frozenset[str] = getattr(offer.effect, "options", frozenset())
    return next(iter(sorted(options)), "standard")
