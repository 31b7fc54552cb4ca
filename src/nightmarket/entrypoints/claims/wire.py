"""Shapes on the wire of the API for other shops. Amounts are minor units; instants are UTC.

Unknown members of requests are refused, so that a misspelt one is noticed.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from nightmarket.claims.contract import MAX_HOLD_SECONDS, MAX_LINES, MAX_NAME_LETTERS, MAX_REFERENCE_LETTERS, MAX_UNITS
from nightmarket.entrypoints.offering.document import OfferInput
from nightmarket.kernel.quantity import MAX_LINE_QUANTITY, MAX_STOCK
from nightmarket.kernel.shapes import CURRENCY, ONE_LINE, id_pattern
from nightmarket.platform.http import Wire

MAX_FEED_LINES = 200
"""Lines of stock in one request."""

MAX_PRICE_LINES = 200
MAX_CODES = 10
MAX_OFFERS = 50
MAX_WITHOUT = 100
MAX_UNIT_PRICE = 10**11
"""A billion euros for one unit; with the bounds of lines and quantities, sums stay exact in every JSON reader."""

ENCODE = msgspec.json.Encoder()

Text = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_LETTERS, pattern=ONE_LINE)]
Slug = Annotated[str, Meta(min_length=1, max_length=64, pattern=ONE_LINE, description="A merchant's short name.")]
Sku = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=ONE_LINE, description="The merchant's number of a variant.")
]
Variant = Annotated[str, Meta(min_length=30, max_length=30, pattern=id_pattern("var"))]
OfferId = Annotated[str, Meta(min_length=30, max_length=30, pattern=id_pattern("off"))]
Currency = Annotated[str, Meta(min_length=3, max_length=3, pattern=CURRENCY, description="ISO 4217.")]
Buyer = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=254,
        pattern=ONE_LINE,
        description="An e-mail address, or telephone number with its country, that your shop has confirmed. It is the "
        "same buyer here and with you; it is not kept.",
    ),
]
Amount = Annotated[int, Meta(ge=0, le=MAX_UNIT_PRICE)]
Word = Annotated[str, Meta(max_length=80, pattern=ONE_LINE)]
Code = Annotated[str, Meta(min_length=1, max_length=80, pattern=ONE_LINE)]
Minor = Annotated[int, Meta(ge=1, le=MAX_UNIT_PRICE)]


class ClaimLineInput(Wire):
    """Units of a variant (`sku`, or `variant`), of a tally that you named (`tally`), or something of an `offer`: one of
    the four. `merchant` is needed beside `sku` where the key is not a merchant's own and the claim names none.

    Of an offer it is a use; with `currency` minor units of its budget; with `buyer` that buyer's share, in `counted`.
    Take such lines as `POST /price` gives them.
    """

    quantity: Annotated[int, Meta(ge=1, le=MAX_UNITS)] = 1
    sku: Sku | None = None
    merchant: Slug | None = None
    variant: Variant | None = None
    tally: Text | None = None
    offer: OfferId | None = None
    currency: Currency | None = None
    buyer: Buyer | None = None
    counted: Literal["uses", "units"] = "units"


class ClaimInput(Wire):
    """All of these lines or none, held for `hold_seconds`. `reference` is how your shop calls it, such as an order's
    number."""

    lines: Annotated[list[ClaimLineInput], Meta(min_length=1, max_length=MAX_LINES)]
    reference: Annotated[str, Meta(min_length=1, max_length=MAX_REFERENCE_LETTERS, pattern=ONE_LINE)]
    hold_seconds: Annotated[int, Meta(ge=1, le=MAX_HOLD_SECONDS)] = 900
    merchant: Slug | None = None


class ClaimedLine(Struct, omit_defaults=True):
    """A line of a claim: what it took."""

    quantity: int
    sku: str | None = None
    variant: str | None = None
    tally: str | None = None
    offer: str | None = None
    counted: str | None = None


class Claim(Struct):
    """A claim as it stands. `state` is held, settled, released or lapsed; it ends once."""

    id: str
    state: str
    reference: str
    held_until: datetime
    made_at: datetime
    ended_at: datetime | None
    lines: list[ClaimedLine]


class StockLineInput(Wire):
    """Of a variant at a place (`main` if none is named), or of a tally that you name: how many units are there now
    (`units`: on the shelf, held ones among them, sold ones not), or by how much they `change`."""

    sku: Sku | None = None
    merchant: Slug | None = None
    variant: Variant | None = None
    place: Text = "main"
    tally: Text | None = None
    units: Annotated[int, Meta(ge=0, le=MAX_STOCK)] | None = None
    change: Annotated[int, Meta(ge=-MAX_STOCK, le=MAX_STOCK)] | None = None


class StockInput(Wire):
    """All of these lines or none, carried out once per idempotency key."""

    lines: Annotated[list[StockLineInput], Meta(min_length=1, max_length=MAX_FEED_LINES)]
    cause: Annotated[str, Meta(min_length=1, max_length=120, pattern=ONE_LINE)] = "another shop"
    merchant: Slug | None = None


class StockLevel(Struct, omit_defaults=True):
    """How much there is: `available` may still be claimed, `held` is in checkouts, `sold` is settled."""

    available: int
    held: int
    sold: int
    sku: str | None = None
    variant: str | None = None
    tally: str | None = None


class StockAnswer(Struct):
    """Levels in the order in which they were asked for; what is not counted here is left out."""

    levels: list[StockLevel]


class PriceLineInput(Wire):
    """A variant (`sku` or `variant`; its own price unless `unit_price` says another), or goods that only your shop
    knows (`item`, with `unit_price`, and `category` and `brand` for offers that ask for them)."""

    quantity: Annotated[int, Meta(ge=1, le=MAX_LINE_QUANTITY)] = 1
    sku: Sku | None = None
    merchant: Slug | None = None
    variant: Variant | None = None
    item: Text | None = None
    unit_price: Amount | None = None
    category: Word = ""
    brand: Word = ""


class ShippingInput(Wire):
    """The delivery that was chosen for one merchant's lines."""

    amount: Amount
    merchant: Slug | None = None
    option: Text = "standard"


class PriceInput(Wire):
    """A cart of your shop. `region`, `language`, `channel`, `first_order`, `segments` and `places` are what offers may
    ask of who buys; `without` are offers that may not apply, such as one whose uses could not be claimed."""

    currency: Currency
    lines: Annotated[list[PriceLineInput], Meta(min_length=1, max_length=MAX_PRICE_LINES)]
    merchant: Slug | None = None
    shipping: Annotated[list[ShippingInput], Meta(max_length=50)] = msgspec.field(default_factory=list[ShippingInput])
    codes: Annotated[list[Code], Meta(max_length=MAX_CODES)] = msgspec.field(default_factory=list[str])
    region: Code | None = None
    language: Code | None = None
    channel: Code | None = None
    """Where your shop met the buyer, such as `shop`, `app` or `live`; a word of yours that offers may ask for."""
    first_order: bool | None = None
    """Whether it is the buyer's first order with you; leave it out where you do not know."""
    segments: Annotated[list[Word], Meta(max_length=50)] = msgspec.field(default_factory=list[str])
    places: Annotated[list[Word], Meta(max_length=50)] = msgspec.field(default_factory=list[str])
    without: Annotated[list[OfferId], Meta(max_length=MAX_WITHOUT)] = msgspec.field(default_factory=list[str])
    buyer: Buyer | None = None
    """Who buys, for offers and limits that are counted per buyer; without one such offers do not apply."""


class PricedShare(Struct):
    """What one offer takes off one line."""

    offer: str
    amount: int


class PricedLine(Struct):
    """`total` = quantity x unit_price - shares, in the order of the cart."""

    quantity: int
    unit_price: int
    total: int
    shares: list[PricedShare]


class PricedShipping(Struct):
    """`total` = amount - shares."""

    option: str
    amount: int
    total: int
    shares: list[PricedShare]


class FundedPart(Struct):
    """Who pays which part of what an offer takes off: `house`, or a merchant by its short name."""

    funder: str
    basis_points: int
    amount: int


class AppliedOffer(Struct, omit_defaults=True):
    """An offer that applies. `claim_use` says that its uses are counted: claim one with the line `{"offer": id}`.
    Where several pay, `funding` has their parts, which come to `amount`; `funded_by` is one of them."""

    offer: str
    name: dict[str, str]
    amount: int
    funded_by: str
    claim_use: bool
    funding: list[FundedPart] = msgspec.field(default_factory=list[FundedPart])


class ToClaim(Struct, omit_defaults=True):
    """A line for the claim of this cart: what it takes of an offer or a limit."""

    offer: str
    quantity: int
    currency: str | None = None
    buyer: str | None = None
    counted: str | None = None


class LimitOver(Struct):
    """A limit on what one buyer may have that this cart is over: at most `most` units, of which `left` are left; the
    numbers of the cart's `lines` that it is about, from 0."""

    offer: str
    most: int
    left: int
    lines: list[int]


class OfferReason(Struct):
    """What became of an offer; `missing` is what the cart lacks to its minimum."""

    offer: str
    name: dict[str, str]
    reason: str
    amount: int
    missing: int


class Price(Struct):
    """`total` = subtotal - discount + shipping_total. `book` is the number of the offers' book it was made with.

    What is counted is priced as it stands, and nothing of it is held: claim the lines of `to_claim` with the goods.
    With `limits` the cart is more than its buyer may have."""

    currency: str
    book: int
    subtotal: int
    discount: int
    shipping_total: int
    total: int
    lines: list[PricedLine]
    shipping: list[PricedShipping]
    applied: list[AppliedOffer]
    explanation: list[OfferReason]
    unknown_codes: list[str]
    to_claim: list[ToClaim] = msgspec.field(default_factory=list[ToClaim])
    limits: list[LimitOver] = msgspec.field(default_factory=list[LimitOver])


class OffersInput(Wire):
    """All of these offers or none, published once per idempotency key."""

    offers: Annotated[list[OfferInput], Meta(min_length=1, max_length=MAX_OFFERS)]


class OffersAnswer(Struct):
    """The offers' ids in the order in which they came, and the number of the book that has them."""

    offers: list[str]
    book: int


class Refused(Struct, omit_defaults=True):
    """A problem document (RFC 9457). Branch on `code`; `field` names what is wrong, `fields` the particulars."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str
    field: str | None = None
    fields: dict[str, Any] | None = None
