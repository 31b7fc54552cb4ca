"""What an order takes of scarce offers: a use, an amount of the budget, a buyer's share; and purchase limits. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import msgspec

from .carts import PriceCart, PriceLine, Shopper
from .compiled import compile_book
from .conditions import open_at
from .effects import PurchaseLimit
from .meeting import meet
from .offers import Book, Offer, budget_tally, buyer_tally, owners_of
from .quotes import Quote
from .resolving import lines_of

USES, UNITS = "uses", "units"


class Scarce(StrEnum):
    """Why a tally refuses; the words are those of `explain`."""

    USES = "used_up"
    BUDGET = "budget_used_up"
    BUYER = "limit_reached"
    """One buyer's share of an offer: the order can go without the offer."""
    LIMIT = "purchase_limit"
    """One buyer's share of the goods: the order cannot be placed as it is."""


class Want(msgspec.Struct, frozen=True):
    """What an order takes from a tally for an offer. A buyer's tally is opened with `most` when it is first needed."""

    tally: UUID
    quantity: int
    offer: UUID
    why: Scarce
    most: int = 0
    lines: tuple[str, ...] = ()
    """Of a purchase limit: the lines that it is about."""


class Demand(msgspec.Struct, frozen=True):
    """All that a priced cart takes of scarce offers, and those that ask who the buyer is."""

    wants: tuple[Want, ...] = ()
    by_buyer: tuple[UUID, ...] = ()


NOTHING = Demand()


class Cap(NamedTuple):
    """One buyer's share of an offer or limit: what is counted, and the most of it."""

    offer: UUID
    counted: str
    most: int


class Met(NamedTuple):
    """A purchase limit that a cart meets: its lines, their units, and the most that one buyer may have."""

    limit: Offer
    lines: tuple[str, ...]
    units: int
    most: int


def counts(book: Book) -> bool:
    """Whether anything in the book is scarce; if not, all else here need not be asked."""
    return bool(book.limits) or (bool(book.offers) and compile_book(book).counted)


def demand(quote: Quote, cart: PriceCart, book: Book, now: datetime, buyers: Sequence[UUID]) -> Demand:
    """What an order for that quote takes. `buyers` are the keys under which its buyer is known; each one counts."""
    if not counts(book):
        return NOTHING
    compiled = compile_book(book)
    wants: list[Want] = []
    by_buyer: list[UUID] = []
    for applied in quote.applied:
        if applied.uses is not None:
            wants.append(Want(applied.uses, 1, applied.offer, Scarce.USES))
        offer = compiled.offer(applied.offer) if compiled.has_scarce else None
        if offer is None:
            continue
        if offer.budget:
            tally = budget_tally(offer.id, quote.currency)
            wants.append(Want(tally, applied.amount, offer.id, Scarce.BUDGET))
        if offer.per_buyer is not None:
            by_buyer.append(offer.id)
            for _, counted, most in _caps(offer):
                quantity = 1 if counted == USES else _units(quote, offer.id)
                wants.extend(
                    Want(buyer_tally(offer.id, counted, buyer), quantity, offer.id, Scarce.BUYER, most)
                    for buyer in buyers
                )
    for limit, lines, units, most in limits_met(cart, book, now):
        by_buyer.append(limit.id)
        wants.extend(
            Want(buyer_tally(limit.id, UNITS, buyer), units, limit.id, Scarce.LIMIT, most, lines) for buyer in buyers
        )
    return Demand(tuple(wants), tuple(by_buyer))


def book_tallies(cart: PriceCart, book: Book, shopper: Shopper, now: datetime) -> tuple[UUID, ...]:
    """Tallies of uses and budgets of every offer that could apply to the cart, in order of id, to lock beforehand.

    It covers `price` of the same cart with any further offers in `without`, however often it is priced again.
    """
    if not book.offers or not compile_book(book).counted:
        return ()
    tallies: set[UUID] = set()
    for meeting in meet(cart, book, shopper, now):
        offer = meeting.rule.offer
        if offer.uses is not None:
            tallies.add(offer.uses)
        if offer.budget:
            tallies.add(budget_tally(offer.id, cart.currency))
    return tuple(sorted(tallies))


def buyer_caps(cart: PriceCart, book: Book, shopper: Shopper, now: datetime) -> tuple[Cap, ...]:
    """What is counted by buyer in everything that could apply to the cart; covers as much as `book_tallies`."""
    if not counts(book):
        return ()
    caps: list[Cap] = []
    if book.offers and compile_book(book).has_scarce:
        for meeting in meet(cart, book, shopper, now):
            caps.extend(_caps(meeting.rule.offer))
    caps.extend(Cap(met.limit.id, UNITS, met.most) for met in limits_met(cart, book, now))
    return tuple(caps)


def shares_asked(offers: Iterable[Offer], buyers: Sequence[UUID]) -> Demand:
    """What one unit more of each of these offers would take of its buyer's shares."""
    return Demand(
        tuple(
            Want(buyer_tally(id, counted, buyer), 1, id, Scarce.BUYER, most)
            for offer in offers
            for id, counted, most in _caps(offer)
            for buyer in buyers
        )
    )


def units_left(offers: Iterable[Offer], buyers: Sequence[UUID], free: Mapping[UUID, int]) -> dict[UUID, int]:
    """Of each of these offers, how many units its buyer may still have at its price, by what is free of each tally of
    `shares_asked`; none where the buyer has used it in as many orders as allowed. Offers without a share in units are
    left out."""
    left: dict[UUID, int] = {}
    for offer in offers:
        if offer.per_buyer is None or offer.per_buyer.units is None:
            continue
        least = {
            cap.counted: min(free[buyer_tally(cap.offer, cap.counted, one)] for one in buyers) for cap in _caps(offer)
        }
        left[offer.id] = max(0, least[UNITS]) if least.get(USES, 1) > 0 else 0
    return left


def limits_met(cart: PriceCart, book: Book, now: datetime) -> list[Met]:
    """The purchase limits that are live and accept some of the lines."""
    if not book.limits:
        return []
    compiled = compile_book(book)
    found = {limit.id: limit for line in cart.lines for limit in compiled.limits_for(line)}
    met: list[Met] = []
    for limit in found.values():
        live = limit.starts_at <= now < limit.ends_at and open_at(limit.condition, now)
        if live and isinstance(limit.effect, PurchaseLimit):
            lines = [line for line in cart.lines if _accepts(limit, line)]
            if lines:
                units = sum(line.quantity for line in lines)
                met.append(Met(limit, tuple(line.id for line in lines), units, limit.effect.units))
    return met


def _accepts(limit: Offer, line: PriceLine) -> bool:
    owners, excluded = owners_of(limit), limit.condition.excluded
    if owners is not None and line.merchant not in owners:
        return False
    return lines_of(limit.condition.goods).accept(line) and not (excluded and lines_of(excluded).name(line))


def _caps(offer: Offer) -> list[Cap]:
    if offer.per_buyer is None:
        return []
    pairs = ((USES, offer.per_buyer.uses), (UNITS, offer.per_buyer.units))
    return [Cap(offer.id, counted, most) for counted, most in pairs if most is not None]


def _units(quote: Quote, offer: UUID) -> int:
    """Units of the lines that the offer took something off."""
    return sum(line.quantity for line in quote.lines if any(share.offer == offer for share in line.shares))
