"""Past carts priced under the present book and under a draft, and what is different. Pure, and exact to the minor unit.

Every cart is priced at one instant by both books, with delivery as it was chosen. A merchant's income is what the lines
come to and what the market pays of their discounts; a cart counts as dearer or cheaper by all that its shopper pays.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from .asking import OffersById, with_changes
from .carts import PriceCart, Shopper
from .offers import Book, Offer, book_of
from .pricing import price, split_of
from .quotes import Quote

MAX_ROWS = 50
"""Merchants and carts that a report names; the sums are of all."""


class PastCart(msgspec.Struct, frozen=True):
    """What somebody bought once, at list prices."""

    id: str
    cart: PriceCart
    shopper: Shopper


class MoneySums(msgspec.Struct):
    """One currency, in minor units. Of goods whose cost is known: what they bring and what they cost. Of the list total
    shoppers pay a part, the market another with its offers, and the rest is what merchants do without."""

    currency: str
    carts: int = 0
    list_total: int = 0
    before: int = 0
    after: int = 0
    costed_before: int = 0
    costed_after: int = 0
    cost: int = 0
    market_before: int = 0
    market_after: int = 0

    @property
    def merchants_before(self) -> int:
        return self.list_total - self.before - self.market_before

    @property
    def merchants_after(self) -> int:
        return self.list_total - self.after - self.market_after


class OfferUse(msgspec.Struct):
    """An offer under the draft: in how many carts it applies and what it takes off; and under the present book."""

    offer: UUID
    name: dict[str, str]
    currency: str
    carts_before: int = 0
    before: int = 0
    carts_after: int = 0
    after: int = 0


class MerchantChange(msgspec.Struct):
    """A merchant's income under both; of goods whose cost is known: what they bring it, and what they cost it."""

    merchant: UUID
    currency: str
    before: int = 0
    after: int = 0
    costed_before: int = 0
    costed_after: int = 0
    cost: int = 0

    @property
    def change(self) -> int:
        return self.after - self.before


class CartChange(msgspec.Struct, frozen=True):
    """A cart whose price rises."""

    id: str
    currency: str
    before: int
    after: int


class SimulationReport(msgspec.Struct):
    """What the draft would have made of the past."""

    at: datetime
    book: int
    sums: list[MoneySums]
    offers: list[OfferUse]
    losing_merchants: int
    merchants: list[MerchantChange]
    """Those that lose most first, at most MAX_ROWS."""
    cheaper_carts: int
    dearer_carts: int
    dearer_shoppers: int
    dearest: list[CartChange]
    """The carts whose price rises most, at most MAX_ROWS."""


def draft_book(present: Book, draft: Sequence[Offer], at: datetime, *, alone: bool) -> Book:
    """The present book with the draft's offers in the place of those of the same id, or these `alone`; what the draft
    names holds at that instant whatever its own time."""
    changed = {offer.id: _live(offer, at) for offer in draft}
    if alone:
        return book_of(present.number + 1, changed.values())
    return with_changes(present, present.number + 1, changed)


def _live(offer: Offer, at: datetime) -> Offer:
    if offer.starts_at <= at < offer.ends_at:
        return offer
    return msgspec.structs.replace(offer, starts_at=at, ends_at=at + (offer.ends_at - offer.starts_at))


class Simulator:
    """Adds carts one after another, so that a year needs no more memory than a day."""

    def __init__(self, present: Book, draft: Book, at: datetime, costs: Mapping[UUID, Mapping[str, int]]) -> None:
        self._present, self._draft, self._at, self._costs = present, draft, at, costs
        self._offers = OffersById(present, draft)
        self._sums: dict[str, MoneySums] = {}
        self._uses: dict[tuple[UUID, str], OfferUse] = {}
        self._merchants: dict[tuple[UUID, str], MerchantChange] = {}
        self._dearest: list[CartChange] = []
        self._dearer, self._cheaper = 0, 0
        self._dearer_shoppers: set[UUID] = set()

    def add(self, carts: Iterable[PastCart]) -> None:
        """Price these too."""
        for one in carts:
            before = price(one.cart, self._present, one.shopper, self._at)
            after = price(one.cart, self._draft, one.shopper, self._at)
            self._count(one, before, after)

    def report(self) -> SimulationReport:
        """What is known so far. The same carts in another order give the same report."""
        merchants = sorted(self._merchants.values(), key=lambda row: (row.change, str(row.merchant), row.currency))
        return SimulationReport(
            at=self._at,
            book=self._present.number,
            sums=sorted(self._sums.values(), key=lambda row: row.currency),
            offers=sorted(self._uses.values(), key=lambda row: (-row.after, str(row.offer), row.currency)),
            losing_merchants=sum(1 for row in merchants if row.change < 0),
            merchants=merchants[:MAX_ROWS],
            cheaper_carts=self._cheaper,
            dearer_carts=self._dearer,
            dearer_shoppers=len(self._dearer_shoppers),
            dearest=_dearest(self._dearest),
        )

    def _count(self, one: PastCart, before: Quote, after: Quote) -> None:
        currency = one.cart.currency
        sums = self._sums.setdefault(currency, MoneySums(currency))
        sums.carts += 1
        sums.list_total += before.subtotal + sum(line.amount for line in before.shipping)
        sums.before += before.total
        sums.after += after.total
        sums.market_before += self._paid_by_market(before)
        sums.market_after += self._paid_by_market(after)
        for was, now in zip(before.lines, after.lines, strict=True):
            cost = self._costs.get(was.variant, {}).get(currency)
            if cost is not None:
                sums.costed_before += was.total
                sums.costed_after += now.total
                sums.cost += was.quantity * cost
        self._use(before, currency, is_draft=False)
        self._use(after, currency, is_draft=True)
        self._earn(before, currency, is_draft=False)
        self._earn(after, currency, is_draft=True)
        self._cheaper += after.total < before.total
        if after.total > before.total:
            self._dearer += 1
            if one.shopper.id is not None:
                self._dearer_shoppers.add(one.shopper.id)
            self._dearest.append(CartChange(one.id, currency, before.total, after.total))
            if len(self._dearest) > 2 * MAX_ROWS:
                self._dearest = _dearest(self._dearest)

    def _use(self, quote: Quote, currency: str, *, is_draft: bool) -> None:
        for applied in quote.applied:
            key = (applied.offer, currency)
            use = self._uses.get(key)
            if use is None:
                use = self._uses[key] = OfferUse(applied.offer, self._offers[applied.offer].name, currency)
            if is_draft:
                use.carts_after += 1
                use.after += applied.amount
            else:
                use.carts_before += 1
                use.before += applied.amount

    def _earn(self, quote: Quote, currency: str, *, is_draft: bool) -> None:
        for line in quote.lines:
            key = (line.merchant, currency)
            row = self._merchants.setdefault(key, MerchantChange(*key))
            income = line.total + sum(self._by_market(share.offer, share.amount) for share in line.shares)
            cost = self._costs.get(line.variant, {}).get(currency)
            known = 0 if cost is None else income
            if is_draft:
                row.after += income
                row.costed_after += known
                row.cost += line.quantity * (cost or 0)
            else:
                row.before += income
                row.costed_before += known

    def _paid_by_market(self, quote: Quote) -> int:
        """What the market pays of what comes off goods and deliveries."""
        shares = [share for part in (*quote.lines, *quote.shipping) for share in part.shares]
        return sum(self._by_market(share.offer, share.amount) for share in shares)

    def _by_market(self, offer: UUID, amount: int) -> int:
        """What of a share the market pays, and the merchant gets all the same."""
        found = self._offers[offer]
        if not found.funding:
            return amount if found.funder is None else 0
        parts = split_of(amount, [one.basis_points for one in found.funding])
        return sum(part for part, one in zip(parts, found.funding, strict=True) if one.funder is None)


def _dearest(carts: Iterable[CartChange]) -> list[CartChange]:
    return sorted(carts, key=lambda one: (one.before - one.after, one.currency, one.id))[:MAX_ROWS]
