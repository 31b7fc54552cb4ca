"""Double entry for all sales: postings sum to zero, and what is taken back is exactly what was booked."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from nightmarket.kernel.money import MAX_AMOUNT
from nightmarket.payments.contract import (
    Account,
    Posting,
    Sale,
    SalePart,
    amount_to_pay,
    refund_part,
    sale_paid,
    sale_placed,
    sale_refunded,
    sale_withdrawn,
)
from nightmarket.payments.model import NOBODY, balances

AT = datetime(2026, 11, 11, tzinfo=UTC)
uuids = st.uuids()
few_merchants = st.integers(1, 5).map(lambda number: UUID(int=number))


@st.composite
def parts(draw: st.DrawFn) -> SalePart:
    """A merchant's part; the operator pays none, some or all of it."""
    gross = draw(st.integers(0, 100_000) | st.integers(0, MAX_AMOUNT))
    return SalePart(draw(few_merchants), gross, draw(st.just(0) | st.just(gross) | st.integers(0, gross)))


sales = st.builds(
    Sale, uuids, uuids, st.sampled_from(["EUR", "JPY"]), st.lists(parts(), min_size=1, max_size=8).map(tuple)
)


def check(posting: Posting) -> None:
    """What holds for every posting."""
    assert sum(leg.amount for leg in posting.legs) == 0
    assert all(leg.amount for leg in posting.legs)
    places = [(leg.account, leg.party.int) for leg in posting.legs]
    assert places == sorted(set(places))


@given(sales)
def test_every_posting_sums_to_zero_with_sorted_legs_that_are_not_zero(sale: Sale) -> None:
    """Whatever is sold, by however many merchants."""
    for make in (sale_placed, sale_paid, sale_withdrawn, sale_refunded):
        posting = make(sale, AT)
        check(posting)
        assert posting.about == sale.order
    check(refund_part(sale, sale.claim, AT))


@given(sales)
def test_withdrawing_reverses_placing(sale: Sale) -> None:
    """After a decline, a lapse or an early cancellation nothing is left on any account."""
    assert balances([sale_placed(sale, AT), sale_withdrawn(sale, AT)]) == {}


@given(sales)
def test_refunding_reverses_placing_and_paying(sale: Sale) -> None:
    """After a refund nothing is left on any account."""
    assert balances([sale_placed(sale, AT), sale_paid(sale, AT), sale_refunded(sale, AT)]) == {}


@given(sales)
def test_a_paid_sale_leaves_the_money_with_the_provider(sale: Sale) -> None:
    """The buyer owes nothing, the provider holds what was paid, and the merchants are owed their gross."""
    left = balances([sale_placed(sale, AT), sale_paid(sale, AT)])
    assert (Account.BUYER, sale.order) not in left
    assert left.get((Account.PROVIDER, NOBODY), 0) == amount_to_pay(sale)
    owed = {
        merchant: sum(part.gross for part in sale.parts if part.merchant == merchant)
        for merchant in {part.merchant for part in sale.parts}
    }
    assert {merchant: left.get((Account.MERCHANT, merchant), 0) for merchant in owed} == {
        merchant: -amount for merchant, amount in owed.items()
    }


@given(sales, st.data())
def test_refunds_of_all_parts_are_the_refund_of_the_whole(sale: Sale, data: st.DataObject) -> None:
    """Parts may go back in any grouping; in the end nothing is left, and no two refunds share an id."""
    order = data.draw(st.permutations(sale.parts))
    cut = data.draw(st.integers(0, len(order)))
    refunds = [
        refund_part(Sale(sale.order, sale.claim, sale.currency, tuple(some)), UUID(int=number), AT)
        for number, some in enumerate((order[:cut], order[cut:]), 1)
    ]
    assert balances([sale_placed(sale, AT), sale_paid(sale, AT), *refunds]) == {}
    assert len({refund.id for refund in refunds}) == 2
