"""The facts that follow when payments moved on."""

from collections.abc import Sequence
from datetime import datetime

from nightmarket.payments.contract import PaymentCaptured, PaymentRefunded
from nightmarket.payments.model import Payment, PaymentState
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import Facts


async def tell(tx: Connection, facts: Facts, moves: Sequence[tuple[Payment, Payment]], at: datetime) -> None:
    """Append what happened between before and after: captured once, each amount that went back once."""
    captured: list[PaymentCaptured] = []
    refunded: list[PaymentRefunded] = []
    for before, after in moves:
        if after.took_money and not before.took_money:
            captured.append(PaymentCaptured(after.id, after.order, after.amount, after.currency))
        back = after.refunded - before.refunded
        if after.state is PaymentState.VOIDED and before.state is not PaymentState.VOIDED:
            back = after.amount
        if back:
            refunded.append(PaymentRefunded(after.id, after.order, back, after.currency))
    await facts.append(tx, captured, at)
    await facts.append(tx, refunded, at)
