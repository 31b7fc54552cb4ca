"""News of a payment in any order, any number of times, ends in one state."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from nightmarket.payments import model
from nightmarket.payments.contract import PaymentState
from nightmarket.payments.model import Payment

AT = datetime(2026, 11, 11, tzinfo=UTC)
AMOUNT = 1_000
FRESH = Payment(
    id=UUID(int=1),
    order=UUID(int=2),
    provider="testpay",
    reference="tp_1",
    key="1",
    state=PaymentState.AUTHORISED,
    amount=AMOUNT,
    currency="EUR",
    owed=0,
    refunded=0,
    refunding=0,
    decline_code=None,
    at=AT,
    due_at=AT,
    tries=0,
)


def check(payment: Payment) -> None:
    """What holds for every payment."""
    assert 0 <= payment.refunded <= payment.owed <= payment.amount
    assert payment.took_money or not payment.refunded
    assert (payment.state is PaymentState.REFUNDED) == (payment.refunded == payment.amount)
    assert (payment.state is PaymentState.REFUND_DUE) == (payment.took_money and payment.owed > payment.refunded)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """What truly happened at a provider: the growing totals of refunds after the capture (0), and the order in which
    we hear of it, with repeats."""
    totals = sorted(draw(st.sets(st.integers(1, AMOUNT), max_size=4)))
    heard = draw(st.permutations([0, *totals] * draw(st.integers(1, 3))))
    return totals, heard


@given(histories())
def test_news_in_any_order_ends_where_the_provider_stands(history: tuple[list[int], list[int]]) -> None:
    """Captured, and refunded up to the largest total, whatever came late, twice or first."""
    totals, heard = history
    payment = FRESH
    for total in heard:
        before = payment
        payment = model.refunded(payment, total, AT) if total else model.captured(payment, AT)
        check(payment)
        assert payment.refunded >= before.refunded
    last = max(totals, default=0)
    assert payment.refunded == last
    assert payment.state is (PaymentState.REFUNDED if last == AMOUNT else PaymentState.CAPTURED)


@given(st.lists(st.integers(0, AMOUNT), max_size=6), st.integers(0, 6))
def test_what_is_owed_adds_up_and_stops_at_the_amount(amounts: list[int], captured_after: int) -> None:
    """Owing in parts around the capture owes the sum, at most all; all before the capture is a void."""
    payment = FRESH
    for place, amount in enumerate(amounts):
        if place == captured_after:
            payment = model.captured(payment, AT)
        payment = model.owe(payment, amount, AT)
        check(payment)
    assert payment.owed == min(AMOUNT, sum(amounts))
    if captured_after >= len(amounts):
        assert payment.state is (PaymentState.VOID_DUE if payment.owed == AMOUNT else PaymentState.AUTHORISED)


@given(st.integers(1, AMOUNT), st.integers(1, AMOUNT))
def test_a_refund_that_is_asked_for_ends_at_its_own_total(first: int, second: int) -> None:
    """What is owed while a refund is under way is asked for by the next one, so that no question changes its amount."""
    payment = model.owe(model.captured(FRESH, AT), first, AT)
    payment = msgspec.structs.replace(payment, refunding=payment.owed)
    payment = model.owe(payment, second, AT)
    payment = model.refunded(payment, payment.refunding, AT)
    check(payment)
    assert payment.refunded == first
    assert payment.owed - payment.refunded == min(AMOUNT, first + second) - first
