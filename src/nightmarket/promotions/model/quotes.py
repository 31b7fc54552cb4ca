"""The answer: what is to be paid, each offer's share of it, and why."""

from uuid import UUID

import msgspec

from .conditions import Goods


class Share(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one offer takes off one line, in minor units (positive)."""

    offer: UUID
    amount: int


class QuoteLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A priced line: `total` = quantity x unit_price - shares, never negative."""

    id: str
    variant: UUID
    merchant: UUID
    quantity: int
    unit_price: int
    shares: tuple[Share, ...]
    total: int


class QuoteShipping(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A merchant's delivery, priced: `total` = amount - shares."""

    merchant: UUID
    option: str
    amount: int
    shares: tuple[Share, ...]
    total: int


class Funded(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One funder's part of what an offer took off; None is the operator."""

    funder: UUID | None
    basis_points: int
    amount: int


class Applied(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An offer in a quote: what it took off in all, who pays for it, and the tally that one use comes from.

    An offer that takes nothing off is not applied and costs no use.
    """

    offer: UUID
    revision: int
    amount: int
    funder: UUID | None
    uses: UUID | None = None
    funding: tuple[Funded, ...] = ()
    """Where several pay: their parts, which sum to `amount`. Each share is split by `split_of`."""


class Quote(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The price of a cart: `total` = subtotal - discount + shipping, all in minor units of `currency`.

    `discount` is what came off the lines; what came off shipping is already gone from `shipping_total`.
    Lines and deliveries stand in the cart's order, `applied` in the order of application.
    """

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
    """What became of one offer, and what its next step lacks.

    `reason` is a stable word: applied, code_not_given, not_started, ended, outside_hours, other_currency, other_region,
    other_segment, other_place, other_language, other_channel, not_first_order, not_entitled, no_line, below_minimum
    (the qualifying lines lack `missing`, or `missing_units`), companion_missing (other goods do), over_buyer_limit
    (more units than one buyer may have of it), used_up, budget_used_up and limit_reached (in the cart's `without`, by
    what `refused` says), gift_due (its gifts are not in the cart), better_offer (it is cheaper without it),
    not_combinable (`other` applied, with which it may not be combined), no_effect (there was nothing that it could
    take off, such as a delivery that is free or not chosen).

    Of offers with steps, applied or not, `missing` and `missing_units` lead to the next, which takes off `gain` more
    (an amount) or `gain_basis_points` instead.
    """

    offer: UUID
    reason: str
    amount: int = 0
    missing: int = 0
    funder: UUID | None = None
    missing_units: int = 0
    other: UUID | None = None
    gain: int = 0
    gain_basis_points: int = 0
    gifts: tuple[UUID, ...] = ()
    """Of a gift: the variants of which `missing_units` more in the cart cost nothing."""
    funders: tuple[UUID, ...] = ()
    """The merchants who share it, where several pay, the market aside."""
    lacking: tuple[Goods, ...] = ()
    """Of a bundle, or of "buy and get", the parts of which pieces are missing, else the companions, or what the offer
    itself is for, of which the cart lacks some."""
    merchant: UUID | None = None
    """Of a threshold for each merchant apart: whose goods `missing` is about."""


class Explanation(msgspec.Struct, frozen=True):
    """What applied, what did not and why, who funds it, and codes that no offer knows.

    One note per offer of the book, those applied first. Codes that were not given are for the operator's eyes only.
    """

    notes: tuple[OfferNote, ...]
    unknown_codes: tuple[str, ...] = ()
