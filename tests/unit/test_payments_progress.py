"""The moves of a payment: the table, and what each piece of news makes of it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from nightmarket.kernel.problems import Defect
from nightmarket.payments import model
from nightmarket.payments.contract import PaymentState
from nightmarket.payments.model import News, Payment

AT = datetime(2026, 11, 11, tzinfo=UTC)
LATER = AT + timedelta(minutes=1)


def payment(state: PaymentState = PaymentState.AUTHORISED, **changes: object) -> Payment:
    """A payment of 1,000 in that state."""
    amounts = {
        PaymentState.REFUND_DUE: {"owed": 1_000},
        PaymentState.REFUNDED: {"owed": 1_000, "refunded": 1_000},
        PaymentState.VOID_DUE: {"owed": 1_000},
    }.get(state, {})
    plain = Payment(
        id=UUID(int=1),
        order=UUID(int=2),
        provider="testpay",
        reference="tp_1",
        key="1",
        state=state,
        amount=1_000,
        currency="EUR",
        owed=0,
        refunded=0,
        refunding=0,
        decline_code=None,
        at=AT,
        due_at=AT if state in model.WORK else None,
        tries=3,
    )
    return msgspec.structs.replace(plain, **{**amounts, **changes})


def news_of(before: Payment, news: News) -> Payment:
    """The payment after all of it was owed, captured, voided or refunded."""
    match news:
        case News.OWED:
            return model.owe(before, before.amount, LATER)
        case News.CAPTURED:
            return model.captured(before, LATER)
        case News.VOIDED:
            return model.voided(before, LATER)
        case News.TAKEN:
            return model.take(before, before.amount, LATER)
        case News.REFUNDED:
            return model.refunded(before, before.amount, LATER)


@pytest.mark.parametrize("news", News)
@pytest.mark.parametrize("state", PaymentState)
def test_news_moves_a_payment_as_the_table_says_or_is_a_defect(state: PaymentState, news: News) -> None:
    """Every pair of state and news is either in the table or refused, and nothing else happens."""
    before = payment(state)
    if not model.may(state, news):
        with pytest.raises(Defect):
            news_of(before, news)
        return
    after = news_of(before, news)
    assert after.state in model.MOVES[state, news]
    assert (after.due_at is not None) == (after.state in model.WORK)


@pytest.mark.parametrize("state", [PaymentState.DECLINED, PaymentState.VOIDED, PaymentState.REFUNDED])
def test_an_ended_payment_stays_ended(state: PaymentState) -> None:
    """No news leads out of the three ends."""
    assert all(model.MOVES[before, news] == {state} for before, news in model.MOVES if before is state)


def test_a_captured_payment_is_never_voided_nor_a_voided_one_captured() -> None:
    """Money that was taken goes back by refund only; what was given up is not taken."""
    assert not model.may(PaymentState.CAPTURED, News.VOIDED)
    assert not model.may(PaymentState.REFUND_DUE, News.VOIDED)
    assert not model.may(PaymentState.VOIDED, News.CAPTURED)


def test_a_part_that_is_owed_before_capture_is_refunded_after_it() -> None:
    """The capture keeps its amount, so that asking again asks the same."""
    owing = model.owe(payment(), 300, LATER)
    assert (owing.state, owing.owed, owing.due_at) == (PaymentState.AUTHORISED, 300, AT)
    taken = model.captured(owing, LATER)
    assert (taken.state, taken.due_at, taken.tries) == (PaymentState.REFUND_DUE, LATER, 0)
    back = model.refunded(msgspec.structs.replace(taken, refunding=300), 300, LATER)
    assert (back.state, back.refunded, back.due_at) == (PaymentState.CAPTURED, 300, None)


def test_owing_more_than_the_payment_owes_the_payment() -> None:
    """Repeating a give-back changes nothing beyond the amount paid."""
    once = model.owe(payment(PaymentState.CAPTURED), 800, LATER)
    twice = model.owe(once, 800, LATER)
    assert (once.owed, twice.owed) == (800, 1_000)
    assert model.owe(twice, 800, LATER) is twice


def test_what_is_owed_is_never_negative() -> None:
    """A negative give-back is a fault of the caller."""
    with pytest.raises(Defect):
        model.owe(payment(), -1, LATER)


def test_a_total_below_the_refund_under_way_waits() -> None:
    """A refund at the provider's own desk does not change the amount of the question that is being asked."""
    asking = payment(PaymentState.REFUND_DUE, owed=500, refunding=500)
    assert model.refunded(asking, 100, LATER).refunded == 0
    assert model.refunded(asking, 600, LATER).refunded == 600


def test_an_older_total_changes_nothing() -> None:
    """Refunds reported out of order end at the largest total."""
    newer = model.refunded(payment(PaymentState.CAPTURED), 700, LATER)
    assert model.refunded(newer, 300, LATER) == newer


def test_more_than_the_payment_is_never_refunded() -> None:
    """A total above the amount is a defect."""
    with pytest.raises(Defect):
        model.refunded(payment(PaymentState.CAPTURED), 1_001, LATER)
