"""A presale: a deposit now, the balance in its window, the best price guaranteed. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import decode, derive, encode
from nightmarket.kernel.money import known_currency
from nightmarket.kernel.problems import InvalidInput

from .conditions import Condition
from .effects import FixedPrice
from .flaws import Flaw
from .offers import BuyerCap, Offer

PRESALE, BOOKING = "pre", "bkg"
"""Prefixes of the ids outside."""

WORD = "presale:"
MAX_UNITS = 5_000
LONGEST = timedelta(days=180)
PAY_WITHIN = timedelta(minutes=15)
"""How long a place is held for a deposit whose payment is under way."""
ASK_AFTER = timedelta(seconds=30)
"""When a deposit's payment is not known by then, its provider is asked, this often."""
GRACE = timedelta(minutes=2)
"""After the balance window nothing is decided for so long: an order that was under way has come in by then."""
NAME = {"en": "Presale", "de": "Vorverkauf", "it": "Prevendita", "zh": "预售"}


class UnpaidRule(StrEnum):
    """What becomes of the deposit where the balance is not paid."""

    BACK = "back"
    KEPT = "kept"
    PART = "part"


class PresaleState(StrEnum):
    """proposed -> approved -> over; or declined."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    DECLINED = "declined"
    OVER = "over"


class BookingState(StrEnum):
    """claimed (its deposit is being paid) -> held -> paid (by an order) -> returned (the order was cancelled);
    held -> unpaid; claimed -> refused (no deposit came)."""

    CLAIMED = "claimed"
    HELD = "held"
    REFUSED = "refused"
    PAID = "paid"
    UNPAID = "unpaid"
    RETURNED = "returned"


STANDING = frozenset({BookingState.CLAIMED, BookingState.HELD, BookingState.PAID})


class PresaleTerms(msgspec.Struct, frozen=True):
    """What a merchant offers. Amounts in minor units: the deposit takes `counts_for` off `price`. With the rule PART,
    `part_back` of an unpaid booking's deposit goes back. The guarantee holds until `ends_at`, the festival's end."""

    merchant: UUID
    product: UUID
    variant: UUID
    currency: str
    price: int
    deposit: int
    counts_for: int
    units: int
    rule: UnpaidRule
    part_back: int
    opens_at: datetime
    closes_at: datetime
    balance_from: datetime
    balance_until: datetime
    ends_at: datetime

    @property
    def balance(self) -> int:
        """What is left to pay after the deposit."""
        return self.price - self.counts_for

    @property
    def in_all(self) -> int:
        """Deposit and balance together."""
        return self.balance + self.deposit


class Presale(msgspec.Struct, frozen=True):
    """A presale as it stands. `lots` are the tallies of stock with the units taken from each."""

    id: UUID
    terms: PresaleTerms
    state: PresaleState
    lots: tuple[tuple[UUID, int], ...]
    placed: int
    returned: int
    lowest: int | None
    made_at: datetime
    made_by: str
    reason: str = ""

    def takes_bookings(self, now: datetime) -> bool:
        return self.state is PresaleState.APPROVED and self.terms.opens_at <= now < self.terms.closes_at

    def takes_balances(self, now: datetime) -> bool:
        return self.state is PresaleState.APPROVED and self.terms.balance_from <= now < self.terms.balance_until


class Booking(msgspec.Struct, frozen=True):
    """A booking; `id` is also that of its deposit's payment. `place` is its number in the line, once it is paid. What
    the guarantee gives back comes out of the deposit first; `given_back` beyond the deposit came out of the order."""

    id: UUID
    presale: UUID
    account: UUID
    language: str
    handler: str
    state: BookingState
    place: int | None
    booked_at: datetime
    due_at: datetime | None
    order: UUID | None
    order_total: int | None
    given_back: int
    kept: int


def places_tally(presale: UUID) -> UUID:
    """The tally of the places in the line."""
    return derive("presale_places", presale)


def place_claim(booking: UUID) -> UUID:
    return derive("presale_place", booking)


def offer_id(presale: UUID) -> UUID:
    """The offer by which the balance is what it is. Its uses are the units that were put aside."""
    return derive("presale_offer", presale)


def entitlement_of(presale: UUID) -> str:
    """What those who booked are entitled to, while their balance is due."""
    return f"{WORD}{encode(PRESALE, presale)}"


def put_aside(entitlements: Iterable[str]) -> frozenset[UUID]:
    """Of a shopper's entitlements, the offers whose units are put aside: they come from the offer's own uses and not
    from what is sold to everybody."""
    found: set[UUID] = set()
    for word in entitlements:
        if word.startswith(WORD):
            try:
                found.add(offer_id(decode(PRESALE, word.removeprefix(WORD))))
            except InvalidInput:
                continue
    return frozenset(found)


def offer_of(presale: UUID, terms: PresaleTerms) -> Offer:
    """The balance as an ordinary offer: one piece, once a buyer, only for who is entitled, at the merchant's cost."""
    return Offer(
        id=offer_id(presale),
        revision=1,
        name=NAME,
        effect=FixedPrice({terms.currency: terms.balance}, pieces=1, times=1),
        starts_at=terms.balance_from,
        ends_at=terms.balance_until,
        condition=Condition(variants=frozenset({terms.variant}), needs=frozenset({entitlement_of(presale)})),
        funder=terms.merchant,
        max_uses=terms.units,
        per_buyer=BuyerCap(uses=1),
        compulsory=True,
    )


def back_when_unpaid(terms: PresaleTerms, lowest: int | None) -> int:
    """What of the deposit goes back where the balance was not paid. All of it, whatever the rule, where everybody could
    have the goods for the balance alone: nobody had a reason to pay it."""
    if terms.rule is UnpaidRule.BACK or (lowest is not None and lowest <= terms.balance):
        return terms.deposit
    return terms.part_back if terms.rule is UnpaidRule.PART else 0


def owed(terms: PresaleTerms, booking: Booking, lowest: int | None) -> int:
    """What the guarantee still owes: what was paid in all, less the lowest public price and what went back."""
    if lowest is None or booking.order_total is None or booking.state is not BookingState.PAID:
        return 0
    return max(0, terms.deposit + booking.order_total - booking.given_back - lowest)


def of_order(terms: PresaleTerms, given_back: int) -> int:
    """What of all that went back came out of the order, and not of the deposit."""
    return max(0, given_back - terms.deposit)


def spread_back(lots: Sequence[tuple[UUID, int]], before: int, units: int) -> list[tuple[UUID, int]]:
    """To which lots units go back, given how many went back before: each gets no more than was taken from it."""
    found: list[tuple[UUID, int]] = []
    skip = before
    for tally, taken in lots:
        room = max(0, taken - skip)
        skip = max(0, skip - taken)
        part = min(room, units)
        if part:
            found.append((tally, part))
            units -= part
    return found


def presale_flaws(terms: PresaleTerms, listed: int | None, now: datetime) -> list[Flaw]:
    """All that keeps it from being made; `listed` is what the goods cost now."""
    return [*_amounts(terms, listed), *_times(terms, now)]


def _amounts(terms: PresaleTerms, listed: int | None) -> Iterator[Flaw]:
    if not known_currency(terms.currency) or listed is None:
        yield Flaw("currency", "not_sold", "These goods are not for sale in this currency.")
    elif not 0 < terms.price <= listed:
        yield Flaw("price", "above_price", "The presale's price lies above nothing and is no more than the list price.")
    if terms.deposit <= 0:
        yield Flaw("deposit", "missing", "Write what is paid at the booking.")
    if terms.counts_for < terms.deposit:
        yield Flaw("counts_for", "too_small", "The deposit counts for at least what it is.")
    if terms.counts_for >= terms.price:
        yield Flaw("counts_for", "too_large", "The deposit counts for less than the price, so that a balance is left.")
    if terms.rule is UnpaidRule.PART and not 0 < terms.part_back < terms.deposit:
        yield Flaw("part_back", "out_of_range", "The part that goes back lies between nothing and the whole deposit.")
    if not 1 <= terms.units <= MAX_UNITS:
        yield Flaw("units", "out_of_range", "Put aside 1 to 5000 units.")


def _times(terms: PresaleTerms, now: datetime) -> Iterator[Flaw]:
    if terms.closes_at <= now:
        yield Flaw("closes_at", "past", "The booking ends in the past.")
    if terms.closes_at <= terms.opens_at:
        yield Flaw("closes_at", "before_start", "The booking ends before it starts.")
    if terms.balance_from < terms.closes_at:
        yield Flaw("balance_from", "too_early", "Balances are paid after the booking has ended.")
    if terms.balance_until <= terms.balance_from:
        yield Flaw("balance_until", "before_start", "The balance window ends before it starts.")
    if terms.ends_at < terms.balance_until:
        yield Flaw("balance_until", "after_festival", "The balance is due before the festival ends.")
    if terms.ends_at - now > LONGEST:
        yield Flaw("balance_until", "too_far", "A presale ends within 180 days.")
