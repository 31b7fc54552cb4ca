"""Offers and the book that lists them: immutable, so that an old order can be priced again."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import derive

from .conditions import Condition
from .conditions import boundaries as boundaries_of
from .effects import Bundle, Effect, PurchaseLimit

OPERATOR = UUID(int=0)
"""The market itself, where an agreement names funders."""


class BuyerCap(msgspec.Struct, frozen=True, gc=False):
    """What one buyer may have of an offer: so many orders with it, so many units with it. An order whose lines with the
    offer come to more units goes without it altogether."""

    uses: int | None = None
    units: int | None = None


class Funding(msgspec.Struct, frozen=True, gc=False):
    """Who pays which part of everything that an offer takes off; None is the operator."""

    funder: UUID | None
    basis_points: int


class Offer(msgspec.Struct, frozen=True, gc=False):
    """An immutable revision of an offer, live in [starts_at, ends_at).

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
    max_uses: int | None = None
    """How many orders may have the offer; publishing it opens the tally `uses_tally(id)` with that capacity."""
    per_buyer: BuyerCap | None = None
    """Fixed by the first revision: what buyers have had is counted against it."""
    budget: dict[str, int] = {}
    """What it may take off all orders together, in minor units per currency. With a budget in some currencies the offer
    applies only in these; publishing it opens the tallies `budget_tally(id, currency)`."""

    most: dict[str, int] = {}
    """What it takes off one order at most, per currency. With a cap in some currencies it applies only in these."""
    compulsory: bool = False
    """Applies wherever its conditions hold, even where the cart would be cheaper without it."""
    combines: frozenset[UUID] | None = None
    """Whose offers may take something off the same goods as this (OPERATOR for the market's); None: everybody's."""
    not_with: frozenset[UUID] = frozenset()
    """Offers that do not apply together with this one."""
    funding: tuple[Funding, ...] = ()
    """Who pays, where several do; the basis points come to 10000, and `funder` is one of them."""

    @property
    def is_limit(self) -> bool:
        return isinstance(self.effect, PurchaseLimit)


class Book(msgspec.Struct, frozen=True):
    """All offers as of a number in their sequence; `limits` are those that take nothing off (PurchaseLimit)."""

    number: int
    offers: tuple[Offer, ...] = ()
    limits: tuple[Offer, ...] = ()


def book_of(number: int, offers: Iterable[Offer]) -> Book:
    """The book of these offers, in order of id."""
    ordered = sorted(offers, key=lambda offer: offer.id)
    return Book(
        number,
        tuple(offer for offer in ordered if not offer.is_limit),
        tuple(offer for offer in ordered if offer.is_limit),
    )


def uses_tally(offer: UUID) -> UUID:
    """The tally that counts an offer's uses when `max_uses` is given."""
    return derive("offer_uses", offer)


def budget_tally(offer: UUID, currency: str) -> UUID:
    """The tally of what an offer may still take off, in minor units of that currency."""
    return derive("offer_budget", offer, currency)


def buyer_tally(offer: UUID, counted: str, buyer: UUID) -> UUID:
    """The tally of what one buyer may still have of an offer; `counted` is uses or units."""
    return derive("buyer_limit", offer, counted, buyer)


def plain_code(code: str) -> str:
    """A code as it is compared: without case and outer spaces."""
    return code.strip().casefold()


def boundaries(offer: Offer) -> list[datetime]:
    """Every instant at which the offer begins or ceases to hold, in order: its ends and those of its hours."""
    return boundaries_of(offer.starts_at, offer.ends_at, offer.condition.hours)


def merchants_of(offer: Offer) -> frozenset[UUID]:
    """The merchants who pay for it."""
    return frozenset(one for one in (offer.funder, *(one.funder for one in offer.funding)) if one is not None)


def is_joint(offer: Offer) -> bool:
    """Whether several merchants pay for it, one of them for the other's goods: that takes the word of each."""
    return len(merchants_of(offer)) > 1


def brought_together(offer: Offer) -> frozenset[UUID]:
    """Merchants whose goods are certainly in every cart to which it applies: each part of a bundle and each companion
    that is one merchant's alone, and the lines that qualify where they are."""
    goods = [one.goods for one in offer.condition.alongside]
    goods += (
        [part.goods for part in offer.effect.parts] if isinstance(offer.effect, Bundle) else [offer.condition.goods]
    )
    return frozenset(next(iter(one.merchants)) for one in goods if len(one.merchants) == 1)


def owners_of(offer: Offer) -> frozenset[UUID] | None:
    """The merchants whose lines alone it may touch, for they pay for it or share it; None: anybody's."""
    if not offer.funding:
        return None if offer.funder is None else frozenset({offer.funder})
    return merchants_of(offer) or None
