"""What a sale posts."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from nightmarket.kernel.ids import derive
from nightmarket.kernel.problems import Defect
from nightmarket.payments.contract import Account, Leg, Sale, SalePart, sale_paid, sale_placed, sale_refunded
from nightmarket.payments.model import NOBODY, refund_part, sale_withdrawn

AT = datetime(2026, 11, 11, tzinfo=UTC)
ORDER, CLAIM, TEA, LAMPS = (UUID(int=number) for number in (7, 8, 100, 50))
SALE = Sale(ORDER, CLAIM, "EUR", (SalePart(TEA, 3_000, by_operator=500), SalePart(LAMPS, 2_000)))


def test_placing_debits_buyer_and_operator_and_credits_each_merchant() -> None:
    """What the buyer owes and the operator pays is what the merchants are owed, legs by account and party."""
    posting = sale_placed(SALE, AT)
    assert posting.legs == (
        Leg(Account.BUYER, ORDER, 4_500),
        Leg(Account.MERCHANT, LAMPS, -2_000),
        Leg(Account.MERCHANT, TEA, -3_000),
        Leg(Account.PROMOTION, NOBODY, 500),
    )
    assert (posting.about, posting.kind, posting.currency, posting.at) == (ORDER, "placed", "EUR", AT)


def test_paying_moves_the_debt_to_the_provider() -> None:
    """Once paid, the buyer owes nothing and the provider holds the money."""
    assert sale_paid(SALE, AT).legs == (Leg(Account.BUYER, ORDER, -4_500), Leg(Account.PROVIDER, NOBODY, 4_500))


def test_refunding_takes_placed_and_paid_back_at_once() -> None:
    """The buyer's account, in which both cancel out, is not touched."""
    assert sale_refunded(SALE, AT).legs == (
        Leg(Account.MERCHANT, LAMPS, 2_000),
        Leg(Account.MERCHANT, TEA, 3_000),
        Leg(Account.PROMOTION, NOBODY, -500),
        Leg(Account.PROVIDER, NOBODY, -4_500),
    )


def test_a_part_goes_back_once_per_refund() -> None:
    """A partial refund is named by its own id, so that two refunds of one order are two postings."""
    part = Sale(ORDER, CLAIM, "EUR", (SalePart(TEA, 1_000, by_operator=100),))
    refund = UUID(int=9)
    posting = refund_part(part, refund, AT)
    assert posting.id == derive("posting", refund, "refunded_part")
    assert posting.legs == (
        Leg(Account.MERCHANT, TEA, 1_000),
        Leg(Account.PROMOTION, NOBODY, -100),
        Leg(Account.PROVIDER, NOBODY, -900),
    )


@pytest.mark.parametrize(
    ("posting", "kind"),
    [
        (sale_placed(SALE, AT), "placed"),
        (sale_paid(SALE, AT), "paid"),
        (sale_withdrawn(SALE, AT), "withdrawn"),
        (sale_refunded(SALE, AT), "refunded"),
    ],
)
def test_the_id_follows_from_attempt_and_kind(posting: object, kind: str) -> None:
    """Every attempt posts each kind once, whoever makes the posting."""
    assert getattr(posting, "id") == derive("posting", CLAIM, kind)  # noqa: B009
    assert getattr(posting, "kind") == kind  # noqa: B009


def test_a_free_order_has_no_legs_that_are_zero() -> None:
    """Where the operator pays all, nothing is owed by the buyer, and paying posts nothing."""
    free = Sale(ORDER, CLAIM, "EUR", (SalePart(TEA, 1_000, by_operator=1_000), SalePart(LAMPS, 0)))
    assert sale_placed(free, AT).legs == (Leg(Account.MERCHANT, TEA, -1_000), Leg(Account.PROMOTION, NOBODY, 1_000))
    assert sale_paid(free, AT).legs == ()


def test_a_merchant_that_comes_twice_gets_one_leg() -> None:
    """Two parts of one merchant are one credit."""
    twice = Sale(ORDER, CLAIM, "EUR", (SalePart(TEA, 1_000), SalePart(TEA, 500)))
    assert sale_placed(twice, AT).legs == (Leg(Account.BUYER, ORDER, 1_500), Leg(Account.MERCHANT, TEA, -1_500))


@pytest.mark.parametrize("part", [SalePart(TEA, -1), SalePart(TEA, 100, -1), SalePart(TEA, 100, 101)])
def test_impossible_parts_are_defects(part: SalePart) -> None:
    """Negative amounts, and discounts above the price, never reach the journal."""
    with pytest.raises(Defect):
        sale_placed(Sale(ORDER, CLAIM, "EUR", (part,)), AT)
