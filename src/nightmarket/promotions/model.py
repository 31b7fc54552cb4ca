"""The price: a pure function of cart, book, shopper and instant. No clock, no database, no chance in it."""

from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.kernel.money import Rounding


class PriceLine(msgspec.Struct, frozen=True, array_like=True):
    """One line to be priced; `unit_price` is the list price in minor units of the cart's currency."""

    id: str
    variant: UUID
    product: UUID
    merchant: UUID
    category: str
    brand: str
    quantity: int
    unit_price: int


class ShippingLine(msgspec.Struct, frozen=True, array_like=True):
    """The delivery that was chosen for one merchant's lines, and its list price."""

    merchant: UUID
    option: str
    amount: int


class PriceCart(msgspec.Struct, frozen=True):
    """What is to be priced. `without` names offers that may not apply (a tally refused them)."""

    currency: str
    lines: tuple[PriceLine, ...]
    shipping: tuple[ShippingLine, ...] = ()
    codes: tuple[str, ...] = ()
    without: frozenset[UUID] = frozenset()


class Shopper(msgspec.Struct, frozen=True):
    """What a price may know of the one who buys."""

    id: UUID | None = None
    region: str | None = None
    segments: frozenset[str] = frozenset()


class PercentOff(msgspec.Struct, frozen=True, tag="percent"):
    """Basis points off each line that qualifies, rounded once per line."""

    basis_points: int
    rounding: Rounding = Rounding.HALF_UP


class AmountOff(msgspec.Struct, frozen=True, tag="amount"):
    """Minor units off the qualifying lines together, per currency; never more than they cost."""

    amounts: dict[str, int]


class FreeShipping(msgspec.Struct, frozen=True, tag="free_shipping"):
    """The chosen delivery of each merchant with qualifying lines costs nothing, up to a limit per currency."""

    up_to: dict[str, int] = {}


Effect = PercentOff | AmountOff | FreeShipping


class Condition(msgspec.Struct, frozen=True):
    """Which lines qualify (empty means any), and the least that they must come to, per currency."""

    merchants: frozenset[UUID] = frozenset()
    products: frozenset[UUID] = frozenset()
    variants: frozenset[UUID] = frozenset()
    categories: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    at_least: dict[str, int] = {}


class Offer(msgspec.Struct, frozen=True):
    """An immutable revision of an offer.

    `funder` is the merchant who pays for it, None for the operator; a merchant's offer touches only that merchant's
    lines. With `code` it applies only to carts that carry the code (compared without case). `uses` is the tally that
    each order with this offer takes one from.
    """

    id: UUID
    revision: int
    name: dict[str, str]
    effect: Effect
    starts_at: datetime
    ends_at: datetime
    condition: Condition = Condition()
    funder: UUID | None = None
    code: str | None = None
    uses: UUID | None = None
    exclusive: str | None = None
    """Of the offers with the same word here, at most one applies."""


class Book(msgspec.Struct, frozen=True):
    """All offers as of a number in their sequence."""

    number: int
    offers: tuple[Offer, ...] = ()


class Share(msgspec.Struct, frozen=True, array_like=True):
    """What one offer takes off one line, in minor units (positive)."""

    offer: UUID
    amount: int


class QuoteLine(msgspec.Struct, frozen=True, array_like=True):
    """A priced line: `total` = quantity x unit_price - shares, never negative."""

    id: str
    variant: UUID
    merchant: UUID
    quantity: int
    unit_price: int
    shares: tuple[Share, ...]
    total: int


class QuoteShipping(msgspec.Struct, frozen=True, array_like=True):
    """A merchant's delivery, priced: `total` = amount - shares."""

    merchant: UUID
    option: str
    amount: int
    shares: tuple[Share, ...]
    total: int


class Applied(msgspec.Struct, frozen=True, array_like=True):
    """An offer in a quote: what it took off in all, who pays for it, and the tally that one use comes from."""

    offer: UUID
    revision: int
    amount: int
    funder: UUID | None
    uses: UUID | None = None


class Quote(msgspec.Struct, frozen=True, array_like=True):
    """The price of a cart: `total` = subtotal - discount + shipping, all in minor units of `currency`."""

    currency: str
    book: int
    lines: tuple[QuoteLine, ...]
    shipping: tuple[QuoteShipping, ...]
    applied: tuple[Applied, ...]
    subtotal: int
    discount: int
    shipping_total: int
    total: int


class OfferNote(msgspec.Struct, frozen=True):
    """What became of one offer: `reason` is a stable word (applied, code_not_given, below_minimum, not_started, ended,
    no_line, other_region, other_segment, better_offer, used_up); `missing` is what is missing to the minimum."""

    offer: UUID
    reason: str
    amount: int = 0
    missing: int = 0
    funder: UUID | None = None


class Explanation(msgspec.Struct, frozen=True):
    """What applied, what did not and why, who funds it, and codes that no offer knows."""

    notes: tuple[OfferNote, ...]
    unknown_codes: tuple[str, ...] = ()


def price(cart: PriceCart, book: Book, shopper: Shopper, now: datetime) -> Quote:
    """The best price that the book's offers give this cart at that instant."""
    raise NotImplementedError


def explain(cart: PriceCart, quote: Quote, book: Book, shopper: Shopper, now: datetime) -> Explanation:
    """Why the quote is as it is."""
    raise NotImplementedError
