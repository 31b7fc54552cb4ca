"""Offers and the book that lists them: immutable, so that an old order can be priced again."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import derive
from nightmarket.kernel.money import Rounding


class PercentOff(msgspec.Struct, frozen=True, tag="percent"):
    """Basis points off what is left of each line that qualifies, rounded once per line."""

    basis_points: int
    rounding: Rounding = Rounding.HALF_UP


class AmountOff(msgspec.Struct, frozen=True, tag="amount"):
    """Minor units off the qualifying lines together, per currency; never more than is left of them."""

    amounts: dict[str, int]


class FreeShipping(msgspec.Struct, frozen=True, tag="free_shipping"):
    """The chosen delivery of each merchant with qualifying lines costs nothing, up to a limit each, per currency.

    No limits at all: free in every currency. Some limits: only in the currencies that have one.
    """

    up_to: dict[str, int] = {}


class PurchaseLimit(msgspec.Struct, frozen=True, tag="limit"):
    """Takes nothing off: each buyer gets at most so many units of the lines that qualify, while it is live.

    Such offers are no part of prices; a book lists them apart, as `limits`.
    """

    units: int


Effect = PercentOff | AmountOff | FreeShipping | PurchaseLimit


class Condition(msgspec.Struct, frozen=True):
    """Which lines qualify (empty means any), and the least that they must come to, per currency.

    `at_least` is compared with the list price of the qualifying lines. With a minimum in some currencies the offer
    applies only in these.
    """

    merchants: frozenset[UUID] = frozenset()
    products: frozenset[UUID] = frozenset()
    variants: frozenset[UUID] = frozenset()
    categories: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    at_least: dict[str, int] = {}


class BuyerCap(msgspec.Struct, frozen=True):
    """What one buyer may have of an offer: so many orders with it, so many units with it. An order whose lines with the
    offer come to more units goes without it altogether."""

    uses: int | None = None
    units: int | None = None


class Offer(msgspec.Struct, frozen=True):
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
