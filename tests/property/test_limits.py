"""Limits and budgets as rules: whatever is bought in whatever order, no cap is passed, and nobody is refused for
nothing; told for the pure parts, with a ledger in memory."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightmarket.promotions.contract import (
    AmountOff,
    Book,
    BuyerCap,
    Condition,
    Demand,
    Effect,
    FreeShipping,
    Offer,
    PercentOff,
    PriceCart,
    PriceLine,
    PurchaseLimit,
    Scarce,
    ShippingLine,
    Shopper,
    book_of,
    book_tallies,
    budget_tally,
    buyer_caps,
    buyer_tally,
    counts,
    demand,
    explain,
    limits_met,
    price,
)
from nightmarket.promotions.model.rules import flaws
from nightmarket.tally.contract import ClaimRequest, Grant, Ledger, Part, SlicesShort
from nightmarket.tally.model import Slice

NOW = datetime(2026, 11, 27, tzinfo=UTC)
SHOPPER = Shopper()
MERCHANT = UUID(int=77)
SLICES = 4


def offer(number: int, effect: Effect, **words: Any) -> Offer:
    """An offer that is live."""
    begins, ends = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
    return Offer(UUID(int=number), 1, {"en": f"Offer {number}"}, effect, begins, ends, **words)


def cart(*lines: tuple[int, int, int]) -> PriceCart:
    """Lines of (variant, quantity, price), with one delivery."""
    return PriceCart(
        "EUR",
        tuple(
            PriceLine(f"li_{n}", UUID(int=variant), UUID(int=variant), MERCHANT, "lamps", "x", quantity, amount)
            for n, (variant, quantity, amount) in enumerate(lines)
        ),
        (ShippingLine(MERCHANT, "standard", 490),) if lines else (),
    )


LINES = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 5_000)),
    min_size=1,
    max_size=3,
    unique_by=lambda x: x[0],
)
EFFECTS = st.one_of(
    st.builds(PercentOff, st.integers(1, 10_000)),
    st.builds(AmountOff, st.fixed_dictionaries({"EUR": st.integers(1, 3_000)})),
)
CAPS = st.one_of(
    st.none(),
    st.builds(BuyerCap, st.one_of(st.none(), st.integers(1, 3)), st.integers(1, 5)),
    st.just(BuyerCap(uses=1)),
)


@st.composite
def books(draw: st.DrawFn) -> Book:
    offers: list[Offer] = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        if draw(st.integers(0, 3)) == 0:
            variants = draw(st.frozensets(st.builds(lambda n: UUID(int=n), st.integers(1, 4)), max_size=2))
            effect = PurchaseLimit(draw(st.integers(1, 5)))
            offers.append(offer(number, effect, condition=Condition(variants=variants)))
            continue
        budget = draw(st.sampled_from([{}, {"EUR": 700}, {"EUR": 2_500}]))
        exclusive = draw(st.sampled_from([None, "one"]))
        offers.append(offer(number, draw(EFFECTS), budget=budget, per_buyer=draw(CAPS), exclusive=exclusive))
    return book_of(1, offers)


class Shop:
    """Orders placed one after another against tallies in memory, as a batch places them."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.capacity: dict[UUID, int] = {
            budget_tally(one.id, code): amount for one in book.offers for code, amount in one.budget.items()
        }
        self.taken: dict[UUID, int] = {}
        self.slices: dict[UUID, list[Slice]] = {}

    def order(self, wanted: PriceCart, buyers: tuple[UUID, ...]) -> tuple[str, int]:
        """The outcome and the total: placed, limit or identity."""
        for cap in buyer_caps(wanted, self.book, SHOPPER, NOW):
            for buyer in buyers:
                self.capacity.setdefault(buyer_tally(cap.offer, cap.counted, buyer), cap.most)
        known = {*book_tallies(wanted, self.book, SHOPPER, NOW), *self.capacity}
        while True:
            quote = price(wanted, self.book, SHOPPER, NOW)
            wants = demand(quote, wanted, self.book, NOW, buyers)
            assert {want.tally for want in wants.wants} <= known
            if wants.by_buyer and not buyers:
                return "identity", quote.total
            short = self.claim(wants)
            if not short:
                return "placed", quote.total
            refused = {want.offer: want.why for want in wants.wants if want.tally in short}
            if Scarce.LIMIT in refused.values():
                return "limit", quote.total
            wanted = msgspec.structs.replace(wanted, without=wanted.without | refused.keys())

    def claim(self, wants: Demand) -> set[UUID]:
        if not wants.wants:
            return set()
        ledger = Ledger(self._rows(wants), {want.tally: SLICES for want in wants.wants}, worker=len(self.taken))
        parts = tuple(Part(want.tally, want.quantity) for want in wants.wants)
        result = ledger.claim(ClaimRequest(UUID(int=1), parts, NOW))
        if not isinstance(result, Grant):
            return set(result.short)
        for part in result.parts:
            self.taken[part.tally] = self.taken.get(part.tally, 0) + part.quantity
        return set()

    def _rows(self, wants: Demand) -> list[Slice]:
        for want in wants.wants:
            if want.tally not in self.slices:
                each, rest = divmod(self.capacity[want.tally], SLICES)
                self.slices[want.tally] = [
                    Slice(want.tally, number, capacity=each + (number < rest), held=0, spent=0)
                    for number in range(SLICES)
                ]
        return [row for tally in {want.tally for want in wants.wants} for row in self.slices[tally]]


@given(books(), st.lists(st.tuples(LINES, st.integers(0, 3)), min_size=1, max_size=8))
def test_no_cap_is_passed_and_nobody_is_refused_for_nothing(
    book: Book, orders: list[tuple[list[tuple[int, int, int]], int]]
) -> None:
    """After any orders: no tally gave more than it had; a refused order's limit had too little left; what an offer gave
    is what its budget counts."""
    shop = Shop(book)
    for lines, person in orders:
        buyers = (UUID(int=900 + person), UUID(int=950 + person)) if person else ()
        before = dict(shop.taken)
        outcome, _ = shop.order(cart(*lines), buyers)
        if outcome == "placed":
            continue
        assert shop.taken == before, "a refused order took something"
        met = limits_met(cart(*lines), book, NOW)
        if outcome == "limit":
            assert any(
                shop.taken.get(buyer_tally(one.limit.id, "units", key), 0) + one.units > one.most
                for one in met
                for key in buyers[:1]
            )
        else:
            assert met or any(one.per_buyer for one in book.offers)
    assert all(taken <= shop.capacity[tally] for tally, taken in shop.taken.items())


@given(books(), LINES)
def test_what_is_scarce_is_never_in_the_price_beyond_its_units(book: Book, lines: list[tuple[int, int, int]]) -> None:
    """An offer for so many units per buyer is in no price of a cart with more, and `explain` says so."""
    wanted = cart(*lines)
    quote = price(wanted, book, SHOPPER, NOW)
    units = sum(quantity for _, quantity, _ in lines)
    told = {note.offer: note.reason for note in explain(wanted, quote, book, SHOPPER, NOW).notes}
    assert set(told) == {one.id for one in book.offers}
    for one in book.offers:
        if one.per_buyer is not None and one.per_buyer.units is not None and units > one.per_buyer.units:
            assert told[one.id] == "over_buyer_limit"


@given(books(), LINES)
def test_a_book_without_anything_scarce_asks_for_nothing(book: Book, lines: list[tuple[int, int, int]]) -> None:
    """Orders without limits and budgets pay nothing for them."""
    plain = book_of(1, [msgspec.structs.replace(one, budget={}, per_buyer=None) for one in book.offers])
    wanted = cart(*lines)
    assert not counts(plain)
    assert demand(price(wanted, plain, SHOPPER, NOW), wanted, plain, NOW, ()) == Demand()
    assert buyer_caps(wanted, plain, SHOPPER, NOW) == ()
    assert book_tallies(wanted, plain, SHOPPER, NOW) == ()


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("per_buyer", offer(1, PercentOff(100), per_buyer=BuyerCap())),
        ("per_buyer.uses", offer(1, PercentOff(100), per_buyer=BuyerCap(uses=0))),
        ("per_buyer.units", offer(1, FreeShipping(), per_buyer=BuyerCap(units=2))),
        ("budget.EUR", offer(1, PercentOff(100), budget={"EUR": 0})),
        ("budget.EUR", offer(1, PercentOff(100), budget={"EUR": 10**13})),
        ("budget", offer(1, PercentOff(100), budget={"XQQ": 100})),
        ("effect.units", offer(1, PurchaseLimit(0))),
        ("code", offer(1, PurchaseLimit(2), code="NIGHT")),
        ("budget", offer(1, PurchaseLimit(2), budget={"EUR": 100})),
        ("condition.at_least", offer(1, PurchaseLimit(2), condition=Condition(at_least={"EUR": 1}))),
    ],
)
def test_what_makes_no_sense_is_refused(field: str, bad: Offer) -> None:
    """Limits and budgets have bounds, and a purchase limit has nothing of a discount."""
    assert field in {flaw.field for flaw in flaws(bad)}


def test_short_slices_are_told_apart_from_none() -> None:
    """A budget whose own slice is short is decided with all slices, not refused."""
    tally = UUID(int=5)
    ledger = Ledger([Slice(tally, 0, capacity=3, held=0, spent=0)], {tally: SLICES}, worker=0)
    with pytest.raises(SlicesShort):
        ledger.claim(ClaimRequest(UUID(int=1), (Part(tally, 5),), NOW))
