"""A payment's way from reserved to given back: a table of moves, and what each piece of news makes of a payment. Pure.

News may come twice, late or in any order, from our own questions and from the provider's webhooks; each function only
ever moves a payment forward. A move that is not in the table is a Defect.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from nightmarket.kernel.problems import Defect


class PaymentState(StrEnum):
    """authorised -> captured -> (refund_due -> refunded); authorised -> void_due -> voided; declined.

    held -> authorised | void_due: reserved, and neither taken nor given up until somebody says so."""

    AUTHORISED = "authorised"
    CAPTURED = "captured"
    REFUND_DUE = "refund_due"
    REFUNDED = "refunded"
    VOID_DUE = "void_due"
    VOIDED = "voided"
    DECLINED = "declined"
    HELD = "held"


class News(StrEnum):
    """What can happen to a payment."""

    OWED = "owed"
    """We owe the buyer some or all of it."""
    CAPTURED = "captured"
    VOIDED = "voided"
    REFUNDED = "refunded"
    TAKEN = "taken"
    """What was held is to be captured."""


_AUTHORISED, _CAPTURED, _REFUND_DUE, _REFUNDED, _VOID_DUE, _VOIDED, _DECLINED, _HELD = PaymentState

MOVES: Mapping[tuple[PaymentState, News], frozenset[PaymentState]] = {
    (_AUTHORISED, News.OWED): frozenset({_AUTHORISED, _VOID_DUE}),
    (_AUTHORISED, News.CAPTURED): frozenset({_CAPTURED, _REFUND_DUE}),
    (_AUTHORISED, News.VOIDED): frozenset({_VOIDED}),
    (_AUTHORISED, News.REFUNDED): frozenset({_CAPTURED, _REFUND_DUE, _REFUNDED}),  # it overtook "captured"
    (_VOID_DUE, News.OWED): frozenset({_VOID_DUE}),
    (_VOID_DUE, News.CAPTURED): frozenset({_REFUND_DUE}),  # the capture was under way
    (_VOID_DUE, News.VOIDED): frozenset({_VOIDED}),
    (_VOID_DUE, News.REFUNDED): frozenset({_REFUND_DUE, _REFUNDED}),
    (_CAPTURED, News.OWED): frozenset({_REFUND_DUE}),
    (_CAPTURED, News.CAPTURED): frozenset({_CAPTURED}),
    (_CAPTURED, News.REFUNDED): frozenset({_CAPTURED, _REFUNDED}),
    (_REFUND_DUE, News.OWED): frozenset({_REFUND_DUE}),
    (_REFUND_DUE, News.CAPTURED): frozenset({_REFUND_DUE}),
    (_REFUND_DUE, News.REFUNDED): frozenset({_CAPTURED, _REFUND_DUE, _REFUNDED}),
    (_REFUNDED, News.OWED): frozenset({_REFUNDED}),
    (_REFUNDED, News.CAPTURED): frozenset({_REFUNDED}),
    (_REFUNDED, News.REFUNDED): frozenset({_REFUNDED}),
    (_HELD, News.TAKEN): frozenset({_AUTHORISED}),
    (_HELD, News.OWED): frozenset({_VOID_DUE}),
    (_HELD, News.VOIDED): frozenset({_VOIDED}),
    (_VOIDED, News.OWED): frozenset({_VOIDED}),
    (_VOIDED, News.VOIDED): frozenset({_VOIDED}),
}
"""Where news may lead from each state. What is missing is illegal: nothing moves a declined payment, a captured one is
never voided, a voided one never captured. `captured` after a partial refund means: the rest is still ours."""

WORK = frozenset({_AUTHORISED, _VOID_DUE, _REFUND_DUE})
"""States in which the provider has to be asked for something."""


class Payment(msgspec.Struct, frozen=True):
    """A stored payment. All amounts in minor units; `0 <= refunded <= owed <= amount` and `refunding <= owed`.

    `owed` is what the buyer is to get back in all, `refunded` what went back, `refunding` up to where the refund that
    is being asked for goes (fixed before the provider is asked, so that asking again asks for the same).
    """

    id: UUID
    order: UUID
    provider: str
    reference: str
    key: str
    state: PaymentState
    amount: int
    currency: str
    owed: int
    refunded: int
    refunding: int
    decline_code: str | None
    at: datetime
    due_at: datetime | None
    tries: int
    last_error: str | None = None

    @property
    def took_money(self) -> bool:
        """Whether the provider took the money at some time."""
        return self.state in {_CAPTURED, _REFUND_DUE, _REFUNDED}


def may(state: PaymentState, news: News) -> bool:
    """Whether that news makes sense in that state at all."""
    return (state, news) in MOVES


def owe(payment: Payment, amount: int, at: datetime) -> Payment:
    """Owe the buyer `amount` more of this payment, never more than all of it."""
    if amount < 0:
        raise Defect(f"payment {payment.id} cannot owe {amount}")
    owed = min(payment.amount, payment.owed + amount)
    if owed == payment.owed and payment.state is not PaymentState.DECLINED:
        return payment
    state = payment.state
    if state is PaymentState.HELD:
        if owed != payment.amount:
            raise Defect(f"payment {payment.id} is held; take less of it, or give up all of it")
        state = PaymentState.VOID_DUE
    elif state is PaymentState.AUTHORISED:
        state = PaymentState.VOID_DUE if owed == payment.amount else state
    elif state is PaymentState.CAPTURED:
        state = PaymentState.REFUND_DUE
    return _move(payment, News.OWED, state, at, owed=owed)


def take(payment: Payment, amount: int, at: datetime) -> Payment:
    """Have so much of what is held captured; the provider releases the rest of the reservation with that."""
    if not 0 < amount <= payment.amount:
        raise Defect(f"payment {payment.id} holds {payment.amount}, so {amount} of it cannot be taken")
    return _move(payment, News.TAKEN, PaymentState.AUTHORISED, at, amount=amount)


def captured(payment: Payment, at: datetime) -> Payment:
    """The provider took the money."""
    if payment.took_money:
        return _move(payment, News.CAPTURED, payment.state, at)
    state = PaymentState.REFUND_DUE if payment.owed else PaymentState.CAPTURED
    return _move(payment, News.CAPTURED, state, at)


def voided(payment: Payment, at: datetime) -> Payment:
    """The provider gave the reservation up."""
    return _move(payment, News.VOIDED, PaymentState.VOIDED, at)


def refunded(payment: Payment, total: int, at: datetime) -> Payment:
    """In all, `total` went back to the buyer. Older totals change nothing.

    A total below a refund that is under way was not made by it (someone refunded at the provider's own desk); it is
    left for the total that will include both, so that the question under way keeps its amount.
    """
    if total > payment.amount:
        raise Defect(f"payment {payment.id} of {payment.amount} cannot have {total} refunded")
    under_way = payment.refunding > payment.refunded and total < payment.refunding
    back = payment.refunded if under_way else max(payment.refunded, total)
    owed = max(payment.owed, back)
    if back == payment.amount:
        state = PaymentState.REFUNDED
    else:
        state = PaymentState.REFUND_DUE if owed > back else PaymentState.CAPTURED
    return _move(payment, News.REFUNDED, state, at, owed=owed, refunded=back)


def _move(payment: Payment, news: News, state: PaymentState, at: datetime, **amounts: int) -> Payment:
    """The payment in its new state; work that begins is due at once, finished work is due no more."""
    if state not in MOVES.get((payment.state, news), ()):
        raise Defect(f"payment {payment.id} cannot go from {payment.state} to {state} by news of {news}")
    progress = state is not payment.state or amounts.get("refunded", payment.refunded) != payment.refunded
    if not progress:
        return msgspec.structs.replace(payment, **amounts)
    due_at = at if state in WORK else None
    return msgspec.structs.replace(payment, state=state, due_at=due_at, tries=0, last_error=None, **amounts)
