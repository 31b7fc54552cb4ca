"""Discounts in UCP's words: what applied, where it landed, and why a code did not hold."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import UNSET

from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.languages import pick
from nightmarket.orders.contract import OrderBody, SessionView, SoldBody, SoldPart, may_decline, shopper_of
from nightmarket.promotions.contract import Applied, Book, Offer, Share, explain
from nightmarket.promotions.contract.asking import OffersById

from . import wire

INVALID, EXPIRED = "discount_code_invalid", "discount_code_expired"
COMBINATION, INELIGIBLE = "discount_code_combination_disallowed", "discount_code_user_ineligible"
NOT_APPLICABLE = "discount_code_not_applicable"
"""Our own word: the code holds, but for nothing in this cart."""

REASONS = {
    "not_started": (EXPIRED, "Code {code!r} does not hold yet."),
    "ended": (EXPIRED, "Code {code!r} has ended."),
    "other_currency": (NOT_APPLICABLE, "Code {code!r} does not hold in this currency."),
    "other_region": (INELIGIBLE, "Code {code!r} does not hold for this country."),
    "other_segment": (INELIGIBLE, "Code {code!r} is meant for other shoppers."),
    "no_line": (NOT_APPLICABLE, "Code {code!r} fits nothing in the cart."),
    "below_minimum": (NOT_APPLICABLE, "The goods that code {code!r} is for do not come to its minimum yet."),
    "better_offer": (COMBINATION, "Code {code!r} cannot be combined with a better offer that applies."),
    "no_effect": (NOT_APPLICABLE, "Code {code!r} changes nothing at the moment."),
    "outside_hours": (NOT_APPLICABLE, "Code {code!r} holds at other hours."),
    "other_place": (INELIGIBLE, "Code {code!r} is meant for visitors of another place."),
    "other_language": (INELIGIBLE, "Code {code!r} is meant for another language."),
    "other_channel": (INELIGIBLE, "Code {code!r} does not hold for orders that come this way."),
    "not_first_order": (INELIGIBLE, "Code {code!r} is meant for a first order."),
    "not_entitled": (INELIGIBLE, "Code {code!r} needs something that this buyer does not hold."),
    "companion_missing": (NOT_APPLICABLE, "Code {code!r} needs other goods in the cart as well."),
    "gift_due": (NOT_APPLICABLE, "Code {code!r} gives a present that is not in the cart."),
    "over_buyer_limit": (NOT_APPLICABLE, "Code {code!r} holds for fewer units per buyer; lower the quantity."),
    "limit_reached": (NOT_APPLICABLE, "Fewer units of code {code!r} are left for this buyer, or none."),
    "declined": (NOT_APPLICABLE, "What code {code!r} gives was declined."),
    "not_combinable": (COMBINATION, "Code {code!r} cannot be combined with another offer that applies."),
}
UNKNOWN = (INVALID, "Code {code!r} is not known here.")
USED_UP = (NOT_APPLICABLE, "Code {code!r} has nothing left to give.")
IDENTITY_NEEDED = "identity_needed"
OFFER = "off"
MARKET = "market"

TWICE = ("discount_code_already_applied", "Code {code!r} is given twice; it counts once.")


def discounts_of(view: SessionView, book: Book) -> wire.Discounts:
    """The discounts of a cart or session. What is limited per buyer has a name to decline it by, and is provisional
    while nobody knows who buys."""
    quote = view.assessment.quote
    declined = [encode(OFFER, one) for one in view.body.declined] or UNSET
    if not quote.applied:
        return wire.Discounts(list(view.body.codes), [], declined)
    positions = {line.id: n for n, line in enumerate(view.body.lines)}
    lines = [(positions[line.id], line.shares) for line in quote.lines]
    shipping = [part.shares for part in quote.shipping]
    applied = _applied(quote.applied, book, view.body.language, lines, shipping)
    if view.body.seat is None:
        _say_optional(applied, view, book)
    return wire.Discounts(list(view.body.codes), applied, declined)


def _say_optional(applied: Sequence[wire.AppliedDiscount], view: SessionView, book: Book) -> None:
    offers = OffersById(book)
    is_open = any(notice.code == IDENTITY_NEEDED for notice in view.assessment.notices)
    for one, told in zip(view.assessment.quote.applied, applied, strict=True):
        offer = offers.get(one.offer)
        if offer is not None and may_decline(offer):
            told.offer, told.provisional = encode(OFFER, offer.id), is_open


def declined_of(request: wire.DiscountsRequest | None) -> tuple[UUID, ...]:
    """The offers that a request does without; raises InvalidInput for a name that is none of ours."""
    return tuple(decode(OFFER, one) for one in request.declined) if request else ()


def discounts_sold(first: OrderBody | SoldBody, parts: Sequence[OrderBody | SoldPart], book: Book) -> wire.Discounts:
    """The discounts of an order as it was sold."""
    if not first.applied:
        return wire.Discounts(list(first.codes), []) if first.codes else wire.NO_DISCOUNTS
    sold = [line.shares for part in parts for line in part.lines]
    shipping = [part.shipping.shares for part in parts if part.shipping is not None]
    applied = _applied(first.applied, book, first.language, list(enumerate(sold)), shipping)
    return wire.Discounts(list(first.codes), applied)


def rejected_codes(view: SessionView, book: Book, now: datetime) -> list[wire.Message]:
    """A warning for each code that took nothing off; says why as far as the shopper may know."""
    codes = view.body.codes
    if not codes:
        return []
    offers = OffersById(book)
    holding = {_plain(offers[one.offer].code) for one in view.assessment.quote.applied if one.offer in offers}
    idle = [(n, code) for n, code in enumerate(codes) if _plain(code) not in holding]
    twice = [(n, code) for n, code in enumerate(codes) if _plain(code) in {_plain(one) for one in codes[:n]}]
    reasons: Mapping[str, tuple[str, str]] = _reasons(view, book, offers, now) if idle else {}
    found = {n: (code, reasons.get(_plain(code), UNKNOWN)) for n, code in idle}
    found |= {n: (code, TWICE) for n, code in twice}
    return [
        wire.Message("warning", text.format(code=code), name, UNSET, f"$.discounts.codes[{n}]")
        for n, (code, (name, text)) in sorted(found.items())
    ]


def _reasons(
    view: SessionView, book: Book, offers: Mapping[UUID, Offer], now: datetime
) -> Mapping[str, tuple[str, str]]:
    assessment = view.assessment
    if assessment.quote.book != book.number:
        return {}
    shopper = shopper_of(view.owner, view.body)
    notes = explain(assessment.cart, assessment.quote, book, shopper, now).notes
    return {
        _plain(offers[note.offer].code): REASONS.get(note.reason, USED_UP)
        for note in notes
        if offers[note.offer].code is not None
    }


def _applied(
    applied: Sequence[Applied],
    book: Book,
    language: str,
    lines: Sequence[tuple[int, tuple[Share, ...]]],
    shipping: Sequence[tuple[Share, ...]],
) -> list[wire.AppliedDiscount]:
    offers = OffersById(book)
    found: list[wire.AppliedDiscount] = []
    for number, one in enumerate(applied, start=1):
        offer = offers.get(one.offer)
        code = offer.code if offer else None
        parts = [wire.Allocation(f"$.line_items[{n}]", _mine(shares, one)) for n, shares in lines]
        parts.append(wire.Allocation("$.totals.shipping", sum(_mine(shares, one) for shares in shipping)))
        found.append(
            wire.AppliedDiscount(
                title=(pick(offer.name, language) if offer else None) or "Discount",
                amount=one.amount,
                code=code or UNSET,
                automatic=code is None,
                priority=number,
                allocations=[part for part in parts if part.amount],
                funders=[_funder(part.funder) for part in one.funding] or UNSET,
            )
        )
    return found


def _funder(merchant: UUID | None) -> str:
    return MARKET if merchant is None else encode("mer", merchant)


def _mine(shares: tuple[Share, ...], one: Applied) -> int:
    return sum(share.amount for share in shares if share.offer == one.offer)


def _plain(code: str | None) -> str:
    return (code or "").strip().casefold()
