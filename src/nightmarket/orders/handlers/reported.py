"""What a provider reports late and by itself is settled as if it had answered, or the money goes back.

It closes the last gap: a process that ended, or an order that lapsed or was cancelled, while the provider went on.
"""

import asyncio
from collections.abc import Sequence

import structlog

from nightmarket.orders import store
from nightmarket.orders.model.order import claim_id, is_held
from nightmarket.payments.contract import PaymentReported
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import Fact
from nightmarket.platform.subscriptions import Subscription

from .means import Means
from .settling import SettleBatch, Settlement

log = structlog.get_logger(__name__)


class ReportedPayments:
    """A consumer of `payments.reported`. Settling the same attempt again changes nothing, so it may hear twice."""

    def __init__(self, means: Means, settles: SettleBatch) -> None:
        self._means = means
        self._settles = settles
        self.subscription = Subscription("orders-reported-payments", (PaymentReported.kind,), self._hear)

    async def _hear(self, tx: Connection, facts: Sequence[Fact]) -> None:
        reports = [report for fact in facts for report in fact.read(PaymentReported)]
        sessions = await store.session_states(tx, list({report.order for report in reports}))
        rows = await store.orders(tx, list(sessions))
        found: list[Settlement] = []
        for report in reports:
            _, attempts = sessions.get(report.order, (None, -1))
            key = report.authorisation.key
            attempt = next((n for n in range(attempts, -1, -1) if str(claim_id(report.order, n)) == key), None)
            if attempt is None:
                log.error("payment_of_no_order", provider=report.provider, order=str(report.order), key=key)
                continue
            hold = report.order in rows and is_held(rows[report.order][0].handler)
            found.append(Settlement(report.order, attempt, report.authorisation, report.provider, hold=hold))
        await asyncio.gather(*(self._settles.settle(one) for one in found))
